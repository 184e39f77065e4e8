-- How many schools of the region and of each municipality have markers.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}"
) }}

with

marker as (

    select * from {{ source('estimates', 'estimate_marker') }}
    where {{ method_in_span('year') }} and is_flagged

),

procedure as (

    select
        procedure_code,
        exam
    from {{ ref('dim_procedure') }}

),

-- The kinds of procedures that markers of the year look at.
looked_at as (

    select distinct
        rule.valid_from_year,
        rule.valid_to_year,
        kind.exam
    from {{ ref('objectivity_marker') }} as rule
    cross join lateral jsonb_array_elements_text(cast(rule.exams as jsonb)) as kind (exam)

),

sat as (

    select distinct
        counts.year,
        counts.school_id
    from {{ ref('fct_school_procedure') }} as counts
    inner join procedure on counts.procedure_code = procedure.procedure_code
    inner join looked_at
        on
            procedure.exam = looked_at.exam
            and counts.year between looked_at.valid_from_year and coalesce(looked_at.valid_to_year, counts.year)
    where {{ method_in_span('counts.year') }} and counts.n_participants > 0

),

-- A marker of last year's work may stand where the school has no works this year.
listed as (

    select
        year,
        school_id
    from sat
    union
    select
        year,
        school_id
    from marker

),

school_of_year as (

    select * from {{ ref('int_school_of_year') }}

),

counted as (

    select
        listed.year,
        listed.school_id,
        school_of_year.municipality_id,
        school_of_year.municipality_code,
        school_of_year.municipality_name,
        count(marker.marker) as n_markers
    from listed
    left join school_of_year
        on
            listed.year = school_of_year.year
            and listed.school_id = school_of_year.school_id
    left join marker
        on
            listed.year = marker.year
            and listed.school_id = marker.school_id
    group by
        listed.year,
        listed.school_id,
        school_of_year.municipality_id,
        school_of_year.municipality_code,
        school_of_year.municipality_name

),

summed as (

    select
        year,
        case when grouping(municipality_id) = 1 then 'region' else 'municipality' end as area_kind,
        municipality_id,
        min(municipality_code) filter (where municipality_id is not null) as municipality_code,
        min(municipality_name) filter (where municipality_id is not null) as municipality_name,
        count(*) as n_schools,
        count(*) filter (where n_markers > 0) as n_schools_flagged,
        count(*) filter (where n_markers = 1) as n_schools_one,
        count(*) filter (where n_markers = 2) as n_schools_two,
        count(*) filter (where n_markers > 2) as n_schools_more,
        sum(n_markers) as n_markers
    from counted
    group by grouping sets ((year), (year, municipality_id))

),

by_marker as (

    select
        year,
        case when grouping(municipality_id) = 1 then 'region' else 'municipality' end as area_kind,
        municipality_id,
        marker,
        count(distinct school_id) as n_schools
    from (
        select
            marker.year,
            marker.school_id,
            marker.marker,
            counted.municipality_id
        from marker
        inner join counted
            on
                marker.year = counted.year
                and marker.school_id = counted.school_id
    ) as marker
    group by grouping sets ((year, marker), (year, municipality_id, marker))

),

marker_counts as (

    select
        year,
        area_kind,
        municipality_id,
        jsonb_object_agg(marker, n_schools) as n_schools_by_marker
    from by_marker
    group by year, area_kind, municipality_id

)

select
    summed.year,
    summed.area_kind,
    case when summed.area_kind = 'region' then '' else coalesce(summed.municipality_id, '?') end as municipality_id,
    case when summed.area_kind = 'municipality' then summed.municipality_code end as municipality_code,
    case when summed.area_kind = 'municipality' then summed.municipality_name end as municipality_name,
    cast(summed.n_schools as integer) as n_schools,
    cast(summed.n_schools_flagged as integer) as n_schools_flagged,
    cast(summed.n_schools_flagged as double precision) / nullif(summed.n_schools, 0) as share_flagged,
    cast(summed.n_schools_one as integer) as n_schools_one,
    cast(summed.n_schools_two as integer) as n_schools_two,
    cast(summed.n_schools_more as integer) as n_schools_more,
    cast(summed.n_markers as integer) as n_markers,
    coalesce(marker_counts.n_schools_by_marker, '{}') as n_schools_by_marker,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from summed
left join marker_counts
    on
        summed.year = marker_counts.year
        and summed.area_kind = marker_counts.area_kind
        and summed.municipality_id is not distinct from marker_counts.municipality_id
