-- One row per school of the register, beside the lists and registers that it refers to.
with landed as not materialized (
    select * from pending_row
),

repeated as (
    select whole_id, school_code, valid_from, min(row_no) as first_row_no
    from landed
    where school_code is not null
    group by whole_id, school_code, valid_from
    having count(*) > 1
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
left join repeated
    on repeated.whole_id = landed.whole_id and repeated.school_code = landed.school_code
        and repeated.valid_from is not distinct from landed.valid_from
