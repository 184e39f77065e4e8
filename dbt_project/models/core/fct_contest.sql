with source as (
    select * from {{ ref('stg_contest') }}
),

final as (
    select
        {{ region_code() }} as region_code,
        source.held_on,
        school.school_id,
        source.school_code,
        school.municipality_code,
        source.name,
        level_listed.value as level,
        result_listed.value as result,
        source.file_id,
        source.part_id,
        source.row_no
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    {{ join_list('level', 'level') }}
    {{ join_list('result', 'contest_result') }}
)

select * from final
