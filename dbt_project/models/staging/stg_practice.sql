with source as (
    {{ accepted_rows('practice', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ school_code('school_code') }} as school_code,
        name,
        {{ safe_date('approved_on') }} as approved_on,
        used_by_codes
    from source
)

select * from renamed
