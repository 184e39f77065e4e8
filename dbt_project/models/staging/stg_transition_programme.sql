with source as (
    {{ accepted_rows('transition_programme', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        programme,
        {{ school_code('school_code') }} as school_code,
        {{ safe_date('approved_on') }} as approved_on,
        {{ safe_int('measures_planned') }} as measures_planned,
        {{ safe_int('measures_done') }} as measures_done,
        is_expertised,
        {{ safe_date('effective_from') }} as effective_from,
        has_specialists,
        has_network,
        has_monitoring,
        has_team_growth,
        has_associations
    from source
)

select * from renamed
