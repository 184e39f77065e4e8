-- Every calculation, what it rested on and how it ended. A view: it also tells of the calculation that runs now.
{{ config(materialized='view') }}

with

calculation as (

    select * from {{ source('ops', 'calculation') }}

),

publication as (

    select distinct calculation_id from {{ source('ops', 'publication') }}
    where superseded_by is null

),

files as (

    select
        input.calculation_id,
        count(distinct part.file_id) as n_files
    from {{ source('ops', 'calculation_input') }} as input
    inner join {{ source('ops', 'source_part') }} as part on input.part_id = part.part_id
    group by input.calculation_id

)

select
    calculation.calculation_id,
    calculation.year,
    calculation.years,
    calculation.status,
    calculation.code_version,
    calculation.seeds_hash,
    calculation.inputs_hash,
    calculation.parameters,
    cast(coalesce(files.n_files, 0) as integer) as n_files,
    calculation.started_at,
    calculation.finished_at,
    calculation.message,
    publication.calculation_id is not null as is_published
from calculation
left join publication on calculation.calculation_id = publication.calculation_id
left join files on calculation.calculation_id = files.calculation_id
