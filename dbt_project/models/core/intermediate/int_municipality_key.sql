{#-
    Spelling of a municipality → its identity: the code where a register gives one for that name, else the name
    itself.
-#}
{{ config(materialized='table') }}

with written as (
    select
        municipality_code,
        municipality,
        1 as priority
    from {{ ref('stg_municipality') }}
    union
    select
        municipality_code,
        municipality,
        2
    from {{ ref('int_school_version') }}
),

folded as (
    select
        municipality_code,
        municipality,
        priority,
        {{ fold_name('municipality') }} as name_folded
    from written
),

name_code as (
    select
        name_folded,
        min(municipality_code) as municipality_code
    from folded
    where municipality_code is not null and name_folded is not null
    group by name_folded
    having count(distinct municipality_code) = 1
),

identified as (
    select
        coalesce(folded.municipality_code, name_code.municipality_code) as municipality_code,
        folded.municipality,
        folded.name_folded,
        folded.priority
    from folded
    left join name_code
        on folded.name_folded = name_code.name_folded
    where folded.municipality_code is not null or folded.name_folded is not null
),

final as (
    select distinct
        coalesce('M' || municipality_code, 'N' || substr(md5(name_folded), 1, 10)) as municipality_id,
        municipality_code,
        municipality,
        name_folded,
        priority
    from identified
)

select * from final
