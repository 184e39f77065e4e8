-- What: every row read is accepted, rejected or dropped, and a source has one line a year.
-- When it matters: always; a row that ends nowhere is a lost row.
-- How to resolve: compare ops.source_part of the source and year with its file; the reader or the validation miscounts.
select
    source,
    year
from {{ ref('mart_data_quality') }}
group by source, year
having
    count(*) > 1
    or sum(n_rows_read) <> sum(n_rows_accepted) + sum(n_rows_rejected) + sum(n_rows_dropped)
