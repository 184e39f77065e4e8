{{ config(indexes=[{'columns': ['school_id', 'person_id', 'stage', 'deficit_code'], 'unique': true}]) }}

with source as (
    select * from {{ ref('stg_deficit') }}
),

resolved as (
    select
        source.person_key as person_id,
        source.person_key,
        source.snils_state,
        school.school_id,
        source.school_code,
        school.municipality_code,
        stage_listed.value as stage,
        source.deficit_code,
        is_found_listed.value = 'да' as is_found,
        source.file_id,
        source.part_id,
        source.row_no,
        -- Of two rows with one key, the later file is right.
        row_number() over (
            partition by
                school.school_id,
                coalesce(source.person_key, cast(source.part_id as text) || '/' || cast(source.row_no as text)),
                stage_listed.value,
                source.deficit_code
            order by source.part_id desc, source.row_no desc
        ) as preference
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    {{ join_list('stage', 'deficit_stage') }}
    {{ join_list('is_found', 'yes_no') }}
)

select
    {{ region_code() }} as region_code,
    person_id,
    person_key,
    snils_state,
    school_id,
    school_code,
    municipality_code,
    stage,
    deficit_code,
    is_found,
    file_id,
    part_id,
    row_no
from resolved
where preference = 1
