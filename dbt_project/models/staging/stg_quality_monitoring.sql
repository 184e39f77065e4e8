with source as (
    {{ accepted_rows('quality_monitoring', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_date('held_on') }} as held_on,
        {{ school_code('school_code') }} as school_code,
        component,
        conducted_by,
        {{ safe_numeric('score') }} as score,
        is_complete
    from source
)

select * from renamed
