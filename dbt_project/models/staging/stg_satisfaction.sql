with source as (
    {{ accepted_rows('satisfaction', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_date('surveyed_on') }} as surveyed_on,
        {{ school_code('school_code') }} as school_code,
        {{ safe_numeric('score') }} as score
    from source
)

select * from renamed
