-- columns: municipality_name, n_schools, n_schools_complete, n_schools_complete_adjusted
-- The programme that the dashboard opens with: the one that ends last.
select
    municipality_name,
    count(*) as n_schools,
    sum(case when is_complete then 1 else 0 end) as n_schools_complete,
    sum(case when is_complete_adjusted then 1 else 0 end) as n_schools_complete_adjusted
from marts.mart_pd_completion
where
    year = %(year)s
    and programme_code = (select programme_code from marts.dim_programme order by year_to desc limit 1)
group by municipality_name
