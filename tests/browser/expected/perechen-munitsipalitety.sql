-- columns: municipality_name, в перечне, не в перечне
select
    municipality_name,
    sum(case when is_low_results then 1 else 0 end) as listed,
    sum(case when is_low_results = false then 1 else 0 end) as not_listed
from marts.mart_school_card
where year = %(year)s and list_method_code is not null
group by municipality_name
