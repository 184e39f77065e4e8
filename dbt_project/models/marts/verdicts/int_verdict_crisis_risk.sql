-- Verdicts of kind crisis_risk: the axis of results beside the axis of conditions and change.
{{ config(materialized='table') }}

with

method as (

    select
        year,
        method_code,
        method_version,
        parameters ->> 'base_method' as base_method,
        parameters ->> 'model_code' as model_code,
        cast(parameters ->> 'crisis_probability' as double precision) as crisis_probability,
        cast(parameters ->> 'risk_probability' as double precision) as risk_probability,
        cast(parameters ->> 'crisis_years' as integer) as crisis_years,
        cast(parameters ->> 'residual_z' as double precision) as residual_cut,
        cast(parameters ->> 'slope_years' as integer) as slope_years,
        cast(parameters ->> 'risk_procedures' as integer) as risk_procedures,
        cast(parameters ->> 'risk_markers' as integer) as risk_markers,
        cast(parameters ->> 'context_numerator' as integer) as context_numerator,
        cast(parameters ->> 'context_denominator' as integer) as context_denominator,
        cast(parameters ->> 'min_pooled' as integer) as min_pooled,
        parameters -> 'low_statuses' as low_statuses,
        parameters -> 'markers' as markers
    from {{ ref('int_method_in_year') }}
    where kind = 'crisis_risk'

),

base as (

    select
        low_share.*,
        probability.probability_low
    from {{ ref('int_verdict_low_share') }} as low_share
    left join {{ source('estimates', 'estimate_rule_probability') }} as probability
        on
            low_share.year = probability.year
            and low_share.school_id = probability.school_id
            and low_share.method_code = probability.method_code

),

-- Low beyond doubt: both conditions, or the probability; how many of the last years, counting this one.
in_years as (

    select
        method.year,
        method.method_code,
        base.school_id,
        count(*) filter (
            where (base.is_low_two_procedures and base.is_low_repeated)
            or base.probability_low >= method.crisis_probability
        ) as n_years_low
    from method
    inner join base
        on
            method.base_method = base.method_code
            and base.year between method.year - method.crisis_years + 1 and method.year
    group by method.year, method.method_code, base.school_id

),

pooled as (

    select
        year,
        school_id,
        method_code,
        max(n_participants_pooled) as n_pooled_max
    from {{ ref('mart_identification_evidence') }}
    where {{ method_in_span('year') }} and not is_excluded
    group by year, school_id, method_code

),

-- The school's standardised result of each year, and whether it falls: the sign of the regression's slope.
yearly as (

    select
        method.year,
        method.method_code,
        score.school_id,
        score.year as score_year,
        sum(score.n_participants * score.z) / sum(score.n_participants) as y
    from method
    inner join {{ ref('int_school_score') }} as score
        on score.year between method.year - method.slope_years + 1 and method.year
    inner join {{ ref('context_model') }} as model
        on
            method.model_code = model.model_code
            and method.year >= model.valid_from_year
            and method.year <= coalesce(model.valid_to_year, method.year)
            and cast(model.parameters as jsonb) -> 'procedures' ? score.procedure_code
    group by method.year, method.method_code, score.school_id, score.year

),

centred as (

    select
        yearly.*,
        score_year - avg(score_year) over (partition by year, method_code, school_id) as year_from_mean
    from yearly

),

trend as (

    select
        year,
        method_code,
        school_id,
        count(*) as n_years,
        sum(year_from_mean * y) / nullif(sum(year_from_mean * year_from_mean), 0) as slope
    from centred
    group by year, method_code, school_id

),

context as (

    select
        year,
        school_id,
        rank() over (partition by year order by context_index) as place,
        count(*) over (partition by year) as n_schools
    from {{ ref('mart_school_context') }}
    where {{ method_in_span('year') }} and context_index is not null

),

