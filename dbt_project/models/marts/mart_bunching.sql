-- Works at the first score of each mark: how many there are, and how many a smooth distribution would put there.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'procedure_code', 'area_kind', 'area_id', 'boundary'], 'unique': true}]
) }}

with

bunching as (

    select * from {{ source('estimates', 'estimate_bunching') }}
    where {{ method_in_span('year') }}

),

procedure as (

    select * from {{ ref('procedure') }}

),

subject as (

    select
        short_code,
        title_ru
    from {{ ref('dim_subject') }}

),

municipality as (

    select * from {{ ref('dim_municipality') }}

),

school_of_year as (

    select * from {{ ref('int_school_of_year') }}

)

select
    bunching.year,
    bunching.procedure_code,
    procedure.title_ru as procedure_title,
    procedure.exam,
    subject.title_ru as subject_title,
    bunching.area_kind,
    bunching.area_id,
    coalesce(school_of_year.school_name, municipality.municipality_name) as area_name,
    coalesce(school_of_year.municipality_name, municipality.municipality_name) as municipality_name,
    coalesce(school_of_year.municipality_code, municipality.municipality_code) as municipality_code,
    school_of_year.school_label,
    school_of_year.school_kind,
    bunching.boundary,
    bunching.mark,
    coalesce(bunching.mark = procedure.min_mark, false) as is_minimum,
    bunching.window_from,
    bunching.window_to,
    bunching.n,
    bunching.n_at_boundary,
    bunching.n_below_boundary,
    bunching.n_upper as n_observed,
    bunching.expected_upper as n_expected,
    bunching.excess_n,
    bunching.excess_share,
    bunching.ci_low as excess_share_ci_low,
    bunching.ci_high as excess_share_ci_high,
    bunching.excess_ratio,
    bunching.share_below_min,
    bunching.share_below_min_corrected,
    bunching.corrected_ci_low as share_below_min_corrected_ci_low,
    bunching.corrected_ci_high as share_below_min_corrected_ci_high,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from bunching
left join procedure on bunching.procedure_code = procedure.procedure_code
left join subject on procedure.subject = subject.short_code
left join municipality
    on
        bunching.area_kind = 'municipality'
        and bunching.area_id = municipality.municipality_id
left join school_of_year
    on
        bunching.area_kind = 'school'
        and bunching.year = school_of_year.year
        and bunching.area_id = school_of_year.school_id
