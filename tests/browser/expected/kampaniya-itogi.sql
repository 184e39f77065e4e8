-- columns: received, missing, partial
select
    sum(case when n_files > 0 then 1 else 0 end),
    sum(case when n_files = 0 and is_received_last_year and state <> 'not_held' then 1 else 0 end),
    sum(case when state = 'partial' then 1 else 0 end)
from marts.mart_source_presence
where year = %(year)s
