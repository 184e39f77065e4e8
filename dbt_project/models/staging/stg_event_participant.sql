with source as (
    {{ accepted_rows('event_participant', school_key="coalesce(landed.school_code, landed.event_code)") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        event_code,
        region,
        {{ school_code('school_code') }} as school_code,
        person_key,
        snils_state,
        role
    from source
)

select * from renamed
