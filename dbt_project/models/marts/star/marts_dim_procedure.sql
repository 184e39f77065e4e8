-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='dim_procedure', materialized='table') }}

select
    procedure_code,
    exam,
    procedure_subject,
    subject,
    grade,
    enrolled_grade,
    title_ru,
    score_kind,
    is_two_part
from {{ ref('dim_procedure') }}
