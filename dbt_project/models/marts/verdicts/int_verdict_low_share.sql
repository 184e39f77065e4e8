-- Verdicts of kind low_share: the share below the minimum against the threshold, procedure by procedure.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id', 'method_code'], 'unique': true}]
) }}

with

method as (

    select * from {{ ref('dim_method') }}
    where kind = 'low_share'

),

counts as (

    select * from {{ ref('fct_school_procedure') }}
    where {{ method_in_span_and_before('year', 1) }}

),

flagged as (

    select * from {{ ref('int_flagged_result') }}

),

evidence as (

    select * from {{ ref('mart_identification_evidence') }}
    where {{ method_in_span('year') }}

),

-- Every school with results of the year meets every method of the year, also one that has nothing to say about it.
-- Last year can be compared when some procedure of the method had a participant and a known minimum.
candidate as (

    select
        counts.year + back.years_back as year,
        counts.school_id,
        method.method_code,
        method.method_version,
        coalesce(bool_or(
            method.procedures ? counts.procedure_code
            and case method.attempt
                when 'first' then counts.n_participants > 0 and counts.n_below_min is not null
                when 'last' then counts.n_participants_last > 0 and counts.n_below_min_last is not null
            end
            and not coalesce({{ method_excludes('flagged.markers') }}, false)
        ) filter (where back.years_back = 1), false) as has_last_year
    from counts
    cross join (values (0), (1)) as back (years_back)
    inner join method
        on
            method.valid_from_year <= counts.year + back.years_back
            and coalesce(method.valid_to_year, counts.year + back.years_back) >= counts.year + back.years_back
    left join flagged
        on
            method.exclude_flagged
            and counts.year = flagged.year
            and counts.school_id = flagged.school_id
            and counts.procedure_code = flagged.procedure_code
    where {{ method_in_span('counts.year + back.years_back') }}
    group by counts.year + back.years_back, counts.school_id, method.method_code, method.method_version
    having bool_or(back.years_back = 0)

),

entry as (

    select
        year,
        school_id,
        method_code,
        has_last_year,
        cast(null as text) as procedure_code,
        0 as n_participants,
        cast(null as integer) as n_below_min,
        false as is_excluded,
        false as is_low,
        false as is_low_last_year,
        false as is_repeated,
        false as one_pupil_flips,
        cast(null as text) as evidence_grade
    from candidate
    union all
    select
        year,
        school_id,
        method_code,
        false as has_last_year,
        procedure_code,
        n_participants,
        n_below_min,
        is_excluded,
        is_low,
        is_low_last_year,
        is_repeated,
        one_pupil_flips,
        evidence_grade
    from evidence

),

-- Each procedure beside the totals of its school (a window, so that no table has to be joined with itself).
totals as (

    select
        entry.*,
        method.method_version,
        method.condition,
        method.min_procedures,
        method.min_repeated,
        coalesce(entry.n_participants > 0 and entry.n_below_min is not null and not entry.is_excluded, false)
            as is_assessed,
        bool_or(entry.has_last_year) over school_method as school_has_last_year,
        count(*) filter (where entry.n_participants > 0 and entry.n_below_min is not null and not entry.is_excluded)
            over school_method as n_procedures_assessed,
        count(*) filter (where entry.is_low) over school_method as n_low_procedures,
        count(*) filter (where entry.is_repeated) over school_method as n_repeated_procedures,
        -- What one pupil more or fewer below the minimum in this procedure does to the two counts. Last year is closed.
        case when not entry.one_pupil_flips then 0 when entry.is_low then -1 else 1 end as step
    from entry
    inner join method
        on
            entry.method_code = method.method_code
            and entry.year >= method.valid_from_year
            and entry.year <= coalesce(method.valid_to_year, entry.year)
    window school_method as (partition by entry.year, entry.school_id, entry.method_code)

),

judged as (

    select
        totals.*,
        case when n_procedures_assessed > 0 then {{ method_verdict(
            '(n_low_procedures >= min_procedures)',
            'case when school_has_last_year then n_repeated_procedures >= min_repeated end',
            'totals'
        ) }} end as is_low_results,
        case when n_procedures_assessed > 0 then {{ method_verdict(
            '(n_low_procedures + step >= min_procedures)',
            'case when school_has_last_year then '
            ~ 'n_repeated_procedures + case when is_low_last_year then step else 0 end >= min_repeated end',
            'totals'
        ) }} end as is_low_results_then
    from totals

),

verdict as (

    select
        year,
        school_id,
        method_code,
        method_version,
        condition,
        min_procedures,
        min_repeated,
        is_low_results,
        n_procedures_assessed,
        n_low_procedures,
        n_repeated_procedures,
        school_has_last_year as has_last_year,
        n_low_procedures >= min_procedures as is_low_two_procedures,
        n_repeated_procedures >= min_repeated as is_low_repeated,
        count(*) filter (where n_participants > 0 and not is_excluded) as n_procedures,
        coalesce(sum(n_participants) filter (where not is_excluded), 0) as n_participants_total,
        coalesce(
            array_agg(procedure_code order by procedure_code collate "C")
            filter (where case when condition = 'repeated' then is_repeated else is_low end),
            cast('{}' as text[])
        ) as low_procedures,
        array_agg(evidence_grade order by evidence_grade) filter (where is_low) as low_grades,
        array_agg(evidence_grade order by evidence_grade) filter (where is_repeated) as repeated_grades,
        min(evidence_grade) filter (where is_assessed) as best_grade,
        bool_or(is_low_results is not null and is_low_results_then is distinct from is_low_results) as is_fragile
    from judged
    group by
        year,
        school_id,
        method_code,
        method_version,
        condition,
        min_procedures,
        min_repeated,
        is_low_results,
        n_procedures_assessed,
        n_low_procedures,
        n_repeated_procedures,
        school_has_last_year

)

select
    year,
    school_id,
    method_code,
    method_version,
    is_low_results,
    cast(n_procedures as integer) as n_procedures,
    cast(n_procedures_assessed as integer) as n_procedures_assessed,
    cast(n_low_procedures as integer) as n_low_procedures,
    cast(n_repeated_procedures as integer) as n_repeated_procedures,
    low_procedures,
    is_low_two_procedures,
    is_low_repeated,
    has_last_year,
    cast(n_participants_total as integer) as n_participants_total,
    -- A verdict «low» is as strong as the weakest of the procedures that it needs; «not low» needs none to stand out.
    case
        when is_low_results is null then 'D'
        when not is_low_results then greatest(best_grade, 'B')
        when condition = 'repeated' or not is_low_two_procedures then repeated_grades[min_repeated]
        else low_grades[min_procedures]
    end as evidence_grade,
    is_fragile
from verdict
