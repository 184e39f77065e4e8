-- columns: n, running, programmes, scored, met, not_met, ambiguous, no_data, tracked
select
    count(*) as n,
    count(distinct case when value.year between programme.year_from and programme.year_to then value.programme_code end) as running,
    count(distinct value.programme_code) as programmes,
    sum(case when value.status in ('met', 'not_met') then 1 else 0 end) as scored,
    sum(case when value.status = 'met' then 1 else 0 end) as met,
    sum(case when value.status = 'not_met' then 1 else 0 end) as not_met,
    sum(case when value.status = 'ambiguous' then 1 else 0 end) as ambiguous,
    sum(case when value.status = 'no_data' then 1 else 0 end) as no_data,
    sum(case when value.status = 'tracked' then 1 else 0 end) as tracked
from marts.fct_indicator_value as value
inner join marts.dim_programme as programme on value.programme_code = programme.programme_code
where
    value.year = %(year)s
    and value.component = ''
    and value.territory_kind = 'region'
    and value.period = cast(value.year as text)
