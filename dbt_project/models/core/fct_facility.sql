with source as (
    select * from {{ ref('stg_facility') }}
),

final as (
    select
        {{ region_code() }} as region_code,
        school.school_id,
        source.school_code,
        school.municipality_code,
        work_kind_listed.value as work_kind,
        source.due_on,
        source.done_on,
        meets_standard_listed.value = 'да' as meets_standard,
        source.file_id,
        source.part_id,
        source.row_no
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    {{ join_list('work_kind', 'work_kind') }}
    {{ join_list('meets_standard', 'yes_no') }}
)

select * from final
