-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='fct_event', materialized='table') }}

select
    region_code,
    event_code,
    held_on,
    level,
    kind,
    topic,
    organiser,
    programme_code,
    file_id,
    part_id,
    row_no
from {{ ref('fct_event') }}
