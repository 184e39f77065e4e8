-- How many schools were low in k of n years: by procedure, and in every procedure they sat.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'method_code', 'procedure_code', 'n_years_assessed', 'n_years_low'], 'unique': true}]
) }}

with

persistence as (

    select * from {{ ref('mart_school_persistence') }}
    where {{ method_in_span('year') }}

),

-- A school counts as low in everything in as many years as its best procedure was low.
everything as (

    select
        year,
        method_code,
        school_id,
        min(n_years_assessed) as n_years_assessed,
        min(n_years_low) as n_years_low
    from persistence
    group by year, method_code, school_id

),

listed as (

    select
        year,
        method_code,
        procedure_code,
        school_id,
        n_years_assessed,
        n_years_low
    from persistence
    union all
    select
        year,
        method_code,
        'all' as procedure_code,
        school_id,
        n_years_assessed,
        n_years_low
    from everything

)

select
    year,
    method_code,
    procedure_code,
    n_years_assessed,
    n_years_low,
    cast(count(*) as integer) as n_schools,
    cast(count(*) as double precision)
    / sum(count(*)) over (partition by year, method_code, procedure_code, n_years_assessed) as share_of_schools
from listed
group by year, method_code, procedure_code, n_years_assessed, n_years_low
