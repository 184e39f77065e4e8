{#- One pass over the results of all years: which schools, subjects, grades and works they name, as written. -#}
{{ config(materialized='table', pre_hook="{{ analyze_landing() }}") }}

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
