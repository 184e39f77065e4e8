with source as (
    {{ accepted_rows('deficit', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        person_key,
        snils_state,
        {{ school_code('school_code') }} as school_code,
        stage,
        deficit_code,
        is_found
    from source
)

select * from renamed
