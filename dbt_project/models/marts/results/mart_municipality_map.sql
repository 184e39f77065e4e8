-- One row a municipality and year for the map and the ranking: list, results, conditions, support.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'municipality_id'], 'unique': true}]
) }}

with

card as (

    select
        card.*,
        school.municipality_id
    from {{ ref('mart_school_card') }} as card
    inner join {{ ref('int_school_of_year') }} as school
        on card.year = school.year and card.school_id = school.school_id
    where school.municipality_id is not null

),

parameter as (

    select inner_z from {{ ref('interval_parameter') }}

),

counted as (

    select
        year,
        municipality_id,
        max(municipality_code) as municipality_code,
        max(municipality_name) as municipality_name,
        max(list_method_code) as method_code,
        max(method_title) as method_title,
        count(*) as n_schools,
        count(is_low_results) as n_schools_judged,
        case when count(list_method_code) > 0 then count(*) filter (where is_low_results) end as n_low,
        count(is_adverse_context) as n_schools_with_context,
        case when count(is_adverse_context) > 0 then count(*) filter (where is_adverse_context) end as n_adverse,
        count(*) filter (where cardinality(programmes) > 0) as n_members,
        count(has_partner) as n_schools_target,
        case when count(has_partner) > 0 then count(*) filter (where has_partner) end as n_schools_covered,
        count(is_pd_complete) as n_schools_pd,
        case when count(is_pd_complete) > 0 then count(*) filter (where is_pd_complete) end as n_schools_pd_complete
    from card
    group by year, municipality_id

),

result as (

    select
        year,
        municipality_id,
        sum(n_participants) as n_results,
        sum(n_below_min) as n_below_min
    from {{ ref('int_municipality_procedure') }}
    where {{ method_in_span('year') }}
    group by year, municipality_id

),

-- The region is all its schools, also those whose municipality is not known.
region as (

    select
        year,
        cast(sum(n_below_min) as double precision) / sum(n_participants) as regional_share
    from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }} and n_participants > 0 and n_below_min is not null
    group by year

)

select
    counted.year,
    counted.municipality_id,
    counted.municipality_code,
    counted.municipality_name,
    counted.method_code,
    counted.method_title,
    cast(counted.n_schools as integer) as n_schools,
    cast(counted.n_schools_judged as integer) as n_schools_judged,
    cast(counted.n_low as integer) as n_low,
    cast(counted.n_low as double precision) / nullif(counted.n_schools_judged, 0) as share_low,
    {{ wilson_low('counted.n_low', 'counted.n_schools_judged', 'parameter.inner_z') }} as share_low_ci_low,
    {{ wilson_high('counted.n_low', 'counted.n_schools_judged', 'parameter.inner_z') }} as share_low_ci_high,
    cast(result.n_results as integer) as n_results,
    cast(result.n_below_min as integer) as n_below_min,
    cast(result.n_below_min as double precision) / nullif(result.n_results, 0) as share_below_min,
    {{ wilson_low('result.n_below_min', 'result.n_results', 'parameter.inner_z') }} as ci_low,
    {{ wilson_high('result.n_below_min', 'result.n_results', 'parameter.inner_z') }} as ci_high,
    region.regional_share,
    cast(result.n_below_min as double precision) / nullif(result.n_results, 0) - region.regional_share as gap,
    cast(counted.n_schools_with_context as integer) as n_schools_with_context,
    cast(counted.n_adverse as integer) as n_adverse,
    cast(counted.n_members as integer) as n_members,
    cast(counted.n_schools_target as integer) as n_schools_target,
    cast(counted.n_schools_covered as integer) as n_schools_covered,
    cast(counted.n_schools_covered as double precision) / nullif(counted.n_schools_target, 0) as partnership_coverage,
    cast(counted.n_schools_pd as integer) as n_schools_pd,
    cast(counted.n_schools_pd_complete as integer) as n_schools_pd_complete,
    cast(counted.n_schools_pd_complete as double precision) / nullif(counted.n_schools_pd, 0) as pd_complete_share,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from counted
cross join parameter
left join result on counted.year = result.year and counted.municipality_id = result.municipality_id
left join region on counted.year = region.year
