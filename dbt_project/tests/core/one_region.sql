-- What is this: files of another region than the one that the facts name (variable region_code).
-- When is it important: always. Codes of schools of two regions are alike, so their results would mix.
-- How to resolve: each region has a warehouse of its own; a wrong code is mended by `ravenstvo region set`, and dbt
-- that is started by hand is given --vars '{"region_code": "…"}'.
select
    fact.region_code,
    file.region_code as region_of_file
from (select distinct region_code from {{ ref('fct_school_procedure') }}) as fact
inner join {{ source('ops', 'source_file') }} as file
    on fact.region_code <> file.region_code
