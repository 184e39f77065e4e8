with source as (
    {{ accepted_rows('contest', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_date('held_on') }} as held_on,
        {{ school_code('school_code') }} as school_code,
        name,
        level,
        result
    from source
)

select * from renamed
