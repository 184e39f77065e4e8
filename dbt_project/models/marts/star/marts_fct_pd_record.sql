-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='fct_pd_record', materialized='table') }}

select
    region_code,
    person_id,
    school_id,
    school_code,
    municipality_code,
    is_school_from_staff,
    position,
    course,
    topic,
    subprogramme,
    hours,
    started_on,
    finished_on,
    status,
    is_finished,
    is_duplicate,
    document_kind,
    file_id,
    part_id,
    row_no
from {{ ref('fct_pd_record') }}
