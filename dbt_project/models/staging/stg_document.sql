with source as (
    {{ accepted_rows('document', school_key="coalesce(landed.programme, landed.number)") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        programme,
        kind,
        number,
        {{ safe_date('dated_on') }} as dated_on,
        name,
        level,
        municipality_code,
        {{ school_code('school_code') }} as school_code
    from source
)

select * from renamed
