{{ config(indexes=[{'columns': ['event_code']}]) }}

with source as (
    select * from {{ ref('stg_event_participant') }}
),

final as (
    select
        {{ region_code() }} as region_code,
        source.event_code,
        {{ fold('source.region') }} as region,
        school.school_id is not null or source.region is null as is_home,
        school.school_id,
        source.school_code,
        school.municipality_code,
        source.person_key as person_id,
        source.person_key,
        source.snils_state,
        source.role,
        source.file_id,
        source.part_id,
        source.row_no
    from source
    left join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    -- What names a school that is not known must not pass for someone without a school.
    where source.school_code is null or school.school_id is not null
)

select * from final
