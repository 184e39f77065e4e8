with source as (
    {{ accepted_rows('association', school_key="coalesce(landed.school_code, landed.municipality_code)") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ school_code('school_code') }} as school_code,
        municipality_code,
        level,
        kind,
        name,
        {{ safe_date('ordered_on') }} as ordered_on,
        {{ safe_int('meetings') }} as meetings,
        {{ safe_int('year') }} as year
    from source
)

select * from renamed
