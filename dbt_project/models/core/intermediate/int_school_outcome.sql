-- What a school reached over a model's years, in standard deviations of the region's pupils.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    post_hook='analyze {{ this }}',
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

counts as (

    select * from {{ ref('fct_school_procedure') }}

),

-- Exact numbers from here on: their sums do not depend on the order of the rows.
result as (

    select
        year,
        school_id,
        procedure_code,
        cast(n_participants as numeric) as n,
        cast(mean_score as numeric) as mean_score,
        -- Nothing varies within one pupil; how much does within a summary is not known.
        case
            when n_participants = 1 then 0
            else (n_participants - 1) * cast(sd_score as numeric) * cast(sd_score as numeric)
        end as squares_within
    from counts
    where n_participants > 0 and mean_score is not null

),

mean as (

    select
        year,
        procedure_code,
        sum(n * mean_score) / sum(n) as mean_score,
        sum(n * mean_score) filter (where squares_within is not null)
        / nullif(sum(n) filter (where squares_within is not null), 0) as mean_of_pupils
    from result
    group by year, procedure_code

),

-- The law of total variance: within schools and between them. Where no pupils are known, between schools only.
region as (

    select
        mean.year,
        mean.procedure_code,
        mean.mean_score,
        coalesce(
            sqrt(
                sum(
                    result.squares_within
                    + result.n * (result.mean_score - mean.mean_of_pupils) * (result.mean_score - mean.mean_of_pupils)
                )
                / nullif(sum(result.n) filter (where result.squares_within is not null) - 1, 0)
            ),
            sqrt(
                sum(result.n * (result.mean_score - mean.mean_score) * (result.mean_score - mean.mean_score))
                / sum(result.n)
            )
        ) as sd_score
    from mean
    inner join result
        on mean.year = result.year and mean.procedure_code = result.procedure_code
    group by mean.year, mean.procedure_code, mean.mean_score

),

standardised as (

    select
        result.year,
        result.school_id,
        result.procedure_code,
        result.n,
        (result.mean_score - region.mean_score) / region.sd_score as z
    from result
    inner join region
        on result.year = region.year and result.procedure_code = region.procedure_code
    where region.sd_score > 0

),

-- Schools that have any results of the year itself: a closed school has an outcome no more.
working as (

    select distinct
        year,
        school_id
    from counts
    where {{ method_in_span('year') }}

)

select
    working.year,
    working.school_id,
    look_back.model_code,
    cast(round(sum(standardised.n * standardised.z) / sum(standardised.n), 12) as double precision) as y,
    cast(sum(standardised.n) as integer) as n_participants,
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
