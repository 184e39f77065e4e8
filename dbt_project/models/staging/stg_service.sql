with source as (
    {{ accepted_rows('service', school_key="coalesce(landed.school_code, landed.municipality_code)") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_date('served_on') }} as served_on,
        {{ school_code('school_code') }} as school_code,
        municipality_code,
        person_key,
        snils_state,
        kind,
        programme
    from source
)

select * from renamed
