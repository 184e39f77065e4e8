-- columns: low_procedures_title, evidence_grade, years_identified
select
    low_procedures_title,
    evidence_grade,
    years_identified
from marts.mart_school_card
where year = %(year)s and is_low_results
