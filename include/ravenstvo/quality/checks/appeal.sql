-- One row per appeal or recheck, beside the result that it corrects.
with landed as not materialized (
    select * from pending_row
),

results as (
    select 'ege' as exam, year, person_key, name_key from landing.ege_result
    union all
    select 'oge' as exam, year, person_key, name_key from landing.oge_result
),

subjects as (
    select
        said.exam, said.subject_code, said.subject, named.procedure_subject as by_name,
        case when count(distinct coded.procedure_subject) = 1 then min(coded.procedure_subject) end as by_code,
        coalesce(
            said.subject_code is not null and named.procedure_subject is not null
            and not coalesce(bool_or(coded.procedure_subject = named.procedure_subject), false),
            false
        ) as is_conflict
    from (select distinct exam, subject_code, subject from landed) as said
    left join subject_name as named on named.exam = said.exam and named.spelling = pg_temp.fold(said.subject)
    left join seeds.subject_code as coded
        on coded.exam = said.exam and coded.subject_code = pg_temp.whole(said.subject_code)
    group by said.exam, said.subject_code, said.subject, named.procedure_subject
)

select
    landed.part_id, landed.whole_id, landed.file_id, landed.row_no, '' as record_key,
    landed.year, landed.exam, landed.exam_date, landed.subject_code, landed.subject, landed.school_code,
    landed.kind, landed.state, landed.score_before, landed.primary_score, landed.score_after,
    pg_temp.code6(landed.school_code) as padded_school_code,
    work.procedure_code,
    case when subjects.is_conflict then landed.subject end as conflicting_subject,
    pg_temp.whole(landed.primary_score) as primary_number,
    -- The corrected value is a mark where the exam gives marks, else a test score.
    case when work.score_kind = 'test' then pg_temp.whole(landed.score_after) end as test_after,
    case when work.score_kind <> 'test' then pg_temp.whole(landed.score_after) end as mark_after,
    case when pg_temp.code_known(landed.school_code) = false then landed.school_code end as unknown_school,
    case when landed.score_after is null and landed.primary_score is null then 'нет балла' end as missing_outcome,
    case
        when not coalesce(
            (landed.exam, landed.year, landed.person_key) in (
                select exam, year, person_key from results where person_key is not null and year is not null
            ),
            false
        )
        and not coalesce(
            (landed.exam, landed.year, landed.name_key) in (
                select exam, year, name_key from results where name_key is not null and year is not null
            ),
            false
        )
            then 'нет результата'
    end as missing_result,
    case
        when kinds.value is null and landed.kind is not null then landed.kind
    end as unknown_kind
from landed
left join subjects
    on subjects.exam is not distinct from landed.exam
        and subjects.subject_code is not distinct from landed.subject_code
        and subjects.subject is not distinct from landed.subject
left join work
    on work.exam = landed.exam and work.procedure_subject = coalesce(subjects.by_name, subjects.by_code)
left join seeds.value_list as kinds on kinds.list_name = 'appeal_kind' and kinds.spelling = pg_temp.fold(landed.kind)
