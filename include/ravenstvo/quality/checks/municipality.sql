-- One row per municipality, beside the list of territorial units.
with landed as not materialized (
    select * from pending_row
)

select
    part_id, whole_id, file_id, row_no, '' as record_key, municipality_code, municipality, oktmo, ate_code,
    case
        when exists (select 1 from ate_in_force) and ate_code is not null
            and not exists (
                select 1 from ate_in_force where code = coalesce(pg_temp.whole(landed.ate_code)::text, landed.ate_code)
            )
            then ate_code
    end as unknown_ate,
    case
        when row_no > min(row_no) over (partition by whole_id, municipality_code) and municipality_code is not null
            then min(row_no) over (partition by whole_id, municipality_code)
    end as first_row_no
from landed
