-- One row per territorial unit of the exam database.
with landed as not materialized (
    select * from pending_row
)

select
    part_id, whole_id, file_id, row_no, '' as record_key, ate_code, ate_name,
    case
        when row_no > min(row_no) over (partition by whole_id, ate_code) and ate_code is not null
            then min(row_no) over (partition by whole_id, ate_code)
    end as first_row_no
from landed
