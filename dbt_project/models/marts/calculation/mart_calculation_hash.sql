-- Fingerprints of the marts as each finished calculation left them.
{{ config(materialized='view') }}

select
    calculation_id,
    mart,
    n_rows,
    hash
from {{ source('ops', 'mart_hash') }}
