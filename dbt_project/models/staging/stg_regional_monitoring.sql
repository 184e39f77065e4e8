with source as (
    {{ accepted_rows('regional_monitoring', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_int('year') }} as year,
        {{ school_code('school_code') }} as school_code,
        monitoring,
        {{ safe_int('grade') }} as grade,
        subject,
        pupil_code,
        {{ safe_numeric('score') }} as score,
        {{ safe_numeric('max_score') }} as max_score,
        level
    from source
)

select * from renamed
