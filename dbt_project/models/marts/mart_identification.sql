-- Which schools are on the list of schools with low results, by every method of kind low_share.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    post_hook='analyze {{ this }}',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id', 'method_code'], 'unique': true}]
) }}

with

method as (

    select * from {{ ref('dim_method') }}
    where kind = 'low_share'

),

school as (

    select
        school_id,
        school_code,
        login,
        name,
        municipality_name,
        valid_from
    from {{ ref('dim_school') }}

),

counts as (

    select * from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }} or {{ method_in_span('year + 1') }}

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
        ) filter (where back.years_back = 1), false) as has_last_year
    from counts
    cross join (values (0), (1)) as back (years_back)
    inner join method
        on
            method.valid_from_year <= counts.year + back.years_back
            and coalesce(method.valid_to_year, counts.year + back.years_back) >= counts.year + back.years_back
    where {{ method_in_span('counts.year + back.years_back') }}
    group by counts.year + back.years_back, counts.school_id, method.method_code, method.method_version
    having bool_or(back.years_back = 0)

),

-- The school as the register knew it at the end of the year; before its first version, that first version.
school_of_year as (

    select distinct on (candidate.year, school.school_id)
        candidate.year,
        school.school_id,
        school.school_code,
        school.login,
        school.name,
        school.municipality_name
    from candidate
    inner join school on candidate.school_id = school.school_id
    cross join
        lateral (
            select coalesce(extract(year from school.valid_from) <= candidate.year, true) as has_begun
        ) as version
    order by
        candidate.year asc,
        school.school_id asc,
        version.has_begun desc,
        case when version.has_begun then school.valid_from end desc nulls last,
        school.valid_from asc

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
        coalesce(entry.n_participants > 0 and entry.n_below_min is not null, false) as is_assessed,
        bool_or(entry.has_last_year) over school_method as school_has_last_year,
        count(*) filter (where entry.n_participants > 0 and entry.n_below_min is not null)
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
        count(*) filter (where n_participants > 0) as n_procedures,
        sum(n_participants) as n_participants_total,
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
    school_of_year.school_code,
    school_of_year.login,
    school_of_year.name as school_name,
    school_of_year.municipality_name,
    verdict.method_code,
    verdict.method_version,
    verdict.is_low_results,
    cast(null as boolean) as is_adverse_context,
    cast(null as text) as status,
    cast(verdict.n_procedures as integer) as n_procedures,
    cast(verdict.n_procedures_assessed as integer) as n_procedures_assessed,
    cast(verdict.n_low_procedures as integer) as n_low_procedures,
    cast(verdict.n_repeated_procedures as integer) as n_repeated_procedures,
    verdict.low_procedures,
    verdict.is_low_two_procedures,
    verdict.is_low_repeated,
    verdict.has_last_year,
    cast(verdict.n_participants_total as integer) as n_participants_total,
    -- A verdict «low» is as strong as the weakest of the procedures that it needs; «not low» needs none to stand out.
    case
        when verdict.is_low_results is null then 'D'
        when not verdict.is_low_results then greatest(verdict.best_grade, 'B')
        when verdict.condition = 'repeated' or not verdict.is_low_two_procedures
            then verdict.repeated_grades[verdict.min_repeated]
        else verdict.low_grades[verdict.min_procedures]
    end as evidence_grade,
    cast(null as double precision) as probability_low,
    verdict.is_fragile,
    case
        when verdict.is_low_results then cast(on_list.years_identified as integer)
        when not verdict.is_low_results then 0
    end as years_identified,
    cast(null as text) as decided_status,
    cast(null as text) as decided_by,
    cast(null as timestamp with time zone) as decided_at,
    cast(null as text) as decision_document,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from verdict
left join school_of_year
    on
        verdict.year = school_of_year.year
        and verdict.school_id = school_of_year.school_id
left join on_list
    on
        verdict.year = on_list.year
        and verdict.school_id = on_list.school_id
        and verdict.method_code = on_list.method_code
