-- Municipalities whose results lie below the region's, by every method of kind municipality.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'municipality_id', 'method_code'], 'unique': true}]
) }}

with

method as (

    select
        year,
        method_code,
        method_version,
        method_title,
        parameters -> 'groups' as groups,
        cast(parameters ->> 'years' as integer) as years,
        cast(parameters ->> 'min_years' as integer) as min_years,
        cast(parameters ->> 'min_procedures' as integer) as min_procedures,
        cast(parameters ->> 'is_default' as boolean) as is_default,
        interval_z
    from {{ ref('int_method_in_year') }}
    where kind = 'municipality'

),

listed as (

    select
        method.*,
        grouped.group_code,
        procedure.procedure_code
    from method
    cross join lateral jsonb_each(method.groups) as grouped (group_code, procedures)
    cross join lateral jsonb_array_elements_text(grouped.procedures) as procedure (procedure_code)

),

-- A subject with more than one procedure is called by all of them: either counts.
group_title as (

    select
        listed.year,
        listed.method_code,
        listed.group_code,
        string_agg(
            coalesce(procedure.title_ru, listed.procedure_code),
            ' или ' order by listed.procedure_code collate "C"
        ) as title
    from listed
    left join {{ ref('dim_procedure') }} as procedure on listed.procedure_code = procedure.procedure_code
    group by listed.year, listed.method_code, listed.group_code

),

region as (

    select
        year,
        procedure_code,
        sum(n_participants) as n_participants,
        sum(n_below_min) as n_below_min
    from {{ ref('fct_school_procedure') }}
    where n_participants > 0 and n_below_min is not null
    group by year, procedure_code

),

result as (

    select
        listed.year,
        listed.method_code,
        listed.method_version,
        listed.method_title,
        listed.min_years,
        listed.min_procedures,
        listed.is_default,
        listed.group_code,
        municipal.municipality_id,
        municipal.municipality_code,
        municipal.municipality_name,
        municipal.year as exam_year,
        {{ wilson_low('municipal.n_below_min', 'municipal.n_participants', 'listed.interval_z') }}
        > cast(region.n_below_min as double precision) / region.n_participants as is_low
    from listed
    inner join {{ ref('int_municipality_procedure') }} as municipal
        on
            listed.procedure_code = municipal.procedure_code
            and municipal.year between listed.year - listed.years + 1 and listed.year
    inner join region
        on municipal.year = region.year and municipal.procedure_code = region.procedure_code

),

of_group_year as (

    select
        year,
        method_code,
        method_version,
        min_years,
        min_procedures,
        is_default,
        group_code,
        municipality_id,
        exam_year,
        max(method_title) as method_title,
        max(municipality_code) as municipality_code,
        max(municipality_name) as municipality_name,
        bool_or(is_low) as is_low
    from result
    group by
        year,
        method_code,
        method_version,
        min_years,
        min_procedures,
        is_default,
        group_code,
        municipality_id,
        exam_year

),

of_group as (

    select
        year,
        method_code,
        method_version,
        min_years,
        min_procedures,
        is_default,
        group_code,
        municipality_id,
        max(method_title) as method_title,
        max(municipality_code) as municipality_code,
        max(municipality_name) as municipality_name,
        count(*) as n_years,
        count(*) filter (where is_low) as n_years_low
    from of_group_year
    group by year, method_code, method_version, min_years, min_procedures, is_default, group_code, municipality_id

)

-- Too few years to be low in enough of them: no verdict from that subject; too few subjects: no verdict at all.
select
    of_group.year,
    of_group.municipality_id,
    max(of_group.municipality_code) as municipality_code,
    max(of_group.municipality_name) as municipality_name,
    of_group.method_code,
    max(of_group.method_title) as method_title,
    of_group.method_version,
    of_group.is_default,
    case
        when count(*) filter (where of_group.n_years_low >= of_group.min_years) >= of_group.min_procedures then true
        when count(*) filter (where of_group.n_years >= of_group.min_years) >= of_group.min_procedures then false
    end as is_low_municipality,
    cast(count(*) filter (where of_group.n_years >= of_group.min_years) as integer) as n_subjects_assessed,
    cast(count(*) filter (where of_group.n_years_low >= of_group.min_years) as integer) as n_subjects_low,
    coalesce(
        array_agg(of_group.group_code order by of_group.group_code collate "C")
        filter (where of_group.n_years_low >= of_group.min_years),
        '{}'
    ) as subjects_low,
    string_agg(
        group_title.title, '; ' order by of_group.group_code collate "C"
    ) filter (where of_group.n_years_low >= of_group.min_years) as subjects_low_title,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from of_group
left join group_title
    on
        of_group.year = group_title.year
        and of_group.method_code = group_title.method_code
        and of_group.group_code = group_title.group_code
group by
    of_group.year,
    of_group.municipality_id,
    of_group.method_code,
    of_group.method_version,
    of_group.is_default,
    of_group.min_procedures
