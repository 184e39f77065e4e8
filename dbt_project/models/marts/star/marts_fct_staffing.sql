-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='fct_staffing', materialized='table') }}

select
    region_code,
    year,
    school_id,
    school_code,
    municipality_code,
    position,
    positions_planned,
    positions_filled,
    file_id,
    part_id,
    row_no
from {{ ref('fct_staffing') }}
