-- One row per school and work of the marks report, beside the sum of its percentages.
with landed as not materialized (
    select * from pending_row
),

repeated as (
    select whole_id, year, school_login, grade, subject, min(row_no) as first_row_no
    from landed
    group by whole_id, year, school_login, grade, subject
    having count(*) > 1
)

select
    landed.part_id, landed.whole_id, landed.file_id, landed.row_no, '' as record_key,
    landed.year, landed.school_login, landed.school_name, landed.municipality, landed.grade, landed.subject,
    landed.n_participants, landed.pct_2, landed.pct_3, landed.pct_4, landed.pct_5,
    work.procedure_code,
    pg_temp.whole(landed.n_participants) as participants,
    pg_temp.num(landed.pct_2) as share_2, pg_temp.num(landed.pct_3) as share_3,
    pg_temp.num(landed.pct_4) as share_4, pg_temp.num(landed.pct_5) as share_5,
    pg_temp.num(landed.pct_2) + pg_temp.num(landed.pct_3) + pg_temp.num(landed.pct_4) + pg_temp.num(landed.pct_5)
        as share_sum,
    case when pg_temp.login_known(landed.school_login) = false then landed.school_login end as unknown_login,
    case when landed.row_no > repeated.first_row_no then repeated.first_row_no end as first_row_no
from landed
left join subject_name as named on named.exam = 'vpr' and named.spelling = pg_temp.fold(landed.subject)
left join work
    on work.exam = 'vpr' and work.procedure_subject = named.procedure_subject
        and work.grade = pg_temp.whole(landed.grade)
left join repeated
    on repeated.whole_id = landed.whole_id and repeated.year is not distinct from landed.year
        and repeated.school_login = landed.school_login
        and repeated.grade is not distinct from landed.grade
        and repeated.subject is not distinct from landed.subject
