{{ config(indexes=[{'columns': ['school_id', 'name'], 'unique': true}]) }}

with source as (
    select * from {{ ref('stg_practice') }}
),

used as (
    select
        source.part_id,
        source.row_no,
        array_agg(distinct school.school_id order by school.school_id) as used_by_ids
    from source
    cross join lateral regexp_split_to_table(source.used_by_codes, '[,;\s]+') as listed (code)
    inner join {{ ref('int_school_of_code') }} as school
        on {{ school_code('listed.code') }} = school.school_code
    group by source.part_id, source.row_no
),

resolved as (
    select
        source.*,
        school.school_id,
        school.municipality_code,
        coalesce(used.used_by_ids, cast('{}' as text[])) as used_by_ids,
        -- Of two rows with one key, the later file is right.
        row_number() over (
            partition by school.school_id, source.name
            order by source.part_id desc, source.row_no desc
        ) as preference
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    left join used
        on source.part_id = used.part_id and source.row_no = used.row_no
)

select
    {{ region_code() }} as region_code,
    school_id,
    school_code,
    municipality_code,
    name,
    approved_on,
    used_by_codes,
    used_by_ids,
    file_id,
    part_id,
    row_no
from resolved
where preference = 1
