-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='fct_service', materialized='table') }}

select
    region_code,
    served_on,
    school_id,
    school_code,
    municipality_code,
    person_id,
    kind,
    programme_code,
    file_id,
    part_id,
    row_no
from {{ ref('fct_service') }}
