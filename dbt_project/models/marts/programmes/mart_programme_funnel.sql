-- From all schools of the region to those that have moved to the effective mode, by programme and year.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['programme_code', 'year'], 'unique': true}]
) }}

with

school as (

    select
        school.*,
        coalesce(partnered.is_covered, false) as is_partnered,
        coalesce(trained.is_complete, false) as is_trained
    from {{ ref('int_programme_school') }} as school
    left join {{ ref('mart_partnership_school') }} as partnered
        on
            school.programme_code = partnered.programme_code
            and school.year = partnered.year
            and school.school_id = partnered.school_id
    left join {{ ref('mart_pd_completion') }} as trained
        on
            school.programme_code = trained.programme_code
            and school.year = trained.year
            and school.school_id = trained.school_id
    where school.period_kind = 'year'

),

method as (

    select
        method_code,
        max(coalesce(label_ru, title_ru)) as method_title
    from {{ ref('dim_method') }}
    group by method_code

)

select
    school.programme_code,
    max(programme.short_title) as programme_title,
    {{ programme_years('programme', 'max') }} as programme_years,
    school.year,
    cast(count(*) filter (where 'all' = any(sets)) as integer) as n_all,
    -- A year without verdicts has identified nobody yet; that is not nought.
    case when bool_or(has_list) then cast(count(*) filter (where sets @> array['all', 'analysed']) as integer) end
        as n_analysed,
    case when bool_or(has_list) then cast(count(*) filter (where 'identified' = any(sets)) as integer) end
        as n_identified,
    cast(count(*) filter (where is_member) as integer) as n_included,
    case
        when bool_or(has_list)
            then cast(count(*) filter (where is_member and 'identified' = any(sets)) as integer)
    end as n_included_identified,
    cast(count(*) filter (where is_member and is_partnered) as integer) as n_partnered,
    cast(count(*) filter (where is_member and is_trained) as integer) as n_trained,
    case when bool_or(has_list) then cast(count(*) filter (where is_member and 'moved' = any(sets)) as integer) end
        as n_moved,
    cast(count(*) filter (where is_member and 'declared_moved' = any(sets)) as integer) as n_declared,
    max(school.method_code) as method_code,
    max(method.method_title) as method_title,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from school
inner join {{ ref('programme') }} as programme on school.programme_code = programme.programme_code
left join method on school.method_code = method.method_code
group by school.programme_code, school.year
