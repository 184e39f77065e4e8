with source as (
    {{ accepted_rows('staff', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_int('year') }} as year,
        {{ school_code('school_code') }} as school_code,
        person_key,
        snils_state,
        name_key,
        {{ safe_int('birth_year') }} as birth_year,
        position,
        subject,
        category,
        teaches_russian_not_native,
        teaches_inclusive
    from source
)

select * from renamed
