-- columns: n_schools_target, n_schools_covered, n_pairs
-- The programme that the dashboard opens with: the one that ends last.
select
    count(*) as n_schools_target,
    sum(case when is_covered then 1 else 0 end) as n_schools_covered,
    sum(n_partners) as n_pairs
from marts.mart_partnership_school
where
    year = %(year)s
    and programme_code = (select programme_code from marts.dim_programme order by year_to desc limit 1)
