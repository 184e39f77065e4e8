with source as (
    select * from {{ ref('stg_quality_monitoring') }}
),

final as (
    select
        {{ region_code() }} as region_code,
        source.held_on,
        school.school_id,
        source.school_code,
        school.municipality_code,
        component_listed.value as component,
        source.conducted_by,
        source.score,
        is_complete_listed.value = 'да' as is_complete,
        source.file_id,
        source.part_id,
        source.row_no
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    {{ join_list('component', 'monitoring_component') }}
    {{ join_list('is_complete', 'yes_no') }}
)

select * from final
