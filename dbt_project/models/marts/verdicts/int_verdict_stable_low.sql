-- Verdicts of kind stable_low: results below the minimum in every subject of the rule, every year of several in a row.
{{ config(materialized='table') }}

with

method as (

    select
        year,
        method_code,
        method_version,
        cast(parameters ->> 'years' as integer) as years,
        parameters,
        grade_b_min_participants,
        grade_c_min_pooled
    from {{ ref('int_method_in_year') }}
    where kind = 'stable_low'

),

subject as (

    select
        method.year,
        method.method_code,
        listed.subject_code,
        procedure.procedure_code
    from method
    cross join lateral jsonb_each(method.parameters -> 'subjects') as listed (subject_code, procedures)
    cross join lateral jsonb_array_elements_text(listed.procedures) as procedure (procedure_code)

),

school as (

    select
        school.year,
        school.school_id,
        method.method_code,
        method.method_version,
        method.years,
        method.grade_b_min_participants,
        method.grade_c_min_pooled,
        (
            select count(distinct subject.subject_code)
            from subject
            where subject.year = method.year and subject.method_code = method.method_code
        ) as n_subjects
    from {{ ref('int_school_of_year') }} as school
    inner join method on school.year = method.year
    where school.has_results

),

counts as (

    select * from {{ ref('fct_school_procedure') }}
    where n_participants > 0 and n_below_min is not null

),

-- One row for a school, subject and year of the rule that has participants.
sat as (

    select
        school.year,
        school.school_id,
        school.method_code,
        subject.subject_code,
        counts.year as exam_year,
        sum(counts.n_participants) as n_participants,
        sum(counts.n_below_min) as n_below_min,
        array_agg(counts.procedure_code order by counts.procedure_code collate "C")
        filter (where counts.n_below_min > 0) as procedures
    from school
    inner join subject on school.year = subject.year and school.method_code = subject.method_code
    inner join counts
        on
            school.school_id = counts.school_id
            and subject.procedure_code = counts.procedure_code
            and counts.year between school.year - school.years + 1 and school.year
    group by school.year, school.school_id, school.method_code, subject.subject_code, counts.year

),

counted as (

    select
        year,
        school_id,
        method_code,
        count(*) as n_sat,
        count(*) filter (where n_below_min > 0) as n_failed,
        count(*) filter (where n_below_min = 1) as n_failed_by_one,
        sum(n_participants) as n_participants,
        count(distinct subject_code) filter (where exam_year = year) as n_procedures,
        jsonb_object_agg(
            subject_code || ' ' || cast(exam_year as text), jsonb_build_array(n_below_min, n_participants)
        ) as counts
    from sat
    group by year, school_id, method_code

),

low as (

    select
        sat.year,
        sat.school_id,
        sat.method_code,
        array_agg(failed.procedure_code order by failed.procedure_code collate "C") as low_procedures
    from sat
    cross join lateral unnest(sat.procedures) as failed (procedure_code)
    where sat.exam_year = sat.year
    group by sat.year, sat.school_id, sat.method_code

)

-- No failure in some subject and year settles it; else every subject of every year must have been sat.
select
    school.year,
    school.school_id,
    school.method_code,
    school.method_version,
    case
        when counted.n_failed < counted.n_sat then false
        when counted.n_sat = school.n_subjects * school.years then true
    end as is_low_results,
    cast(coalesce(counted.n_procedures, 0) as integer) as n_procedures,
    cast(coalesce(cardinality(low.low_procedures), 0) as integer) as n_low_procedures,
    coalesce(low.low_procedures, '{}') as low_procedures,
    cast(coalesce(counted.n_participants, 0) as integer) as n_participants_total,
    case
        when counted.n_sat is null then 'D'
        when counted.n_failed = counted.n_sat and counted.n_sat < school.n_subjects * school.years then 'D'
        when counted.n_participants >= school.grade_b_min_participants then 'B'
        when counted.n_participants >= school.grade_c_min_pooled then 'C'
        else 'D'
    end as evidence_grade,
    case
        when counted.n_failed = counted.n_sat and counted.n_sat < school.n_subjects * school.years then null
        -- One pupil who had passed takes a school off the list; one who had not puts it on.
        when counted.n_failed = counted.n_sat then counted.n_failed_by_one > 0
        else counted.n_sat = school.n_subjects * school.years and counted.n_sat - counted.n_failed = 1
    end as is_one_pupil,
    jsonb_build_object(
        'n_sat', counted.n_sat,
        'n_failed', counted.n_failed,
        'n_needed', school.n_subjects * school.years,
        'counts', counted.counts
    ) as details
from school
left join counted
    on
        school.year = counted.year
        and school.school_id = counted.school_id
        and school.method_code = counted.method_code
left join low
    on
        school.year = low.year
        and school.school_id = low.school_id
        and school.method_code = low.method_code
