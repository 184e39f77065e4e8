-- One row per school of the register, beside the lists and registers that it refers to.
with recursive landed as not materialized (
    select * from pending_row
),

repeated as (
    select whole_id, school_code, valid_from, min(row_no) as first_row_no
    from landed
    where school_code is not null
    group by whole_id, school_code, valid_from
    having count(*) > 1
),

-- A school that is split names several successors in one cell.
successor as (
    select distinct
        landed.part_id, landed.row_no, pg_temp.code6(landed.school_code) as code, pg_temp.code6(said.code) as named
    from landed
    cross join lateral regexp_split_to_table(landed.successor_code, '[^0-9A-Za-zА-Яа-я]+') as said (code)
    where said.code ~ '^[0-9]{5,6}$'
),

-- Ways from a school through its successors; one that comes back to where it began is a circle.
way as (
    select code as start, named, array[code] as passed, false as is_circle
    from successor
    where named <> code
    union
    select way.start, successor.named, way.passed || successor.code, successor.named = way.start
    from way
    inner join successor on successor.code = way.named
    where not way.is_circle and successor.code <> all(way.passed) and successor.named <> successor.code
),

odd_successor as (
    select
        part_id, row_no,
        string_agg(named, ', ' order by named) filter (where named = code) as own,
        string_agg(named, ', ' order by named) filter (where not is_known) as unknown,
        string_agg(named, ', ' order by named) filter (where named <> code and is_in_circle) as circle
    from (
        select
            successor.*,
            pg_temp.code_known(named) or exists (select 1 from landed where pg_temp.code6(school_code) = named)
                as is_known,
            exists (select 1 from way where way.is_circle and way.start = successor.code) as is_in_circle
        from successor
    ) as judged
    group by part_id, row_no
)

select
    landed.part_id, landed.whole_id, landed.file_id, landed.row_no, '' as record_key,
    landed.school_code, landed.school_login, landed.full_name, landed.short_name, landed.municipality_code,
    landed.municipality, landed.school_kind, landed.locality, landed.inn, landed.status, landed.valid_from,
    landed.valid_to, landed.successor_code, landed.enrolment, landed.ate_code,
    pg_temp.code6(landed.school_code) as padded_school_code,
    coalesce(landed.school_code, landed.school_login) as any_key,
    coalesce(landed.full_name, landed.short_name) as any_name,
    case when landed.school_kind is not null and kinds.value is null then landed.school_kind end as unknown_kind,
    case when landed.locality is not null and localities.value is null then landed.locality end as unknown_locality,
    case when landed.status is not null and statuses.value is null then landed.status end as unknown_status,
    case
        when pg_temp.day(landed.valid_to) < pg_temp.day(landed.valid_from) then landed.valid_to
    end as early_valid_to,
    case
        when exists (select 1 from municipality_in_force) and landed.municipality_code is not null
            and town.code is null
            then landed.municipality_code
    end as unknown_municipality,
    case
        when town.ate_code <> coalesce(pg_temp.whole(landed.ate_code)::text, landed.ate_code) then landed.ate_code
    end as stale_ate_code,
    town.ate_code as municipality_ate_code,
    odd_successor.own as own_successor,
    odd_successor.unknown as unknown_successor,
    odd_successor.circle as circular_successor,
    case when landed.row_no > repeated.first_row_no then repeated.first_row_no end as first_row_no
from landed
left join seeds.value_list as kinds
    on kinds.list_name = 'school_kind' and kinds.spelling = pg_temp.fold(landed.school_kind)
left join seeds.value_list as localities
    on localities.list_name = 'locality' and localities.spelling = pg_temp.fold(landed.locality)
left join seeds.value_list as statuses
    on statuses.list_name = 'school_status' and statuses.spelling = pg_temp.fold(landed.status)
left join (
    -- A register of municipalities may come in several files; one code, one row.
    select code, min(ate_code) as ate_code from municipality_in_force group by code
) as town
    on town.code = pg_temp.whole(landed.municipality_code)::text
left join odd_successor
    on odd_successor.part_id = landed.part_id and odd_successor.row_no = landed.row_no
left join repeated
    on repeated.whole_id = landed.whole_id and repeated.school_code = landed.school_code
        and repeated.valid_from is not distinct from landed.valid_from
