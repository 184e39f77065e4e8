-- columns: municipality_name, n_schools, n_participants, n_below_min, share_below_min, regional_share, gap
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
    municipality_name,
    count(*),
    sum(n_participants),
    sum(n_below_min),
    cast(sum(n_below_min) as double precision) / sum(n_participants),
    region.share,
    cast(sum(n_below_min) as double precision) / sum(n_participants) - region.share
from result
cross join region
where municipality_name is not null
group by municipality_name, region.share
