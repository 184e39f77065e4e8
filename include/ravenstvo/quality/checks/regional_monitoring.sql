-- One row per pupil's regional work.
with landed as not materialized (
    select * from pending_row
),

repeated as (
    select whole_id, year, monitoring, school_code, grade, subject, pupil_code, min(row_no) as first_row_no
    from landed
    where pupil_code is not null
    group by whole_id, year, monitoring, school_code, grade, subject, pupil_code
    having count(*) > 1
)

select
    landed.part_id, landed.whole_id, landed.file_id, landed.row_no, '' as record_key,
    landed.year, landed.school_code, landed.monitoring, landed.grade, landed.subject, landed.pupil_code,
    landed.score, landed.max_score, landed.level,
    pg_temp.code6(landed.school_code) as padded_school_code,
    pg_temp.whole(landed.grade) as grade_number,
    named.procedure_subject,
    pg_temp.num(landed.score) as score_number,
    pg_temp.num(landed.max_score) as max_number,
    case when landed.score is not null and pg_temp.num(landed.score) is null then landed.score end as odd_score,
    case when landed.max_score is not null and pg_temp.num(landed.max_score) is null then landed.max_score end
        as odd_max_score,
    case when landed.score is null and landed.level is null then 'нет результата' end as missing_result,
    case when landed.level is not null and levels.value is null then landed.level end as unknown_level,
    case when pg_temp.code_known(landed.school_code) = false then landed.school_code end as unknown_school,
    case when landed.row_no > repeated.first_row_no then repeated.first_row_no end as first_row_no
from landed
left join subject_name as named on named.exam = 'rm' and named.spelling = pg_temp.fold(landed.subject)
left join seeds.value_list as levels
    on levels.list_name = 'monitoring_level' and levels.spelling = pg_temp.fold(landed.level)
left join repeated
    on repeated.whole_id = landed.whole_id and repeated.year is not distinct from landed.year
        and repeated.monitoring is not distinct from landed.monitoring
        and repeated.school_code is not distinct from landed.school_code
        and repeated.grade is not distinct from landed.grade
        and repeated.subject is not distinct from landed.subject
        and repeated.pupil_code = landed.pupil_code
