-- A view: the core table is kept from calculation to calculation and is too large to copy.
{{ config(alias='fct_school_procedure', materialized='view') }}

select
    fact.region_code,
    fact.year,
    fact.school_id,
    fact.procedure_code,
    fact.n_enrolled_listed,
    fact.n_absent,
    fact.n_partial,
    fact.n_without_result,
    fact.n_participants,
    fact.n_below_min,
    fact.share_below_min,
    fact.mean_score,
    fact.sd_score,
    fact.mean_mark,
    fact.n_mark_2,
    fact.n_mark_3,
    fact.n_mark_4,
    fact.n_mark_5,
    fact.n_high,
    fact.n_100,
    fact.n_participants_last,
    fact.n_below_min_last,
    fact.source,
    school.school_code,
    school.school_name,
    school.school_label,
    school.municipality_code,
    school.municipality_name,
    school.school_kind
from {{ ref('fct_school_procedure') }} as fact
-- Kept from calculation to calculation too, with a row for each school of a year.
left join {{ ref('mart_school_context') }} as school on fact.year = school.year and fact.school_id = school.school_id
