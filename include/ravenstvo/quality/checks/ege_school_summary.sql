-- One row per school and subject of the yearly form, beside its own sums.
with landed as not materialized (
    select * from pending_row
),

repeated as (
    select whole_id, municipality, school_name, subject, min(row_no) as first_row_no
    from landed
    group by whole_id, municipality, school_name, subject
    having count(*) > 1
),

-- Names are compared once per school, not once per subject. Without a register of names the form introduces them.
schools as materialized (
    select
        said.municipality, said.school_name,
        case
            when exists (select 1 from register_name)
                then exists (
                    select 1 from register_name
                    where register_name.name = said.folded_name
                        and coalesce(register_name.municipality = said.folded_municipality, true)
                )
                or exists (
                    select 1 from decided_key
                    where key_kind = 'name' and school_key = said.folded_name and municipality = said.folded_municipality
                )
        end as is_known
    from (
        select
            municipality, school_name,
            pg_temp.fold_name(school_name) as folded_name, pg_temp.fold_name(municipality) as folded_municipality
        from (select distinct municipality, school_name from landed) as distinct_names
        offset 0
    ) as said
),

typed as (
    select
        landed.*,
        pg_temp.whole(n_participants) as participants,
        pg_temp.whole(n_below_min) as below_min,
        pg_temp.whole(n_high) as high,
        pg_temp.whole(n_100) as full_score,
        pg_temp.whole(graduates) as graduate_number,
        pg_temp.num(mean_score) as mean_number
    from landed
)

select
    typed.part_id, typed.whole_id, typed.file_id, typed.row_no, coalesce(typed.subject, '') as record_key,
    typed.year, typed.municipality, typed.school_name, typed.graduates, typed.subject, typed.n_participants,
    typed.n_below_min, typed.n_high, typed.n_100, typed.mean_score, typed.n_applied,
    -- A school where nobody sat anything is one record without a subject, and nothing is wrong with it.
    case
        when work.procedure_code is null
            and coalesce(
                typed.subject, typed.n_participants, typed.n_below_min, typed.n_high, typed.n_100, typed.mean_score,
                typed.n_applied
            ) is not null
            then coalesce(typed.subject, 'не указан')
    end as unknown_subject,
    typed.participants, typed.below_min, typed.high, typed.full_score, typed.graduate_number,
    typed.mean_number,
    coalesce(typed.below_min, 0) + coalesce(typed.high, 0) + coalesce(typed.full_score, 0) as grouped,
    case
        when typed.n_participants is null
            and coalesce(typed.n_below_min, typed.n_high, typed.n_100, typed.mean_score) is not null
            then 'нет числа участников'
    end as missing_participants,
    case when typed.participants > 0 and typed.mean_score is null then 'нет среднего балла' end as missing_mean,
    case when schools.is_known = false then typed.school_name end as unknown_school,
    case when typed.row_no > repeated.first_row_no then repeated.first_row_no end as first_row_no
from typed
left join subject_name as named on named.exam = 'ege' and named.spelling = pg_temp.fold(typed.subject)
left join work on work.exam = 'ege' and work.procedure_subject = named.procedure_subject
left join schools
    on schools.municipality is not distinct from typed.municipality
        and schools.school_name is not distinct from typed.school_name
left join repeated
    on repeated.whole_id = typed.whole_id and repeated.municipality is not distinct from typed.municipality
        and repeated.school_name is not distinct from typed.school_name
        and repeated.subject is not distinct from typed.subject
