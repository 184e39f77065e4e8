-- columns: municipality_name, n_participants, n_below_min, share_below_min, regional_share
with result as (
    select * from marts.mart_school_result
    where year = %(year)s and n_below_min is not null and procedure_title = (
        select procedure_title from marts.mart_funnel_limit
        group by procedure_title
        order by max(year) desc, max(n_total) filter (where year = %(year)s) desc
        limit 1
    )
),

region as (
    select cast(sum(n_below_min) as double precision) / sum(n_participants) as share from result
)

select
    result.municipality_name,
    result.n_participants,
    result.n_below_min,
    result.share_below_min,
    region.share
from result
cross join region
where
    abs(result.share_below_min - region.share)
    > 1.959963984540054 * sqrt(region.share * (1 - region.share) / result.n_participants)
