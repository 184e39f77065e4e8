-- A view: the core table is kept from calculation to calculation and is too large to copy.
{{ config(alias='fct_school_procedure', materialized='view') }}

select
    year,
    school_id,
    procedure_code,
    n_enrolled_listed,
    n_absent,
    n_partial,
    n_without_result,
    n_participants,
    n_below_min,
    share_below_min,
    mean_score,
    sd_score,
    mean_mark,
    n_mark_2,
    n_mark_3,
    n_mark_4,
    n_mark_5,
    n_high,
    n_100,
    n_participants_last,
    n_below_min_last,
    source
from {{ ref('fct_school_procedure') }}
