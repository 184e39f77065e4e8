{{ config(indexes=[{'columns': ['year', 'school_id', 'municipality_code', 'kind', 'name'], 'unique': true}]) }}

with source as (
    select * from {{ ref('stg_association') }}
),

resolved as (
    select
        school.school_id,
        source.school_code,
        coalesce(
            municipality.municipality_code, source.municipality_code, school.municipality_code
        ) as municipality_code,
        level_listed.value as level,
        kind_listed.value as kind,
        source.name,
        source.ordered_on,
        source.meetings,
        source.year,
        source.file_id,
        source.part_id,
        source.row_no,
        -- Of two rows with one key, the later file is right.
        row_number() over (
            partition by
                source.year,
                school.school_id,
                coalesce(municipality.municipality_code, source.municipality_code, school.municipality_code),
                kind_listed.value,
                source.name
            order by source.part_id desc, source.row_no desc
        ) as preference
    from source
    left join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    left join {{ ref('int_municipality_of_code') }} as municipality
        on ltrim(source.municipality_code, '0') = municipality.code_folded
    {{ join_list('level', 'level') }}
    {{ join_list('kind', 'association_kind') }}
    -- What names a school or a programme that is not known must not pass for all of them.
    where source.school_code is null or school.school_id is not null
)

select
    {{ region_code() }} as region_code,
    school_id,
    school_code,
    municipality_code,
    level,
    kind,
    name,
    ordered_on,
    meetings,
    year,
    file_id,
    part_id,
    row_no
from resolved
where preference = 1
