-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='fct_plan_item', materialized='table') }}

select
    region_code,
    programme_code,
    item_code,
    stage,
    name,
    school_id,
    school_code,
    municipality_code,
    due_from,
    due_to,
    frequency,
    done_on,
    document,
    file_id,
    part_id,
    row_no
from {{ ref('fct_plan_item') }}
