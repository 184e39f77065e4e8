-- One row per login.
with landed as not materialized (
    select * from landing.school_login where part_id = any(%(part_ids)s)
)

select
    part_id, file_id, row_no, '' as record_key, school_login, school_name, municipality,
    case
        when row_no > min(row_no) over (partition by part_id, lower(school_login)) and school_login is not null
            then min(row_no) over (partition by part_id, lower(school_login))
    end as first_row_no
from landed
