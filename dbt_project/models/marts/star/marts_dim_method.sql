-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='dim_method', materialized='table') }}

select
    method_code,
    method_version,
    kind,
    title_ru,
    label_ru,
    valid_from_year,
    valid_to_year,
    parameters,
    source,
    is_proposal,
    threshold_numerator,
    threshold_denominator,
    condition,
    min_procedures,
    min_repeated,
    min_participants,
    attempt,
    partial_counts,
    procedures,
    exclude_flagged,
    excluded_markers,
    evidence_code,
    interval_z,
    grade_a_min_participants,
    grade_b_min_participants,
    grade_c_min_pooled,
    pooled_years,
    min_participation_percent,
    exit_years
from {{ ref('dim_method') }}
