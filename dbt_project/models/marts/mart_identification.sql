-- Which schools are on the list, by every method of every kind: what the verdict models found, with the school's names, the
-- years in a row, the probability and the person's decision beside it.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    post_hook='analyze {{ this }}',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id', 'method_code'], 'unique': true}]
) }}

with

low_share as (

    select * from {{ ref('int_verdict_low_share') }}
    where {{ method_in_span('year') }}

),

context_share as (

    select * from {{ ref('int_verdict_context_share') }}

),

verdict as (

    select
        year,
        school_id,
        method_code,
        method_version,
        is_low_results,
        cast(null as text) as category,
        case when is_low_results is null then 'insufficient_data' end as status,
        n_procedures,
        n_procedures_assessed,
        n_low_procedures,
        n_repeated_procedures,
        low_procedures,
        is_low_two_procedures,
        is_low_repeated,
        has_last_year,
        n_participants_total,
        evidence_grade,
        is_fragile,
        cast(null as jsonb) as details
    from low_share
    union all
    select
        year,
        school_id,
        method_code,
        method_version,
        is_low_results,
        category,
        status,
        0 as n_procedures,
        0 as n_procedures_assessed,
        0 as n_low_procedures,
        0 as n_repeated_procedures,
        cast('{}' as text []) as low_procedures,
        false as is_low_two_procedures,
        false as is_low_repeated,
        false as has_last_year,
        n_participants_total,
        evidence_grade,
        cast(null as boolean) as is_fragile,
        details
    from {{ ref('int_verdict_hse_context') }}
    union all
    select
        year,
        school_id,
        method_code,
        method_version,
        is_low_results,
        cast(null as text),
        case when is_low_results is null then 'insufficient_data' end,
        n_procedures,
        n_procedures,
        0,
        0,
        cast('{}' as text []),
        false,
        false,
        false,
        n_participants_total,
        evidence_grade,
        cast(null as boolean),
        details
    from {{ ref('int_verdict_regional_rank') }}
    {%- for model, fragile in [
        ('int_verdict_stable_low', 'is_one_pupil'), ('int_verdict_fail_concentration', 'cast(null as boolean)')
    ] %}
    union all
    select
        year,
        school_id,
        method_code,
        method_version,
        is_low_results,
        cast(null as text),
        case when is_low_results is null then 'insufficient_data' end,
        n_procedures,
        n_procedures,
        n_low_procedures,
        0,
        low_procedures,
        false,
        false,
        false,
        n_participants_total,
        evidence_grade,
        {{ fragile }},
        details
    from {{ ref(model) }}
    {%- endfor %}
    union all
    select
        year,
        school_id,
        method_code,
        method_version,
        is_low_results,
        category,
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
        evidence_grade,
        is_fragile,
        details
    from {{ ref('int_verdict_crisis_risk') }}
    union all
    select
        year,
        school_id,
        method_code,
        method_version,
        cast(null as boolean),
        case when is_adverse_context then 'adverse' when not is_adverse_context then 'norm' end,
        case when is_adverse_context is null then 'insufficient_data' end,
        0,
        0,
        0,
        0,
        cast('{}' as text []),
        false,
        false,
        false,
        0,
        'D',
        cast(null as boolean),
        details
    from context_share

),

-- The method itself for the rows of context methods, the default one for all others.
adverse as (

    select
        year,
        school_id,
        case when is_default then '' else method_code end as method_code,
        is_adverse_context
    from context_share
    union all
    select
        year,
        school_id,
        method_code,
        is_adverse_context
    from context_share
    where is_default

),

school as (

    select * from {{ ref('int_school_of_year') }}

),

probability as (

    select * from {{ source('estimates', 'estimate_rule_probability') }}
    where {{ method_in_span('year') }}

),

decision as (

    select * from {{ ref('int_decision_in_force') }}

),

-- Runs of consecutive years on the list among the years computed now …
listed as (

    select
        year,
        school_id,
        method_code,
        year - row_number() over (partition by school_id, method_code order by year) as run_no
    from verdict
    where is_low_results

),

run as (

    select
        year,
        school_id,
        method_code,
        min(year) over (partition by school_id, method_code, run_no) as run_from,
        row_number() over (partition by school_id, method_code, run_no order by year) as n_years
    from listed

),

-- … and how long the run was already in the year before it, where that year is not computed now.
counted_before as (

    select
        year,
        school_id,
        method_code,
        years_identified
    {% if is_incremental() %}
        from {{ this }}
        where {{ method_in_span('year + 1') }} and not ({{ method_in_span('year') }})
    {% else %}
        from (
            select
                cast(null as integer) as year,
                cast(null as text) as school_id,
                cast(null as text) as method_code,
                cast(null as integer) as years_identified
        ) as nothing_before
    {% endif %}

),

on_list as (

    select
        run.year,
        run.school_id,
        run.method_code,
        run.n_years + coalesce(counted_before.years_identified, 0) as years_identified
    from run
    left join counted_before
        on
            run.school_id = counted_before.school_id
            and run.method_code = counted_before.method_code
            and run.run_from = counted_before.year + 1

)

select
    verdict.year,
    verdict.school_id,
    school.school_code,
    school.login,
    school.school_name,
    school.municipality_name,
    verdict.method_code,
    verdict.method_version,
    verdict.is_low_results,
    coalesce(own_context.is_adverse_context, default_context.is_adverse_context) as is_adverse_context,
    verdict.status,
    verdict.category,
    cast(verdict.n_procedures as integer) as n_procedures,
    cast(verdict.n_procedures_assessed as integer) as n_procedures_assessed,
    cast(verdict.n_low_procedures as integer) as n_low_procedures,
    cast(verdict.n_repeated_procedures as integer) as n_repeated_procedures,
    verdict.low_procedures,
    verdict.is_low_two_procedures,
    verdict.is_low_repeated,
    verdict.has_last_year,
    cast(verdict.n_participants_total as integer) as n_participants_total,
    verdict.evidence_grade,
    probability.probability_low,
    verdict.is_fragile,
    case
        when verdict.is_low_results then cast(on_list.years_identified as integer)
        when not verdict.is_low_results then 0
    end as years_identified,
    verdict.details,
    decision.decided_status,
    decision.decided_by,
    decision.decided_at,
    decision.decision_document,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from verdict
left join school
    on
        verdict.year = school.year
        and verdict.school_id = school.school_id
left join on_list
    on
        verdict.year = on_list.year
        and verdict.school_id = on_list.school_id
        and verdict.method_code = on_list.method_code
left join adverse as own_context
    on
        verdict.year = own_context.year
        and verdict.school_id = own_context.school_id
        and verdict.method_code = own_context.method_code
left join adverse as default_context
    on
        verdict.year = default_context.year
        and verdict.school_id = default_context.school_id
        and default_context.method_code = ''
left join probability
    on
        verdict.year = probability.year
        and verdict.school_id = probability.school_id
        and verdict.method_code = probability.method_code
left join decision
    on
        verdict.year = decision.year
        and verdict.school_id = decision.school_id
        and verdict.method_code = decision.method_code
