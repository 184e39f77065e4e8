with source as (
    {{ accepted_rows('staffing', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_int('year') }} as year,
        {{ school_code('school_code') }} as school_code,
        position,
        {{ safe_numeric('positions_planned') }} as positions_planned,
        {{ safe_numeric('positions_filled') }} as positions_filled
    from source
)

select * from renamed
