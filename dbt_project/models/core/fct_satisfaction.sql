{{ config(indexes=[{'columns': ['school_id', 'surveyed_on'], 'unique': true}]) }}

with source as (
    select * from {{ ref('stg_satisfaction') }}
),

resolved as (
    select
        source.surveyed_on,
        school.school_id,
        source.school_code,
        school.municipality_code,
        source.score,
        source.file_id,
        source.part_id,
        source.row_no,
        -- Of two rows with one key, the later file is right.
        row_number() over (
            partition by school.school_id, source.surveyed_on
            order by source.part_id desc, source.row_no desc
        ) as preference
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
)

select
    {{ region_code() }} as region_code,
    surveyed_on,
    school_id,
    school_code,
    municipality_code,
    score,
    file_id,
    part_id,
    row_no
from resolved
where preference = 1
