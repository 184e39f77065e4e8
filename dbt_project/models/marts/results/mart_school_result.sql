-- A school's results procedure by procedure, beside the region and what was to be expected: the series of its card.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[
        {'columns': ['year', 'school_id', 'procedure_code'], 'unique': true},
        {'columns': ['school_id']}
    ]
) }}

with

counts as (

    select * from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }} and n_participants > 0

),

procedure as (

    select * from {{ ref('dim_procedure') }}

),

school as (

    select * from {{ ref('int_school_of_year') }}

),

parameter as (

    select inner_z from {{ ref('interval_parameter') }}

),

region as (

    select
        year,
        procedure_code,
        sum(n_below_min) as n_below_min,
        sum(n_participants) filter (where n_below_min is not null) as n_judged,
        sum(cast(n_participants as numeric) * cast(mean_score as numeric))
        / nullif(sum(n_participants) filter (where mean_score is not null), 0) as mean_score,
        sum(cast(n_participants as numeric) * cast(mean_mark as numeric))
        / nullif(sum(n_participants) filter (where mean_mark is not null), 0) as mean_mark
    from counts
    group by year, procedure_code

),

-- The share drawn to the region is the same for every threshold.
shrunk as (

    select
        year,
        school_id,
        procedure_code,
        max(shrunk_share) as shrunk_share
    from {{ source('estimates', 'estimate_probability') }}
    where {{ method_in_span('year') }} and attempt = 'first'
    group by year, school_id, procedure_code

),

context as (

    select
        year,
        school_id,
        outcome_score,
        expected_score,
        residual_z
    from {{ ref('mart_school_context') }}
    where {{ method_in_span('year') }}

)

select
    counts.year,
    counts.school_id,
    school.school_code,
    school.school_name,
    school.school_label,
    school.municipality_code,
    school.municipality_name,
    school.school_kind,
    counts.procedure_code,
    procedure.title_ru as procedure_title,
    procedure.exam,
    procedure.subject,
    procedure.grade,
    counts.n_participants,
    counts.n_below_min,
    counts.share_below_min,
    {{ wilson_low('counts.n_below_min', 'counts.n_participants', 'parameter.inner_z') }} as ci_low,
    {{ wilson_high('counts.n_below_min', 'counts.n_participants', 'parameter.inner_z') }} as ci_high,
    shrunk.shrunk_share,
    cast(region.n_below_min as double precision) / nullif(region.n_judged, 0) as regional_share,
    counts.share_below_min - cast(region.n_below_min as double precision) / nullif(region.n_judged, 0) as gap_share,
    counts.mean_score,
    cast(region.mean_score as double precision) as regional_mean_score,
    counts.mean_score - cast(region.mean_score as double precision) as gap_mean_score,
    counts.mean_mark,
    cast(region.mean_mark as double precision) as regional_mean_mark,
    context.outcome_score,
    context.expected_score,
    context.outcome_score - context.expected_score as residual,
    context.residual_z,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from counts
cross join parameter
inner join region on counts.year = region.year and counts.procedure_code = region.procedure_code
left join school on counts.year = school.year and counts.school_id = school.school_id
left join procedure on counts.procedure_code = procedure.procedure_code
left join shrunk
    on
        counts.year = shrunk.year
        and counts.school_id = shrunk.school_id
        and counts.procedure_code = shrunk.procedure_code
left join context on counts.year = context.year and counts.school_id = context.school_id
