-- One row a school and year: what every method says, side by side, with union and intersection.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id'], 'unique': true}]
) }}

with

identification as (

    select * from {{ ref('mart_identification') }}
    where {{ method_in_span('year') }}

),

method as (

    select
        method_code,
        method_version,
        kind
    from {{ ref('dim_method') }}

),

gathered as (

    select
        identification.year,
        identification.school_id,
        max(identification.school_code) as school_code,
        max(identification.login) as login,
        max(identification.school_name) as school_name,
        max(identification.municipality_name) as municipality_name,
        max(identification.school_label) as school_label,
        max(identification.municipality_code) as municipality_code,
        max(identification.school_kind) as school_kind,
        jsonb_object_agg(identification.method_code, identification.is_low_results) as verdicts,
        count(*) filter (where identification.is_low_results is not null) as n_methods,
        count(*) filter (where identification.is_low_results) as n_methods_low,
        coalesce(
            array_agg(identification.method_code order by identification.method_code collate "C")
            filter (where identification.is_low_results),
            '{}'
        ) as methods_low,
        string_agg(identification.method_title, '; ' order by identification.method_code collate "C")
        filter (where identification.is_low_results) as methods_low_title,
        coalesce(
            array_agg(identification.method_code order by identification.method_code collate "C")
            filter (where not identification.is_low_results),
            '{}'
        ) as methods_not_low,
        coalesce(
            array_agg(identification.method_code order by identification.method_code collate "C")
            filter (where identification.is_low_results is null),
            '{}'
        ) as methods_without_verdict
    from identification
    inner join method
        on identification.method_code = method.method_code and identification.method_version = method.method_version
    where method.kind <> 'context_share'
    group by identification.year, identification.school_id

),

context as (

    select
        year,
        school_id,
        is_adverse_context
    from {{ ref('int_verdict_context_share') }}
    where is_default

)

select
    gathered.year,
    gathered.school_id,
    gathered.school_code,
    gathered.login,
    gathered.school_name,
    gathered.municipality_name,
    gathered.school_label,
    gathered.municipality_code,
    gathered.school_kind,
    gathered.verdicts,
    cast(gathered.n_methods as integer) as n_methods,
    cast(gathered.n_methods_low as integer) as n_methods_low,
    gathered.methods_low,
    gathered.methods_low_title,
    gathered.methods_not_low,
    gathered.methods_without_verdict,
    case when gathered.n_methods > 0 then gathered.n_methods_low > 0 end as is_low_by_any,
    case when gathered.n_methods > 0 then gathered.n_methods_low = gathered.n_methods end as is_low_by_all,
    context.is_adverse_context,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from gathered
left join context
    on gathered.year = context.year and gathered.school_id = context.school_id
