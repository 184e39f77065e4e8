-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='fct_agreement', materialized='table') }}

select
    region_code,
    agreement_no,
    signed_on,
    valid_from,
    valid_to,
    school_id,
    school_code,
    municipality_code,
    partner_id,
    partner_code,
    partner_name,
    partner_kind,
    status,
    terminated_on,
    programme_code,
    file_id,
    part_id,
    row_no
from {{ ref('fct_agreement') }}
