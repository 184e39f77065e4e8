-- What is this: in every school × procedure, nobody below the minimum who did not take part, and marks that add up
-- to participants.
-- When is it important: a share above 1 or below 0 would reach the list of schools.
-- How to resolve: for source 'summary' look at the school's line of the form (a cell shifted by a column is the
-- usual cause); for 'pupil' it is an error of the model fct_school_procedure.
select
    year,
    school_id,
    procedure_code,
    n_participants,
    n_below_min
from {{ ref('fct_school_procedure') }}
where
    {{ in_years('year') }}
    and (
        n_participants < 0
        or n_below_min < 0
        or n_below_min > n_participants
        or n_below_min_last > n_participants_last
        or (source = 'pupil' and n_mark_2 + n_mark_3 + n_mark_4 + n_mark_5 <> n_participants)
    )
