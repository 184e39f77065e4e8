-- columns: municipality_name, regional_position, n
with total as (
    select
        municipality_name,
        cast(sum(n_participants) as double precision) as n,
        cast(sum(n_below_min) as double precision) / sum(n_participants) as share
    from marts.mart_school_result
    where year = %(year)s and n_below_min is not null
    group by grouping sets ((), (municipality_name))
),

region as (
    select share from total
    order by n desc
    limit 1
)

-- Whether the region's share lies in Wilson's interval is whether it is that many standard errors of its own away.
select
    total.municipality_name,
    case
        when abs(total.share - region.share) <= 1.959963984540054 * sqrt(region.share * (1 - region.share) / total.n) then 'within'
        when total.share > region.share then 'above'
        else 'below'
    end,
    total.n
from total
cross join region
where total.municipality_name is not null
