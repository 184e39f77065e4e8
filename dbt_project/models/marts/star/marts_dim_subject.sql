-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='dim_subject', materialized='table') }}

select
    short_code,
    title_ru,
    sort_order
from {{ ref('dim_subject') }}
