-- The lines of the funnel: its bounds for numbers of participants from one to the largest school's, closer where they
-- bend.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'procedure_code', 'n_participants'], 'unique': true}]
) }}

with

parameter as (

    select * from {{ ref('interval_parameter') }}

),

procedure_of_year as (

    select
        year,
        procedure_code,
        max(procedure_title) as procedure_title,
        max(exam) as exam,
        max(n_participants) as max_participants,
        sum(n_participants) as n_total,
        max(regional_share) as regional_share
    from {{ ref('mart_funnel_plot') }}
    where {{ method_in_span('year') }}
    group by year, procedure_code

),

-- The step grows with the square: rounded up in whole numbers, the last point is the largest school.
grid as (

    select distinct
        procedure_of_year.year,
        procedure_of_year.procedure_code,
        procedure_of_year.procedure_title,
        procedure_of_year.exam,
        procedure_of_year.n_total,
        procedure_of_year.regional_share,
        (
            procedure_of_year.max_participants * point.i * point.i
            + parameter.grid_points * parameter.grid_points - 1
        ) / (parameter.grid_points * parameter.grid_points) as n_participants,
        parameter.inner_z,
        parameter.outer_z
    from procedure_of_year
    cross join parameter
    cross join lateral generate_series(1, parameter.grid_points) as point (i)

)

select
    year,
    procedure_code,
    procedure_title,
    exam,
    n_participants,
    cast(n_total as integer) as n_total,
    regional_share,
    {{ funnel_bound('regional_share', 'n_participants', 'inner_z', -1) }} as low_95,
    {{ funnel_bound('regional_share', 'n_participants', 'inner_z', 1) }} as high_95,
    {{ funnel_bound('regional_share', 'n_participants', 'outer_z', -1) }} as low_998,
    {{ funnel_bound('regional_share', 'n_participants', 'outer_z', 1) }} as high_998,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from grid
