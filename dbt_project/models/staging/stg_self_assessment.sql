with source as (
    {{ accepted_rows('self_assessment', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_int('year') }} as year,
        {{ school_code('school_code') }} as school_code,
        aspect,
        level,
        {{ safe_numeric('score') }} as score
    from source
)

select * from renamed
