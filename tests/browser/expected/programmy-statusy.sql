-- columns: programme_title, n, met, not_met, ambiguous, no_data, not_applicable, tracked
select
    programme.short_title as programme_title,
    count(*) as n,
    sum(case when value.status = 'met' then 1 else 0 end) as met,
    sum(case when value.status = 'not_met' then 1 else 0 end) as not_met,
    sum(case when value.status = 'ambiguous' then 1 else 0 end) as ambiguous,
    sum(case when value.status = 'no_data' then 1 else 0 end) as no_data,
    sum(case when value.status = 'not_applicable' then 1 else 0 end) as not_applicable,
    sum(case when value.status = 'tracked' then 1 else 0 end) as tracked
from marts.fct_indicator_value as value
inner join marts.dim_programme as programme on value.programme_code = programme.programme_code
where
    value.year = %(year)s
    and value.component = ''
    and value.territory_kind = 'region'
    and value.period = cast(value.year as text)
group by programme.short_title
