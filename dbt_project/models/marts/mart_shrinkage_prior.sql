-- What shares and probabilities were drawn towards: the prior of each procedure, year and attempt.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'procedure_code', 'attempt'], 'unique': true}]
) }}

with

region_prior as (

    select * from {{ source('estimates', 'estimate_prior') }}
    where {{ method_in_span('year') }}

),

correlation as (

    select * from {{ source('estimates', 'estimate_correlation') }}

)

select
    region_prior.year,
    region_prior.procedure_code,
    region_prior.attempt,
    region_prior.n_schools,
    region_prior.n_participants,
    region_prior.n_below_min,
    region_prior.mu,
    region_prior.tau2,
    region_prior.m,
    region_prior.alpha,
    region_prior.beta,
    correlation.rho,
    correlation.n_pairs as n_correlation_pairs,
    correlation.rho_years,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from region_prior
left join correlation
    on
        region_prior.year = correlation.year
        and region_prior.attempt = correlation.attempt
