-- columns: municipality_name, share_text, n
select
    municipality_name,
    share_text,
    n_schools_rounded
from publish.publish_identification
where
    year = %(year)s
    and municipality_code is not null
    and method_code = (
        select distinct method_code from marts.mart_identification
        where year = %(year)s and is_list_method
    )
