-- Which sets each school belongs to in each period of each programme: all, member, identified, analysed, moved …
{{ config(
    materialized='table',
    indexes=[{'columns': ['programme_code', 'period', 'school_id']}]
) }}

with

period as (

    select
        *,
        make_date(
            year, {{ var('register_day')[:2] | int }}, {{ var('register_day')[3:] | int }}
        ) as register_day
    from {{ ref('int_programme_period') }}
    where period_kind <> 'quarter'

),

version as (

    select
        *,
        -- The status of a version with an end tells what came after that end.
        coalesce(status, '') not in ('закрыта', 'реорганизована') or valid_to is not null as is_working
    from {{ ref('dim_school') }}

),

-- The version of a school that a day shows: the last that has begun, else the first one. All of a school's versions say
-- together whether it is open. One step for both: the planner takes the join of two such sets for a single row.
school as (

    select distinct on (period.programme_code, period.period, version.school_id)
        period.programme_code,
        period.period,
        period.period_kind,
        period.year,
        version.school_id,
        coalesce(version.school_code, version.login, version.school_id) as school_code,
        coalesce(version.municipality_code, '') as municipality_code,
        version.school_kind,
        version.is_leader,
        version.is_innovation_site,
        bool_or(
            version.is_working
            and version.status is distinct from 'нет в реестре'
            and coalesce(version.valid_from <= period.register_day, true)
            and coalesce(version.valid_to >= period.register_day, true)
        ) over of_school as is_in_register,
        -- Closed before the day; a school that the register has begun to know later is not.
        not bool_or(
            version.is_working and coalesce(version.valid_to >= period.as_of, true)
        ) over of_school as is_closed
    from period
    cross join version
    window of_school as (partition by period.programme_code, period.period, version.school_id)
    order by
        period.programme_code asc,
        period.period asc,
        version.school_id asc,
        coalesce(version.valid_from <= period.as_of, true) desc,
        case when version.valid_from <= period.as_of then version.valid_from end desc nulls last,
        version.valid_from asc

),

membership as (

    select
        *,
        min(extract(year from included_from)) filter (where role = 'участник') over (
            partition by programme_code
        ) as first_year
    from {{ ref('fct_membership') }}

),

member as (

    select
        period.programme_code,
        period.period,
        membership.school_id,
        coalesce(
            bool_or(
                membership.role = 'участник'
                and membership.included_from <= period.as_of
                and coalesce(membership.excluded_from > period.as_of, true)
            ),
            false
        ) as is_member,
        coalesce(
            bool_or(
                membership.role = 'наставник'
                and membership.included_from <= period.as_of
                and coalesce(membership.excluded_from > period.as_of, true)
            ),
            false
        ) as is_mentor,
        -- The list that the programme began with, whoever left it or joined it later.
        coalesce(
            bool_or(
                membership.role = 'участник' and extract(year from membership.included_from) = membership.first_year
            ),
            false
        ) as is_cohort
    from period
    inner join membership on period.programme_code = membership.programme_code
    group by period.programme_code, period.period, membership.school_id

),

-- The list that a programme takes: its first method that has verdicts in the year.
verdict as (

    select
        year,
        school_id,
        method_code,
        is_low_results,
        is_adverse_context
    from {{ ref('mart_identification') }}
    where {{ method_in_span('year') }}

),

method_of_year as (

    select
        year,
        method_code
    from verdict
    where is_low_results is not null
    group by year, method_code

),

list_method as (

    select distinct on (programme.programme_code, method_of_year.year)
        programme.programme_code,
        method_of_year.year,
        method_of_year.method_code
    from {{ ref('programme') }} as programme
    cross join lateral jsonb_array_elements_text(programme.list_methods) with ordinality as listed (method_code, place)
    inner join method_of_year on listed.method_code = method_of_year.method_code
    order by programme.programme_code asc, method_of_year.year asc, listed.place asc

),

context as (

    select
        year,
        school_id,
        bool_or(is_adverse_context) as is_adverse
    from verdict
    group by year, school_id

),

form as (

    select distinct
        year,
        school_id
    from {{ ref('fct_school_context') }}
    where {{ method_in_span('year') }}

),

result as (

    select
        counts.year,
        counts.school_id,
        array_agg(distinct procedure.exam) as exams
    from {{ ref('fct_school_procedure') }} as counts
    inner join {{ ref('dim_procedure') }} as procedure on counts.procedure_code = procedure.procedure_code
    where {{ method_in_span('counts.year') }} and counts.n_participants > 0
    group by counts.year, counts.school_id

),

