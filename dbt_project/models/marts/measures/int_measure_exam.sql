-- Leavers of a programme's schools: who has passed what is compulsory, retakes included; failures in what they chose.
with

asked as (

    select * from {{ ref('int_indicator_period') }}
    where measure in ('exam_passed', 'elective_fails', 'persistent')

),

school as (

    select * from {{ ref('int_programme_school') }}
    where is_member

),

result as (

    select
        result.year,
        result.school_id,
        result.procedure_code,
        procedure.exam,
        procedure.subject,
        -- Not every protocol has a document: within a school and year the name ties a pupil's exams together.
        coalesce(result.name_key, result.person_key, result.part_id || ':' || result.row_no) as person,
        result.is_first_attempt,
        result.is_below_min
    from {{ ref('fct_result') }} as result
    inner join {{ ref('dim_procedure') }} as procedure on result.procedure_code = procedure.procedure_code
    where
        {{ method_in_span('result.year') }}
        and procedure.exam in ('oge', 'ege')
        and result.is_participant
        and result.is_below_min is not null

),

-- One row for each subject that a school leaver of an exam must pass.
wanted as (

    select
        asked.programme_code,
        asked.indicator_code,
        asked.version,
        asked.period,
        asked.year,
        exam.code as exam,
        subject.place as subject_no,
        subject.procedures
    from asked
    cross join lateral jsonb_each(asked.parameters -> 'groups') as exam (code, subjects)
    cross join lateral jsonb_array_elements(exam.subjects) with ordinality as subject (procedures, place)
    where
        asked.measure = 'exam_passed'
        -- A subject of which nothing came that year cannot be asked of anybody.
        and exists (
            select 1 from result
            where result.year = asked.year and subject.procedures ? result.procedure_code
        )

),

passed as (

    select
        wanted.programme_code,
        wanted.indicator_code,
        wanted.version,
        wanted.period,
        wanted.year,
        wanted.exam,
        wanted.subject_no,
        school.municipality_code,
        school.school_code,
        result.person,
        -- Any attempt at any of the procedures of the subject.
        bool_or(not result.is_below_min) as is_passed
    from wanted
    inner join school on wanted.programme_code = school.programme_code and wanted.period = school.period
    inner join result
        on
            wanted.year = result.year
            and school.school_id = result.school_id
            and wanted.procedures ? result.procedure_code
    group by
        wanted.programme_code, wanted.indicator_code, wanted.version, wanted.period, wanted.year, wanted.exam,
        wanted.subject_no, school.municipality_code, school.school_code, result.person

),

leaver as (

    select
        {{ measure_key('passed') }},
        passed.exam,
        passed.municipality_code,
        passed.school_code,
        passed.person,
        count(*) filter (where passed.is_passed) = max(needed.n_subjects) as has_passed
    from passed
    inner join (
        select
            programme_code,
            indicator_code,
            version,
            period,
            exam,
            count(*) as n_subjects
        from wanted
        group by programme_code, indicator_code, version, period, exam
    ) as needed
        on
            {{ same_measure('passed', 'needed') }}
            and passed.exam = needed.exam
    group by
        {{ measure_key('passed') }}, passed.exam, passed.municipality_code, passed.school_code, passed.person

),

elective as (

    select
        {{ measure_key('asked') }},
        school.municipality_code,
        school.school_code,
        result.is_below_min
    from asked
    inner join school on asked.programme_code = school.programme_code and asked.period = school.period
    inner join result
        on
            asked.year = result.year
            and school.school_id = result.school_id
            and result.is_first_attempt
            and not asked.parameters -> 'compulsory' ? result.subject
    where asked.measure = 'elective_fails'

),

judged as (

    select
        {{ measure_key() }},
        municipality_code,
        school_code,
        has_passed as is_counted
    from leaver
    union all
    select
        {{ measure_key() }},
        municipality_code,
        school_code,
        is_below_min
    from elective

),

found as (

    select
        {{ measure_key() }},
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        cast(count(*) filter (where is_counted) as numeric) as numerator,
        cast(count(*) as numeric) as denominator
    from judged
    group by {{ territory_sets(measure_key()) }}

),

persistent as (

    select
        {{ measure_key('asked') }},
        cast(
            count(distinct history.school_id) filter (where history.n_years_low = history.n_years_assessed) as numeric
        ) as n_low
    from asked
    inner join {{ ref('mart_school_persistence') }} as history
        on asked.year = history.year and history.procedure_code = 'all'
    -- The version of the method that was in force in the year.
    inner join {{ ref('int_method_in_year') }} as method
        on
            history.year = method.year
            and history.method_code = method.method_code
            and cast(method.parameters ->> 'is_default' as boolean)
            and history.n_years_assessed = cast(method.parameters ->> 'years' as integer)
    where asked.measure = 'persistent'
    group by {{ measure_key('asked') }}

)

select
    {{ measure_key() }},
    '' as component,
    territory_kind,
    territory_code,
    numerator,
    denominator,
    numerator / nullif(denominator, 0) as value
from found
union all
select
    {{ measure_key() }},
    '',
    'region',
    'region',
    n_low,
    null,
    n_low as value
from persistent
