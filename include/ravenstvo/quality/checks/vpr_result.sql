-- One row per pupil's work, beside what its work, its school and its twin rows say.
with landed as not materialized (
    select * from pending_row
),

-- Few works, schools and repeats beside very many rows: each is looked up once and joined by the text of the file.
works as materialized (
    select
        coalesce(said.year, '') as year, coalesce(said.grade, '') as grade, coalesce(said.subject, '') as subject,
        work.procedure_code, top.max_primary,
        -- Bounds of the marks in force, indexed by the mark.
        (
            select array_agg(scale.score_from order by bound.mark)
            from generate_series(0, 9) as bound (mark)
            left join scale_in_force as scale
                on scale.procedure_code = work.procedure_code
                    and scale.year = pg_temp.whole(said.year) and scale.mark = bound.mark
        ) as score_from,
        (
            select array_agg(scale.score_to order by bound.mark)
            from generate_series(0, 9) as bound (mark)
            left join scale_in_force as scale
                on scale.procedure_code = work.procedure_code
                    and scale.year = pg_temp.whole(said.year) and scale.mark = bound.mark
        ) as score_to
    from (select distinct year, grade, subject from landed) as said
    left join subject_name as named on named.exam = 'vpr' and named.spelling = pg_temp.fold(said.subject)
    left join work
        on work.exam = 'vpr' and work.procedure_subject = named.procedure_subject
            and work.grade = pg_temp.whole(said.grade)
    left join max_in_force as top
        on top.procedure_code = work.procedure_code and top.year = pg_temp.whole(said.year)
),

logins as materialized (
    select school_login, pg_temp.login_known(school_login) as is_known
    from (select distinct school_login from landed where school_login is not null) as said
),

repeated as materialized (
    select whole_id, coalesce(school_login, '') as school_login, pupil_code, min(row_no) as first_row_no
    from landed
    where pupil_code is not null
    group by 1, 2, 3
    having count(*) > 1
),

typed as (
    select
        landed.*,
        works.procedure_code, works.max_primary, works.score_from, works.score_to,
        pg_temp.whole(landed.primary_score) as score,
        case when landed.mark ~ '^[2-5]$' then landed.mark::integer end as mark_number,
        case when logins.is_known = false then landed.school_login end as unknown_login,
        case when landed.row_no > repeated.first_row_no then repeated.first_row_no end as first_row_no
    from landed
    -- Every row has its work; said this way the planner loses none of them.
    left join works
        on works.year = coalesce(landed.year, '')
            and works.grade = coalesce(landed.grade, '')
            and works.subject = coalesce(landed.subject, '')
    left join logins on logins.school_login = landed.school_login
    left join repeated
        on repeated.whole_id = landed.whole_id
            and repeated.school_login = coalesce(landed.school_login, '')
            and repeated.pupil_code = landed.pupil_code
    -- Not to be merged into what follows: every fact would be worked out again wherever it is named.
    offset 0
)

select
    part_id, whole_id, file_id, row_no, '' as record_key,
    year, school_login, grade, subject, pupil_code, class_label, sex, attendance, primary_score, mark, journal_mark,
    items_total, procedure_code, max_primary, score, mark_number, unknown_login, first_row_no,
    score_from[mark_number + 1] as mark_score_from,
    -- A score above the maximum is not a matter of the scale.
    case when score <= max_primary then score_to[mark_number + 1] end as mark_score_to,
    case when attendance = 'present' then score - pg_temp.num(items_total) end as items_difference,
    case when attendance = 'present' and primary_score is null then 'нет балла' end as missing_score,
    case when attendance = 'absent' and score > 0 then primary_score end as absent_score,
    -- A number, X, «не пройд.», a dash or nothing is an ordinary cell. The first pattern is only quick: it lets through
    -- whatever may be odd, and the second one decides. An absent pupil's cells all say the same and are left alone.
    case
        when attendance <> 'absent' and item_scores::text ~ '": ?"([^0-9XxХх"]|[0-9]+[^0-9"]|[XxХх][^"])'
            then (
                select string_agg(item.key || ': ' || item.value, '; ' order by item.key)
                from json_each_text(typed.item_scores) as item
                where item.value !~ '^([0-9]+(\.[0-9]+)?|[XxХх]|[Нн]е ?пройд.*|нет отметки|НЕТ ОТМЕТКИ|[-–—])?$'
            )
    end as odd_items
from typed
