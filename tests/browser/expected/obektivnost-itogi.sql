-- columns: n, flagged, marked, counted
with school as (
    select
        school_id,
        count(*) as n_rows,
        sum(case when is_flagged then 1 else 0 end) as n_flagged
    from marts.mart_objectivity
    where year = %(year)s
    group by school_id
)

select
    count(*),
    count(nullif(n_flagged, 0)),
    sum(n_flagged),
    sum(n_rows)
from school
