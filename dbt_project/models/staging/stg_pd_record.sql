with source as (
    {{ accepted_rows('pd_record', school_key="coalesce(landed.school_code, landed.certificate_no)") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        person_key,
        snils_state,
        name_key,
        {{ school_code('school_code') }} as school_code,
        position,
        course,
        topic,
        subprogramme,
        {{ safe_int('hours') }} as hours,
        {{ safe_date('started_on') }} as started_on,
        {{ safe_date('finished_on') }} as finished_on,
        certificate_no,
        status,
        document_kind
    from source
)

select * from renamed
