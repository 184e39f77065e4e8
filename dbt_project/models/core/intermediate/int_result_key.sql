{#- Schools, subjects, grades and works that the results name, as written: one pass over those of the years at hand. -#}
{{ config(
    materialized=kept_by_year(),
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook=["{{ analyze_landing() }}", "{{ clear_of_years() }}"]
) }}

with vpr as (
    select
        'vpr' as exam,
        year,
        cast(null as {{ text_type() }}) as school_code,
        school_login,
        max(municipality) as municipality,
        max(school_name) as school_name,
        cast(null as integer) as subject_code,
        subject,
        grade,
        cast(null as {{ text_type() }}) as monitoring
    from {{ ref('stg_vpr_result') }}
    where {{ of_years('year') }} and {{ in_parts('part_id') }}
    group by year, school_login, subject, grade
),

vpr_summary as (
    select distinct
        'vpr' as exam,
        year,
        cast(null as {{ text_type() }}) as school_code,
        school_login,
        municipality,
        school_name,
        cast(null as integer) as subject_code,
        subject,
        grade,
        cast(null as {{ text_type() }}) as monitoring
    from {{ ref('stg_vpr_school_summary') }}
    where {{ of_years('year') }} and {{ in_parts('part_id') }}
),

ege as (
    select distinct
        'ege' as exam,
        year,
        school_code,
        cast(null as {{ text_type() }}) as school_login,
        cast(null as {{ text_type() }}) as municipality,
        cast(null as {{ text_type() }}) as school_name,
        subject_code,
        subject,
        cast(null as integer) as grade,
        cast(null as {{ text_type() }}) as monitoring
    from {{ ref('stg_ege_result') }}
    where {{ of_years('year') }} and {{ in_parts('part_id') }}
),

oge as (
    select distinct
        'oge' as exam,
        year,
        school_code,
        cast(null as {{ text_type() }}) as school_login,
        cast(null as {{ text_type() }}) as municipality,
        cast(null as {{ text_type() }}) as school_name,
        subject_code,
        subject,
        cast(null as integer) as grade,
        cast(null as {{ text_type() }}) as monitoring
    from {{ ref('stg_oge_result') }}
    where {{ of_years('year') }} and {{ in_parts('part_id') }}
),

appeal as (
    select distinct
        exam,
        year,
        cast(null as {{ text_type() }}) as school_code,
        cast(null as {{ text_type() }}) as school_login,
        cast(null as {{ text_type() }}) as municipality,
        cast(null as {{ text_type() }}) as school_name,
        subject_code,
        subject,
        cast(null as integer) as grade,
        cast(null as {{ text_type() }}) as monitoring
    from {{ ref('stg_appeal') }}
    where {{ of_years('year') }} and {{ in_parts('part_id') }}
),

ege_summary as (
    select distinct
        'ege' as exam,
        year,
        cast(null as {{ text_type() }}) as school_code,
        cast(null as {{ text_type() }}) as school_login,
        municipality,
        school_name,
        cast(null as integer) as subject_code,
        subject,
        cast(null as integer) as grade,
        cast(null as {{ text_type() }}) as monitoring
    from {{ ref('stg_ege_school_summary') }}
    where {{ of_years('year') }} and {{ in_parts('part_id') }}
),

monitoring as (
    select distinct
        'rm' as exam,
        year,
        school_code,
        cast(null as {{ text_type() }}) as school_login,
        cast(null as {{ text_type() }}) as municipality,
        cast(null as {{ text_type() }}) as school_name,
        cast(null as integer) as subject_code,
        subject,
        grade,
        monitoring
    from {{ ref('stg_regional_monitoring') }}
    where {{ of_years('year') }} and {{ in_parts('part_id') }}
),

final as (
    select * from vpr
    union all
    select * from vpr_summary
    union all
    select * from ege
    union all
    select * from oge
    union all
    select * from appeal
    union all
    select * from ege_summary
    union all
    select * from monitoring
)

select * from final
