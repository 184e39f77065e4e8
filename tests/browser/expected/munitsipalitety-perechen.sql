-- columns: municipality_name, listed, judged, no_verdict
select
    municipality_name,
    count(*) filter (where is_low_results),
    count(is_low_results),
    count(*) filter (where is_low_results is null)
from marts.mart_school_card
where year = %(year)s and municipality_name is not null
group by municipality_name
