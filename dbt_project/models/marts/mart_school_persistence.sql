-- In how many of the last years each procedure of a school was low.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id', 'method_code', 'procedure_code'], 'unique': true}]
) }}

with

method as (

    select
        year,
        method_code,
        method_title,
        parameters -> 'persistence_exams' as exams,
        cast(parameters ->> 'years' as integer) as years,
        cast(parameters ->> 'school_threshold_numerator' as integer) as threshold_numerator,
        cast(parameters ->> 'school_threshold_denominator' as integer) as threshold_denominator,
        cast(null as integer) as min_participants
    from {{ ref('int_method_in_year') }}
    where kind = 'municipality'

),

procedure as (

    select
        procedure_code,
        title_ru,
        exam
    from {{ ref('dim_procedure') }}

),

school as (

    select * from {{ ref('int_school_of_year') }}
    where has_results

)

select
    school.year,
    school.school_id,
    method.method_code,
    counts.procedure_code,
    max(method.method_title) as method_title,
    max(procedure.title_ru) as procedure_title,
    max(school.school_code) as school_code,
    max(school.school_name) as school_name,
    max(school.school_label) as school_label,
    max(school.municipality_code) as municipality_code,
    max(school.municipality_name) as municipality_name,
    max(school.school_kind) as school_kind,
    cast(count(*) as integer) as n_years_assessed,
    cast(count(*) filter (where {{ method_is_low('counts.n_below_min', 'counts.n_participants') }}) as integer)
        as n_years_low,
    cast(sum(counts.n_participants) as integer) as n_participants,
    cast(sum(counts.n_below_min) as integer) as n_below_min
from school
inner join method on school.year = method.year
inner join {{ ref('fct_school_procedure') }} as counts
    on
        school.school_id = counts.school_id
        and counts.year between school.year - method.years + 1 and school.year
inner join procedure
    on counts.procedure_code = procedure.procedure_code and method.exams ? procedure.exam
where counts.n_participants > 0 and counts.n_below_min is not null
group by school.year, school.school_id, method.method_code, counts.procedure_code
