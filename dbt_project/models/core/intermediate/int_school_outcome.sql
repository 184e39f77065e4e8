-- What a school reached over a model's years, in standard deviations of the region's pupils.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id', 'model_code'], 'unique': true}]
) }}

with

-- The year of a model and the years before it that the result is averaged over.
look_back as (

    select
        model.model_code,
        model.valid_from_year,
        model.valid_to_year,
        back.years_back,
        cast(model.parameters as jsonb) -> 'procedures' as procedures
    from {{ ref('context_model') }} as model
    cross join
        lateral generate_series(0, cast(cast(model.parameters as jsonb) ->> 'window_years' as integer) - 1)
            as back (years_back)

),

standardised as (

    select * from {{ ref('int_school_score') }}
    where {{ method_in_span_and_before('year', '(select max(years_back) from look_back)') }}

),

-- Schools that have any results of the year itself: a closed school has an outcome no more.
working as (

    select distinct
        year,
        school_id
    from standardised
    where {{ method_in_span('year') }}

)

select
    working.year,
    working.school_id,
    look_back.model_code,
    cast(
        round(sum(standardised.n_participants * standardised.z) / sum(standardised.n_participants), 12)
        as double precision
    ) as y,
    cast(sum(standardised.n_participants) as integer) as n_participants,
    cast(count(distinct standardised.year) as integer) as n_years,
    cast(count(distinct standardised.procedure_code) as integer) as n_procedures
from working
inner join look_back
    on
        working.year >= look_back.valid_from_year
        and working.year <= coalesce(look_back.valid_to_year, working.year)
inner join standardised
    on
        working.school_id = standardised.school_id
        and working.year - look_back.years_back = standardised.year
        and look_back.procedures ? standardised.procedure_code
group by working.year, working.school_id, look_back.model_code
