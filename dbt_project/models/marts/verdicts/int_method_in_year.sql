-- Methods of every kind in each year computed now: the version in force, its parameters.
{{ config(materialized='table') }}

with

year_computed as (

    select distinct year from {{ ref('int_school_of_year') }}

),

method as (

    select * from {{ ref('dim_method') }}

)

select
    year_computed.year,
    method.method_code,
    method.method_version,
    coalesce(method.label_ru, method.title_ru) as method_title,
    method.kind,
    method.parameters,
    method.interval_z,
    method.grade_b_min_participants,
    method.grade_c_min_pooled
from year_computed
inner join method
    on
        year_computed.year >= method.valid_from_year
        and year_computed.year <= coalesce(method.valid_to_year, year_computed.year)
