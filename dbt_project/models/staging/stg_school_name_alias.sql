with source as (
    {{ accepted_rows('school_name_alias', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        alias,
        {{ school_code('school_code') }} as school_code,
        origin
    from source
)

select * from renamed
