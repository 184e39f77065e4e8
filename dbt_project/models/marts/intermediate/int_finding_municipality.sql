-- Whose rows the findings of the years computed now are about: the municipality of the school that the row names.
-- Rejected rows stand in landing only.

with

-- Straight from the table of findings: of it the planner knows how many there are, and reads no part anew for each.
named as (

    {% for name, columns in school_key_columns() %}
        select
            finding.part_id,
            finding.row_no,
            {{ school_code('landed.school_code') ~ ' as school_code' if 'school_code' in columns else 'cast(null as text) as school_code' }},
            part.year,
            {{ 'landed.school_login' if 'school_login' in columns else 'cast(null as text) as school_login' }}
        from {{ source('landing', name) }} as landed
        inner join {{ source('ops', 'row_finding') }} as finding
            on landed.part_id = finding.part_id and landed.row_no = finding.row_no
        inner join {{ source('ops', 'source_part') }} as part on finding.part_id = part.part_id
        where
            finding.source = '{{ name }}'
            and part.in_force
            and {{ of_years('part.year') }}
            and {{ in_parts('landed.part_id') }}
        union all
    {% endfor %}
    select
        cast(null as bigint) as part_id,
        cast(null as integer) as row_no,
        cast(null as text) as school_code,
        cast(null as integer) as year,
        cast(null as text) as school_login
    where false

),

school as (

    select
        school_id,
        municipality_code
    from {{ ref('dim_school') }}
    where is_current and municipality_code is not null

)

-- The records of one row are of one school.
select
    named.part_id,
    named.row_no,
    min(school.municipality_code) as municipality_code
from named
left join {{ ref('int_school_key') }} as by_code
    on by_code.key_kind = 'code' and named.school_code = by_code.school_key
left join {{ ref('int_school_key') }} as by_login
    on
        by_login.key_kind = 'login'
        and named.school_login = by_login.school_key
        and {{ key_holds('by_login', 'named.year') }}
inner join school on coalesce(by_code.school_id, by_login.school_id) = school.school_id
group by named.part_id, named.row_no
