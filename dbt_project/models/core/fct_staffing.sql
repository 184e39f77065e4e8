{{ config(indexes=[{'columns': ['year', 'school_id', 'position'], 'unique': true}]) }}

with source as (
    select * from {{ ref('stg_staffing') }}
),

resolved as (
    select
        source.year,
        school.school_id,
        source.school_code,
        school.municipality_code,
        position_listed.value as position,
        source.positions_planned,
        source.positions_filled,
        source.file_id,
        source.part_id,
        source.row_no,
        -- Of two rows with one key, the later file is right.
        row_number() over (
            partition by source.year, school.school_id, position_listed.value
            order by source.part_id desc, source.row_no desc
        ) as preference
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    {{ join_list('position', 'staff_position') }}
)

select
    {{ region_code() }} as region_code,
    year,
    school_id,
    school_code,
    municipality_code,
    position,
    positions_planned,
    positions_filled,
    file_id,
    part_id,
    row_no
from resolved
where preference = 1
