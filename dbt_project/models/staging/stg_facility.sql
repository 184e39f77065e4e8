with source as (
    {{ accepted_rows('facility', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ school_code('school_code') }} as school_code,
        work_kind,
        {{ safe_date('due_on') }} as due_on,
        {{ safe_date('done_on') }} as done_on,
        meets_standard
    from source
)

select * from renamed
