-- Spreadsheets drop the zeros that a code begins with; where only one municipality is left, that is the one.
{{ config(materialized='view') }}

select
    ltrim(municipality_code, '0') as code_folded,
    min(municipality_code) as municipality_code
from {{ ref('dim_municipality') }}
where municipality_code is not null
group by ltrim(municipality_code, '0')
having count(distinct municipality_code) = 1
