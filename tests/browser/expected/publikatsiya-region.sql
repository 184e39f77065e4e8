-- columns: procedure_title, share_text, n
select
    procedure_title,
    share_text,
    n_participants_rounded
from publish.publish_municipality_results
where year = %(year)s and municipality_id is null
