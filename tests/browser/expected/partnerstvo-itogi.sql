-- columns: n_schools_target, n_schools_covered, n_pairs
-- The programme that the dashboard opens with: most indicators with a target in the year.
select
    count(*) as n_schools_target,
    sum(case when is_covered then 1 else 0 end) as n_schools_covered,
    sum(n_partners) as n_pairs
from marts.mart_partnership_school
where
    year = %(year)s
    and programme_code = (
        select programme_code
        from marts.fct_indicator_value
        where year = %(year)s and component = ''
        group by programme_code
        order by sum(case when status in ('met', 'not_met') then 1 else 0 end) desc
        limit 1
    )
