-- columns: results, below, procedures
select
    sum(counts.n_participants),
    sum(counts.n_below_min),
    count(*)
from marts.fct_school_procedure as counts
inner join marts.dim_school as school on counts.school_id = school.school_id and school.is_current
where counts.year = %(year)s and school.school_label = %(school)s and counts.n_participants > 0
