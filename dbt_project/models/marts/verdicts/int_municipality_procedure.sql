-- Results of a municipality in a procedure, over its pupils (not over its schools).
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'municipality_id', 'procedure_code'], 'unique': true}]
) }}

with

counts as (

    select * from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }} and n_participants > 0 and n_below_min is not null

),

school as (

    select * from {{ ref('int_school_of_year') }}
    where municipality_id is not null

)

select
    counts.year,
    school.municipality_id,
    counts.procedure_code,
    max(school.municipality_code) as municipality_code,
    max(school.municipality_name) as municipality_name,
    count(*) as n_schools,
    sum(counts.n_participants) as n_participants,
    sum(counts.n_below_min) as n_below_min,
    sum(cast(counts.n_participants as numeric) * cast(counts.mean_score as numeric))
    / nullif(sum(counts.n_participants) filter (where counts.mean_score is not null), 0) as mean_score
from counts
inner join school on counts.year = school.year and counts.school_id = school.school_id
group by counts.year, school.municipality_id, counts.procedure_code
