-- Territories by the codes that indicators use: schools and municipalities with their names of today.
{{ config(
    materialized='table',
    indexes=[{'columns': ['territory_kind', 'territory_code'], 'unique': true}]
) }}

with

school as (

    -- Schools that share a code stand in one row, by the first of their records.
    select distinct on (coalesce(school_code, login, school_id))
        coalesce(school_code, login, school_id) as territory_code,
        coalesce(short_name, name) as territory_name,
        school_label,
        school_kind,
        municipality_code,
        municipality_name
    from {{ ref('dim_school') }}
    where is_current
    order by coalesce(school_code, login, school_id) asc, coalesce(short_name, name) asc, school_id asc

),

municipality as (

    select
        municipality_code,
        min(municipality_name) as municipality_name
    from {{ ref('dim_municipality') }}
    where municipality_code is not null
    group by municipality_code

)

select
    'school' as territory_kind,
    territory_code,
    territory_name,
    municipality_code,
    municipality_name,
    school_label,
    school_kind
from school
union all
select
    'municipality' as territory_kind,
    municipality_code as territory_code,
    municipality_name as territory_name,
    municipality_code,
    municipality_name,
    cast(null as text) as school_label,
    cast(null as text) as school_kind
from municipality
