-- Every school in every year of the programmes: the version of the register that the end of the year shows, and pupils.
{{ config(indexes=[{'columns': ['year', 'school_id']}]) }}

with

asked as (

    select distinct year
    from {{ ref('int_programme_period') }}
    where period_kind = 'year'

),

version as (

    select * from {{ ref('dim_school') }}

),

-- The last version that has begun, else the first one.
known as (

    select distinct on (asked.year, version.school_id)
        asked.year,
        version.school_id,
        coalesce(version.school_code, version.login, version.school_id) as school_code,
        version.name as school_name,
        version.school_label,
        version.municipality_code,
        version.municipality_name,
        version.school_kind,
        version.is_rural,
        version.is_leader,
        version.is_innovation_site,
        version.enrolment
    from asked
    cross join version
    order by
        asked.year asc,
        version.school_id asc,
        coalesce(extract(year from version.valid_from) <= asked.year, true) desc,
        case when extract(year from version.valid_from) <= asked.year then version.valid_from end desc nulls last,
        version.valid_from asc

),

context as (

    select
        year,
        school_id,
        max(pupils) as pupils
    from {{ ref('fct_school_context') }}
    group by year, school_id

)

select
    known.year,
    known.school_id,
    known.school_code,
    known.school_name,
    known.school_label,
    known.municipality_code,
    known.municipality_name,
    known.school_kind,
    known.is_rural,
    known.is_leader,
    known.is_innovation_site,
    -- The form of the year knows better than the register, which has only the last number.
    coalesce(context.pupils, known.enrolment) as pupils
from known
left join context on known.year = context.year and known.school_id = context.school_id