biased as (

    select distinct
        year,
        school_id
    from {{ ref('mart_objectivity') }}
    where {{ method_in_span('year') }} and is_flagged

),

-- Not low by the method of the list in every one of the last years that the programme asks for.
recovered as (

    select
        period.programme_code,
        period.period,
        history.school_id
    from period
    inner join {{ ref('programme') }} as programme on period.programme_code = programme.programme_code
    inner join list_method on period.programme_code = list_method.programme_code and period.year = list_method.year
    inner join {{ ref('mart_identification') }} as history
        on
            list_method.method_code = history.method_code
            and history.year between period.year - programme.moved_years + 1 and period.year
    group by period.programme_code, period.period, history.school_id, programme.moved_years
    having count(*) filter (where not history.is_low_results) = programme.moved_years

),

transition as (

    select
        programme_code,
        school_id,
        effective_from,
        measures_planned,
        measures_done
    from {{ ref('fct_transition_programme') }}

),

-- A date in the register is what people say of a school; it stands beside the rule and does not replace it.
moved as (

    select distinct
        period.programme_code,
        period.period,
        transition.school_id,
        coalesce(transition.effective_from <= period.as_of, false) as is_declared,
        coalesce(
            transition.measures_planned > 0
            and transition.measures_done * programme.moved_done_denominator
            >= programme.moved_done_numerator * transition.measures_planned
            and recovered.school_id is not null,
            false
        ) as is_by_rule
    from period
    inner join {{ ref('programme') }} as programme on period.programme_code = programme.programme_code
    inner join transition on period.programme_code = transition.programme_code
    left join recovered
        on
            period.programme_code = recovered.programme_code
            and period.period = recovered.period
            and transition.school_id = recovered.school_id

),

flagged as (

    select
        school.year,
        school.programme_code,
        school.period,
        school.period_kind,
        school.school_id,
        school.school_code,
        school.municipality_code,
        school.school_kind,
        result.exams,
        list_method.method_code,
        list_method.method_code is not null as has_list,
        school.is_closed,
        school.is_in_register as is_all,
        coalesce(member.is_member, false) and not school.is_closed as is_member,
        coalesce(member.is_mentor, false) and not school.is_closed as is_mentor,
        coalesce(member.is_cohort, false) as is_cohort,
        coalesce(verdict.is_low_results, false) as is_low,
        coalesce(context.is_adverse, false) as is_adverse,
        verdict.is_low_results is not null as has_verdict,
        form.school_id is not null as has_form,
        school.is_leader,
        school.is_innovation_site,
        biased.school_id is not null as is_biased,
        coalesce(moved.is_by_rule, false) as has_moved,
        coalesce(moved.is_declared, false) as is_declared
    from school
    left join member
        on
            school.programme_code = member.programme_code
            and school.period = member.period
            and school.school_id = member.school_id
    left join list_method on school.programme_code = list_method.programme_code and school.year = list_method.year
    left join verdict
        on
            school.year = verdict.year
            and school.school_id = verdict.school_id
            and list_method.method_code = verdict.method_code
    left join context on school.year = context.year and school.school_id = context.school_id
    left join form on school.year = form.year and school.school_id = form.school_id
    left join result on school.year = result.year and school.school_id = result.school_id
    left join biased on school.year = biased.year and school.school_id = biased.school_id
    left join moved
        on
            school.programme_code = moved.programme_code
            and school.period = moved.period
            and school.school_id = moved.school_id

)

select
    year,
    programme_code,
    period,
    period_kind,
    school_id,
    school_code,
    municipality_code,
    school_kind,
    coalesce(exams, '{}') as exams,
    method_code,
    is_member,
    is_mentor,
    array_remove(
        array[
            case when is_all then 'all' end,
            case when is_member then 'member' end,
            case when is_mentor then 'mentor' end,
            case when is_cohort then 'cohort' end,
            case when is_low then 'low' end,
            case when is_adverse then 'adverse' end,
            case when is_low or is_adverse then 'identified' end,
            case when has_verdict then 'with_verdict' end,
            case when has_verdict and has_form then 'analysed' end,
            case when is_leader or is_innovation_site then 'leader' end,
            case when 'vpr' = any(exams) then 'has_vpr' end,
            case when is_biased then 'biased' end,
            case when has_moved then 'moved' end,
            case when is_declared then 'declared_moved' end
        ],
        null
    ) as sets,
    has_list
from flagged
where
    is_all or is_member or is_mentor or is_cohort or is_low or is_adverse or has_verdict or exams is not null
