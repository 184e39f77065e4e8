-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='dim_municipality', materialized='table') }}

select
    region_code,
    municipality_id,
    municipality_code,
    municipality_name,
    oktmo,
    ate_code,
    ate_name
from {{ ref('dim_municipality') }}