marker as (

    select
        method.year,
        method.method_code,
        flagged.school_id,
        count(distinct flagged.marker) as n_markers
    from method
    inner join {{ source('estimates', 'estimate_marker') }} as flagged
        on method.year = flagged.year and method.markers ? flagged.marker
    where flagged.is_flagged
    group by method.year, method.method_code, flagged.school_id

),

set_beside as (

    select
        method.*,
        base.school_id,
        base.is_low_results as is_low_by_base,
        base.n_procedures,
        base.n_procedures_assessed,
        base.n_low_procedures,
        base.n_repeated_procedures,
        base.low_procedures,
        base.is_low_two_procedures,
        base.is_low_repeated,
        base.has_last_year,
        base.n_participants_total,
        base.evidence_grade,
        base.is_fragile,
        base.probability_low,
        in_years.n_years_low,
        coalesce(pooled.n_pooled_max, 0) as n_pooled_max,
        prediction.residual_z,
        trend.slope,
        coalesce(trend.slope < 0, false) as is_falling,
        coalesce(
            {{ method_in_part(
                'context.place', 'context.n_schools', 'method.context_numerator', 'method.context_denominator'
            ) }},
            false
        ) as is_adverse,
        coalesce(marker.n_markers, 0) as n_markers
    from method
    inner join base on method.base_method = base.method_code and method.year = base.year
    left join in_years
        on
            method.year = in_years.year
            and method.method_code = in_years.method_code
            and base.school_id = in_years.school_id
    left join pooled
        on
            method.year = pooled.year
            and method.base_method = pooled.method_code
            and base.school_id = pooled.school_id
    left join {{ source('estimates', 'estimate_context_prediction') }} as prediction
        on
            method.year = prediction.year
            and method.model_code = prediction.model_code
            and base.school_id = prediction.school_id
    left join trend
        on
            method.year = trend.year
            and method.method_code = trend.method_code
            and base.school_id = trend.school_id
    left join context
        on
            method.year = context.year
            and base.school_id = context.school_id
    left join marker
        on
            method.year = marker.year
            and method.method_code = marker.method_code
            and base.school_id = marker.school_id

),

axes as (

    select
        set_beside.*,
        n_pooled_max < min_pooled or n_procedures_assessed = 0 as is_insufficient,
        case
            when coalesce(n_years_low, 0) >= crisis_years then 'crisis'
            when
                n_low_procedures >= risk_procedures
                or coalesce(probability_low >= risk_probability, false)
                or coalesce(residual_z <= residual_cut, false)
                then 'risk'
            else 'norm'
        end as results_axis,
        case
            when coalesce(is_low_by_base, false) and coalesce(residual_z <= residual_cut, false) and is_falling
                then 'crisis'
            when (is_adverse and is_falling) or n_markers >= risk_markers then 'risk'
            else 'norm'
        end as context_axis
    from set_beside

),

judged as (

    select
        axes.*,
        case
            when is_insufficient then 'insufficient_data'
            when 'crisis' in (results_axis, context_axis) then 'crisis'
            when 'risk' in (results_axis, context_axis) then 'risk'
            else 'norm'
        end as status
    from axes

)

select
    year,
    school_id,
    method_code,
    method_version,
    case when not is_insufficient then low_statuses ? status end as is_low_results,
    case when not is_insufficient then results_axis || '/' || context_axis end as category,
    status,
    n_procedures,
    n_procedures_assessed,
    n_low_procedures,
    n_repeated_procedures,
    low_procedures,
    is_low_two_procedures,
    is_low_repeated,
    has_last_year,
    n_participants_total,
    case when is_insufficient then 'D' else evidence_grade end as evidence_grade,
    cast(null as boolean) as is_fragile,
    jsonb_build_object(
        'results_axis', results_axis,
        'context_axis', context_axis,
        'n_years_low', n_years_low,
        'probability_low', probability_low,
        'residual_z', residual_z,
        'slope', round(slope, 6),
        'is_adverse', is_adverse,
        'n_markers', n_markers,
        'n_pooled_max', n_pooled_max
    ) as details
from judged
