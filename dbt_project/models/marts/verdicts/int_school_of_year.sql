-- Schools with results or a context form in the years computed now, as the register knew them at the end of the year;
-- before a school's first version, as that first version says.
{{ config(
    materialized='table',
    indexes=[{'columns': ['year', 'school_id'], 'unique': true}]
) }}

with

result as (

    select distinct
        year,
        school_id
    from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }}

),

context as (

    select
        year,
        school_id
    from {{ ref('fct_school_context') }}
    where {{ method_in_span('year') }}

),

seen as (

    select
        coalesce(result.year, context.year) as year,
        coalesce(result.school_id, context.school_id) as school_id,
        result.school_id is not null as has_results,
        context.school_id is not null as has_context
    from result
    full outer join context
        on result.year = context.year and result.school_id = context.school_id

),

school as (

    select * from {{ ref('dim_school') }}

)

select distinct on (seen.year, seen.school_id)
    seen.year,
    seen.school_id,
    school.school_code,
    school.login,
    school.name as school_name,
    school.school_label,
    school.municipality_id,
    school.municipality_code,
    school.municipality_name,
    school.school_kind,
    school.is_rural,
    seen.has_results,
    seen.has_context
from seen
left join school on seen.school_id = school.school_id
cross join
    lateral (
        select coalesce(extract(year from school.valid_from) <= seen.year, true) as has_begun
    ) as version
order by
    seen.year asc,
    seen.school_id asc,
    version.has_begun desc,
    case when version.has_begun then school.valid_from end desc nulls last,
    school.valid_from asc
