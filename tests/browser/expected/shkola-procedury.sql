-- columns: procedure_title, n, x
select
    procedure.title_ru,
    counts.n_participants,
    counts.n_below_min
from marts.fct_school_procedure as counts
inner join marts.dim_school as school on counts.school_id = school.school_id and school.is_current
inner join marts.dim_procedure as procedure on counts.procedure_code = procedure.procedure_code
where counts.year = %(year)s and school.school_label = %(school)s and counts.n_participants > 0
