-- Verdicts of kind hse_context: results of several years beside the conditions in which the school works.
{{ config(materialized='table') }}

with

method as (

    select
        year,
        method_code,
        method_version,
        parameters ->> 'model_code' as model_code,
        cast(parameters ->> 'low_numerator' as integer) as low_numerator,
        cast(parameters ->> 'low_denominator' as integer) as low_denominator,
        cast(parameters ->> 'high_numerator' as integer) as high_numerator,
        cast(parameters ->> 'high_denominator' as integer) as high_denominator,
        cast(parameters ->> 'residual_numerator' as integer) as residual_numerator,
        cast(parameters ->> 'residual_denominator' as integer) as residual_denominator,
        cast(parameters ->> 'context_numerator' as integer) as context_numerator,
        cast(parameters ->> 'context_denominator' as integer) as context_denominator,
        cast(parameters ->> 'min_participants' as integer) as min_participants,
        grade_b_min_participants,
        grade_c_min_pooled
    from {{ ref('int_method_in_year') }}
    where kind = 'hse_context'

),

school as (

    select
        year,
        school_id
    from {{ ref('int_school_of_year') }}
    where has_results

),

outcome as (

    select * from {{ ref('int_school_outcome') }}

),

prediction as (

    select * from {{ source('estimates', 'estimate_context_prediction') }}

),

context as (

    select
        year,
        school_id,
        context_index
    from {{ ref('mart_school_context') }}

),

set_beside as (

    select
        school.school_id,
        method.*,
        outcome.y as outcome_score,
        outcome.n_participants,
        outcome.n_years,
        prediction.expected_score,
        prediction.residual_z,
        context.context_index,
        coalesce(outcome.n_participants >= method.min_participants, false) as is_assessed
    from school
    inner join method on school.year = method.year
    left join outcome
        on
            school.year = outcome.year
            and school.school_id = outcome.school_id
            and method.model_code = outcome.model_code
    left join prediction
        on
            school.year = prediction.year
            and school.school_id = prediction.school_id
            and method.model_code = prediction.model_code
    left join context
        on
            school.year = context.year
            and school.school_id = context.school_id

),

-- Positions among the schools that can be compared; equal schools share a position.
placed as (

    select
        set_beside.*,
        case
            when is_assessed
                then rank() over (partition by year, method_code, is_assessed order by outcome_score)
        end as place_from_below,
        case
            when is_assessed
                then rank() over (partition by year, method_code, is_assessed order by outcome_score desc)
        end as place_from_above,
        count(*) filter (where is_assessed) over of_method as n_schools,
        case
            when residual_z is not null
                then rank() over (partition by year, method_code order by residual_z desc nulls last)
        end as residual_place,
        count(residual_z) over of_method as n_residuals,
        case
            when context_index is not null
                then rank() over (partition by year, method_code order by context_index nulls last)
        end as context_place,
        count(context_index) over of_method as n_contexts
    from set_beside
    window of_method as (partition by year, method_code)

),

cut as (

    select
        placed.*,
        {{ method_in_part('place_from_below', 'n_schools', 'low_numerator', 'low_denominator') }} as is_bottom,
        {{ method_in_part('place_from_above', 'n_schools', 'high_numerator', 'high_denominator') }} as is_top,
        coalesce(
            {{ method_in_part('residual_place', 'n_residuals', 'residual_numerator', 'residual_denominator') }}, false
        ) as is_far_above,
        {{ method_in_part('context_place', 'n_contexts', 'context_numerator', 'context_denominator') }} as is_adverse
    from placed

),

judged as (

    select
        cut.*,
        case
            when not is_assessed then 'insufficient_data'
            when is_bottom and is_adverse then 'sinking'
            when is_bottom and not is_adverse then 'low_unexplained'
            when is_bottom then 'low_context_unknown'
            when is_adverse and (is_top or is_far_above) then 'resilient'
            when is_adverse then 'adverse'
            when is_top or is_far_above then 'leader_candidate'
            else 'norm'
        end as category
    from cut

)

select
    year,
    school_id,
    method_code,
    method_version,
    case when is_assessed then is_bottom end as is_low_results,
    category,
    case category
        when 'insufficient_data' then 'insufficient_data'
        when 'sinking' then 'crisis'
        when 'low_unexplained' then 'risk'
        when 'low_context_unknown' then 'risk'
        when 'resilient' then 'resilient'
        else 'norm'
    end as status,
    coalesce(n_participants, 0) as n_participants_total,
    case
        when not is_assessed then 'D'
        when n_participants >= grade_b_min_participants then 'B'
        when n_participants >= grade_c_min_pooled then 'C'
        else 'D'
    end as evidence_grade,
    jsonb_build_object(
        'outcome_score', outcome_score,
        'expected_score', expected_score,
        'residual_z', residual_z,
        'context_index', context_index,
        'n_years', n_years,
        'place_from_below', place_from_below,
        'n_schools', n_schools
    ) as details
from judged
