-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='fct_membership', materialized='table') }}

select
    region_code,
    programme_code,
    school_id,
    school_code,
    municipality_code,
    role,
    basis,
    document,
    included_from,
    excluded_from,
    file_id,
    part_id,
    row_no
from {{ ref('fct_membership') }}
