-- One row per login.
with landed as not materialized (
    select * from pending_row
)

select
    part_id, whole_id, file_id, row_no, '' as record_key, school_login, school_name, municipality,
    case
        when row_no > min(row_no) over (partition by whole_id, lower(school_login)) and school_login is not null
            then min(row_no) over (partition by whole_id, lower(school_login))
    end as first_row_no
from landed
