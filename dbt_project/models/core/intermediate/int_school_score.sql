-- A school's result in a procedure, in standard deviations of the region's pupils.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id', 'procedure_code'], 'unique': true}]
) }}

with

-- Exact numbers from here on: their sums do not depend on the order of the rows.
result as (

    select
        year,
        school_id,
        procedure_code,
        n_participants,
        cast(n_participants as numeric) as n,
        cast(mean_score as numeric) as mean_score,
        -- Nothing varies within one pupil; how much does within a summary is not known.
        case
            when n_participants = 1 then 0
            else (n_participants - 1) * cast(sd_score as numeric) * cast(sd_score as numeric)
        end as squares_within
    from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }} and n_participants > 0 and mean_score is not null

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

)

select
    result.year,
    result.school_id,
    result.procedure_code,
    result.n_participants,
    round((result.mean_score - region.mean_score) / region.sd_score, 12) as z
from result
inner join region
    on result.year = region.year and result.procedure_code = region.procedure_code
where region.sd_score > 0
