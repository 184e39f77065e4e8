-- Markers of results that are worth looking at together with the school.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id', 'procedure_code', 'marker'], 'unique': true}]
) }}

with

marker as (

    select * from {{ source('estimates', 'estimate_marker') }}
    where {{ method_in_span('year') }}

),

rule as (

    select * from {{ ref('objectivity_marker') }}

),

-- Flagged markers of the school and year: all of them, and different ones.
flagged as (

    select
        year,
        school_id,
        count(*) filter (where is_flagged) as n_markers,
        count(distinct marker) filter (where is_flagged) as n_marker_kinds
    from marker
    group by year, school_id

),

procedure as (

    select
        procedure.procedure_code,
        procedure.title_ru,
        procedure.exam,
        subject.title_ru as subject_title
    from {{ ref('dim_procedure') }} as procedure
    left join {{ ref('dim_subject') }} as subject on procedure.subject = subject.short_code

),

school_of_year as (

    select * from {{ ref('int_school_of_year') }}

)

select
    marker.year,
    marker.school_id,
    school_of_year.school_code,
    school_of_year.login,
    school_of_year.school_name,
    school_of_year.municipality_name,
    school_of_year.school_label,
    school_of_year.municipality_code,
    school_of_year.school_kind,
    marker.procedure_code,
    procedure.title_ru as procedure_title,
    procedure.exam,
    procedure.subject_title,
    marker.marker,
    rule.title_ru as marker_title,
    marker.value,
    marker.threshold,
    marker.n,
    marker.p_value,
    marker.q_value,
    marker.is_flagged,
    marker.details,
    cast(flagged.n_markers as integer) as n_markers,
    cast(flagged.n_marker_kinds as integer) as n_marker_kinds,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from marker
inner join flagged
    on
        marker.year = flagged.year
        and marker.school_id = flagged.school_id
left join school_of_year
    on
        marker.year = school_of_year.year
        and marker.school_id = school_of_year.school_id
left join procedure on marker.procedure_code = procedure.procedure_code
left join rule
    on
        marker.marker = rule.marker
        and marker.year between rule.valid_from_year and coalesce(rule.valid_to_year, marker.year)
