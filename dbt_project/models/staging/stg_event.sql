with source as (
    {{ accepted_rows('event', school_key="landed.event_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        event_code,
        {{ safe_date('held_on') }} as held_on,
        level,
        kind,
        topic,
        organiser,
        programme
    from source
)

select * from renamed
