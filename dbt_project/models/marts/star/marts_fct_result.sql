-- A view: the core table is kept from calculation to calculation and is too large to copy.
{{ config(alias='fct_result', materialized='view') }}

select
    region_code,
    year,
    school_id,
    school_key,
    procedure_code,
    person_key,
    attempt_no,
    is_first_attempt,
    is_last_attempt,
    is_own_pupil,
    exam_date,
    wave,
    is_absent,
    is_partial,
    is_participant,
    primary_score,
    test_score,
    score,
    mark,
    mark_source,
    is_below_min,
    journal_mark,
    score_source,
    file_id,
    part_id,
    row_no
from {{ ref('fct_result') }}
