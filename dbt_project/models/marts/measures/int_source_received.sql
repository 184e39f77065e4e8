-- Of which sources something is in force, and whether all of it was accepted. A register without years: year null.
select
    source,
    year,
    bool_and(coalesce(n_rows_rejected, 0) = 0) as is_clean
from {{ source('ops', 'source_part') }}
where in_force and status = 'landed' and source is not null and n_rows_accepted > 0
group by source, year
