-- columns: source_title, n_files, n_rows_read, n_rows_accepted, n_rows_rejected
select
    source_title,
    count(distinct file_id),
    sum(n_rows_read),
    sum(n_rows_accepted),
    sum(n_rows_rejected)
from marts.mart_source_file
where year = %(year)s and in_force
group by source_title
