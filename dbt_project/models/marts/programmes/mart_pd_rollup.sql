-- Courses of a programme's members in the year: the region and each municipality, every person counted once in each.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'programme_code', "(coalesce(municipality_code, ''))"], 'unique': true}]
) }}

with

school as (

    select * from {{ ref('mart_pd_completion') }}
    where {{ method_in_span('year') }}

),

of_school as (

    select
        year,
        programme_code,
        municipality_code,
        grouping(municipality_code) = 1 as is_region,
        max(programme_title) as programme_title,
        max(municipality_name) as municipality_name,
        count(*) as n_schools,
        count(n_persons_completed) > 0 as has_come,
        count(headcount) as n_schools_with_list,
        count(*) filter (where is_complete) as n_schools_complete,
        count(*) filter (where is_complete_adjusted) as n_schools_complete_adjusted
    from school
    group by grouping sets ((year, programme_code), (year, programme_code, municipality_code))

),

-- Somebody who works at two schools is one person; courses that both name are not added up.
person as (

    select
        person.year,
        person.programme_code,
        school.municipality_code,
        grouping(school.municipality_code) = 1 as is_region,
        person.person_id,
        bool_or(person.is_completed) as is_completed,
        bool_or(person.is_listed) as is_listed,
        bool_or(person.is_trained) as is_trained,
        bool_or('директор' = any(person.listed_positions)) as is_director,
        bool_or('заместитель директора' = any(person.listed_positions)) as is_deputy,
        bool_or('учитель' = any(person.listed_positions)) as is_teacher,
        max(person.hours) as hours
    from {{ ref('int_pd_person') }} as person
    inner join school
        on
            person.year = school.year
            and person.programme_code = school.programme_code
            and person.school_id = school.school_id
    group by grouping sets (
        (person.year, person.programme_code, person.person_id),
        (person.year, person.programme_code, school.municipality_code, person.person_id)
    )

),

of_person as (

    select
        year,
        programme_code,
        municipality_code,
        is_region,
        count(*) filter (where is_completed) as n_persons_completed,
        count(*) filter (where is_listed) as headcount,
        count(*) filter (where is_director) as n_directors,
        count(*) filter (where is_director and is_trained) as n_directors_trained,
        count(*) filter (where is_deputy) as n_deputies,
        count(*) filter (where is_deputy and is_trained) as n_deputies_trained,
        count(*) filter (where is_teacher) as n_teachers,
        count(*) filter (where is_teacher and is_trained) as n_teachers_trained,
        percentile_cont(0.5) within group (order by hours) filter (where is_completed) as median_hours
    from person
    group by year, programme_code, municipality_code, is_region

)

select
    school.year,
    school.programme_code,
    school.programme_title,
    school.municipality_code,
    case when not school.is_region then school.municipality_name end as municipality_name,
    cast(school.n_schools as integer) as n_schools,
    cast(school.n_schools_with_list as integer) as n_schools_with_list,
    case when school.has_come then cast(school.n_schools_complete as integer) end as n_schools_complete,
    case when school.has_come then cast(school.n_schools_complete_adjusted as integer) end
        as n_schools_complete_adjusted,
    case when school.has_come then cast(school.n_schools_complete as double precision) / school.n_schools end
        as share_complete,
    case when school.has_come then cast(coalesce(person.n_persons_completed, 0) as integer) end as n_persons_completed,
    {%- for count in ['headcount', 'n_directors', 'n_deputies', 'n_teachers'] %}
        case when school.n_schools_with_list > 0 then cast(coalesce(person.{{ count }}, 0) as integer) end
            as {{ count }},
    {%- endfor %}
    {%- for count in ['n_directors_trained', 'n_deputies_trained', 'n_teachers_trained'] %}
        case
            when school.has_come and school.n_schools_with_list > 0
                then cast(coalesce(person.{{ count }}, 0) as integer)
        end as {{ count }},
    {%- endfor %}
    case when school.has_come then person.median_hours end as median_hours,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from of_school as school
left join of_person as person
    on
        school.year = person.year
        and school.programme_code = person.programme_code
        and school.is_region = person.is_region
        and school.municipality_code is not distinct from person.municipality_code
where school.is_region or school.municipality_code is not null
