-- Which schools are on the list, by every method of every kind: what the verdict models found, with the school's names,
-- the years in a row, the probability and the person's decision beside it.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
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
        cast('{}' as text[]) as low_procedures,
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
        cast(null as text) as category,
        case when is_low_results is null then 'insufficient_data' end as status,
        n_procedures,
        n_procedures as n_procedures_assessed,
        0 as n_low_procedures,
        0 as n_repeated_procedures,
        cast('{}' as text[]) as low_procedures,
        false as is_low_two_procedures,
        false as is_low_repeated,
        false as has_last_year,
        n_participants_total,
        evidence_grade,
        cast(null as boolean) as is_fragile,
        details
    from {{ ref('int_verdict_regional_rank') }}
    union all
    select
        year,
        school_id,
        method_code,
        method_version,
        is_low_results,
        cast(null as text) as category,
        case when is_low_results is null then 'insufficient_data' end as status,
        n_procedures,
        n_procedures as n_procedures_assessed,
        n_low_procedures,
        0 as n_repeated_procedures,
        low_procedures,
        false as is_low_two_procedures,
        false as is_low_repeated,
        false as has_last_year,
        n_participants_total,
        evidence_grade,
        is_one_pupil as is_fragile,
        details
    from {{ ref('int_verdict_stable_low') }}
    union all
    select
        year,
        school_id,
        method_code,
        method_version,
        is_low_results,
        cast(null as text) as category,
        case when is_low_results is null then 'insufficient_data' end as status,
        n_procedures,
        n_procedures as n_procedures_assessed,
        n_low_procedures,
        0 as n_repeated_procedures,
        low_procedures,
        false as is_low_two_procedures,
        false as is_low_repeated,
        false as has_last_year,
        n_participants_total,
        evidence_grade,
        cast(null as boolean) as is_fragile,
        details
    from {{ ref('int_verdict_fail_concentration') }}
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
        cast(null as boolean) as is_low_results,
        case when is_adverse_context then 'adverse' when not is_adverse_context then 'norm' end as category,
        case when is_adverse_context is null then 'insufficient_data' end as status,
        0 as n_procedures,
        0 as n_procedures_assessed,
        0 as n_low_procedures,
        0 as n_repeated_procedures,
        cast('{}' as text[]) as low_procedures,
        false as is_low_two_procedures,
        false as is_low_repeated,
        false as has_last_year,
        0 as n_participants_total,
        'D' as evidence_grade,
        cast(null as boolean) as is_fragile,
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

-- The last row of each school and method before the years computed now: runs and counters go on from it.
before as (

    {% if is_incremental() %}
        select
            earlier.school_id,
            earlier.method_code,
            earlier.year,
            earlier.years_identified,
            -- By name, for a table that an earlier release made without this column.
            cast(to_jsonb(earlier) ->> 'years_not_low' as integer) as years_not_low
        from {{ this }} as earlier
        inner join (
            select
                school_id,
                method_code,
                max(year) as year
            from {{ this }}
            where {{ method_before_span('year') }}
            group by school_id, method_code
        ) as newest
            on
                earlier.school_id = newest.school_id
                and earlier.method_code = newest.method_code
                and earlier.year = newest.year
    {% else %}
        select
            cast(null as text) as school_id,
            cast(null as text) as method_code,
            cast(null as integer) as year,
            cast(null as integer) as years_identified,
            cast(null as integer) as years_not_low
        where false
    {% endif %}

),

-- Which run of years on the list a row belongs to, and after how many lists it comes.
run as (

    select
        verdict.year,
        verdict.school_id,
        verdict.method_code,
        verdict.is_low_results,
        case
            when verdict.is_low_results
                then verdict.year - row_number() over (
                    partition by verdict.school_id, verdict.method_code, verdict.is_low_results order by verdict.year
                )
        end as run_no,
        count(*) filter (where verdict.is_low_results) over (
            partition by verdict.school_id, verdict.method_code order by verdict.year
        ) as n_lists
    from verdict

),

counted as (

    select
        run.*,
        row_number() over (
            partition by run.school_id, run.method_code, run.is_low_results, run.run_no order by run.year
        ) as n_years_on_list,
        min(run.year) over (partition by run.school_id, run.method_code, run.is_low_results, run.run_no) as run_from,
        count(*) filter (where not run.is_low_results) over (
            partition by run.school_id, run.method_code, run.n_lists order by run.year
        ) as n_years_off_list
    from run

),

history as (

    select
        counted.year,
        counted.school_id,
        counted.method_code,
        case
            when counted.is_low_results and counted.run_from = before.year + 1
                then counted.n_years_on_list + coalesce(before.years_identified, 0)
            when counted.is_low_results then counted.n_years_on_list
            when not counted.is_low_results then 0
        end as years_identified,
        -- Never on the list: nothing to count.
        case
            when counted.is_low_results then 0
            when counted.n_lists > 0 then counted.n_years_off_list
            else before.years_not_low + counted.n_years_off_list
        end as years_not_low
    from counted
    left join before
        on
            counted.school_id = before.school_id
            and counted.method_code = before.method_code

),

method as (

    select
        method_code,
        method_version,
        coalesce(label_ru, title_ru) as method_title,
        exit_years
    from {{ ref('dim_method') }}

),

approved as (

    select * from {{ ref('approval_method') }}

)

select
    verdict.year,
    verdict.school_id,
    school.school_code,
    school.login,
    school.school_name,
    school.municipality_name,
    school.school_label,
    school.municipality_code,
    school.school_kind,
    verdict.method_code,
    verdict.method_version,
    method.method_title,
    approved.method_code is not null as is_list_method,
    verdict.is_low_results,
    coalesce(own_context.is_adverse_context, default_context.is_adverse_context) as is_adverse_context,
    verdict.status,
    verdict.category,
    cast(verdict.n_procedures as integer) as n_procedures,
    cast(verdict.n_procedures_assessed as integer) as n_procedures_assessed,
    cast(verdict.n_low_procedures as integer) as n_low_procedures,
    cast(verdict.n_repeated_procedures as integer) as n_repeated_procedures,
    verdict.low_procedures,
    {{ procedure_titles('verdict.low_procedures') }} as low_procedures_title,
    verdict.is_low_two_procedures,
    verdict.is_low_repeated,
    verdict.has_last_year,
    cast(verdict.n_participants_total as integer) as n_participants_total,
    verdict.evidence_grade,
    probability.probability_low,
    verdict.is_fragile,
    cast(history.years_identified as integer) as years_identified,
    cast(history.years_not_low as integer) as years_not_low,
    case
        when verdict.is_low_results then 'on_list'
        when history.years_not_low >= method.exit_years then 'exited'
        when history.years_not_low is not null then 'watch'
    end as exit_state,
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
left join history
    on
        verdict.year = history.year
        and verdict.school_id = history.school_id
        and verdict.method_code = history.method_code
left join method
    on
        verdict.method_code = method.method_code
        and verdict.method_version = method.method_version
left join approved
    on
        verdict.method_code = approved.method_code
        and verdict.year >= approved.year_from
        and verdict.year <= coalesce(approved.year_to, verdict.year)
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
