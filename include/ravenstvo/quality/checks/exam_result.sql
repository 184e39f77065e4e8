-- One row per exam result (ЕГЭ or ОГЭ: the caller names the source and the exam), beside its subject, scale and twins.
with landed as not materialized (
    select * from pending_row
),

-- A code may mean two subjects (9 in the ОГЭ): it counts only together with a name that agrees.
subjects as (
    select
        said.year, said.subject_code, said.subject,
        named.procedure_subject as by_name,
        case when count(distinct coded.procedure_subject) = 1 then min(coded.procedure_subject) end as by_code,
        coalesce(
            said.subject_code is not null and named.procedure_subject is not null
            and not coalesce(bool_or(coded.procedure_subject = named.procedure_subject), false),
            false
        ) as is_conflict
    from (select distinct year, subject_code, subject from landed) as said
    left join subject_name as named on named.exam = %(exam)s and named.spelling = pg_temp.fold(said.subject)
    left join seeds.subject_code as coded
        on coded.exam = %(exam)s and coded.subject_code = pg_temp.whole(said.subject_code)
            and coalesce(pg_temp.whole(said.year) >= coded.year_from, true)
            and coalesce(pg_temp.whole(said.year) <= coded.year_to, true)
    group by said.year, said.subject_code, said.subject, named.procedure_subject
),

works as (
    select
        subjects.*, work.procedure_code, work.score_kind, top.max_primary,
        (
            select bound.min_test_score from seeds.ege_minimum as bound
            where bound.procedure_code = work.procedure_code
                and pg_temp.whole(subjects.year) >= bound.year_from
                and pg_temp.whole(subjects.year) <= coalesce(bound.year_to, pg_temp.whole(subjects.year))
        ) as min_test_score
    from subjects
    left join work
        on work.exam = %(exam)s and work.procedure_subject = coalesce(subjects.by_name, subjects.by_code)
    left join max_in_force as top
        on top.procedure_code = work.procedure_code and top.year = pg_temp.whole(subjects.year)
),

schools as materialized (
    select school_code, pg_temp.code_known(school_code) as is_known
    from (select distinct school_code from landed where school_code is not null) as said
),

repeated as (
    select whole_id, person_key, subject_code, subject, exam_date, wave, min(row_no) as first_row_no
    from landed
    where person_key is not null
    group by whole_id, person_key, subject_code, subject, exam_date, wave
    having count(*) > 1
),

typed as (
    select
        landed.part_id, landed.whole_id, landed.file_id, landed.row_no, '' as record_key,
        landed.year, landed.exam_date, landed.wave, landed.school_code, landed.subject_code, landed.subject,
        landed.primary_score, landed.mark, landed.test_score, landed.pass_code,
        works.procedure_code, works.max_primary, works.min_test_score, works.score_kind,
        pg_temp.code6(landed.school_code) as padded_school_code,
        case when works.is_conflict then landed.subject end as conflicting_subject,
        pg_temp.whole(landed.primary_score) as primary_number,
        pg_temp.whole(landed.test_score) as test_number,
        pg_temp.whole(landed.mark) as mark_number,
        case when landed.person_key is null then 'нет' end as missing_person,
        case when schools.is_known = false then landed.school_code end as unknown_school,
        case when landed.row_no > repeated.first_row_no then repeated.first_row_no end as first_row_no
    from landed
    -- Every row has its work; said this way the planner loses none of them.
    left join works
        on coalesce(works.year, '') = coalesce(landed.year, '')
            and coalesce(works.subject_code, '') = coalesce(landed.subject_code, '')
            and coalesce(works.subject, '') = coalesce(landed.subject, '')
    left join schools on schools.school_code = landed.school_code
    left join repeated
        on repeated.whole_id = landed.whole_id and repeated.person_key = landed.person_key
            and repeated.subject_code is not distinct from landed.subject_code
            and repeated.subject is not distinct from landed.subject
            and repeated.exam_date is not distinct from landed.exam_date
            and repeated.wave is not distinct from landed.wave
),

-- Within a year, subject and wave one primary score gives one test score, and more primary never gives less.
pairs as (
    select year, procedure_code, coalesce(wave, '') as wave, primary_number, test_number, count(*) as n
    from typed
    where procedure_code is not null and primary_number is not null and test_number is not null
    group by 1, 2, 3, 4, 5
),

usual as (
    select distinct on (year, procedure_code, wave, primary_number)
        year, procedure_code, wave, primary_number, test_number as usual_test
    from pairs
    order by year, procedure_code, wave, primary_number, n desc, test_number
),

conversion as (
    select
        *,
        max(usual_test) over (
            partition by year, procedure_code, wave order by primary_number
            rows between unbounded preceding and 1 preceding
        ) as best_of_lower
    from usual
)

select
    typed.*,
    scale.score_from as mark_score_from,
    conversion.usual_test,
    typed.test_number - conversion.usual_test as conversion_difference,
    conversion.best_of_lower,
    case
        when typed.exam_date is not null and pg_temp.day(typed.exam_date) is null then typed.exam_date
    end as odd_date,
    extract(year from pg_temp.day(typed.exam_date))::integer - pg_temp.whole(typed.year) as year_difference,
    case when typed.test_score is null and typed.mark is null then 'нет результата' end as missing_result,
    case
        when typed.test_number is not null and (typed.pass_code = '2') <> (typed.test_number < typed.min_test_score)
            then typed.pass_code
    end as conflicting_pass_code
from typed
left join scale_in_force as scale
    on scale.procedure_code = typed.procedure_code
        and scale.year = pg_temp.whole(typed.year) and scale.mark = typed.mark_number
left join conversion
    on conversion.year = typed.year and conversion.procedure_code = typed.procedure_code
        and conversion.wave = coalesce(typed.wave, '') and conversion.primary_number = typed.primary_number
