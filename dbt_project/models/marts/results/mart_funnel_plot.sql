-- Where each school's share stands in the funnel around the region's, which is wide for few participants.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'procedure_code', 'school_id'], 'unique': true}]
) }}

with

result as (

    select * from {{ ref('mart_school_result') }}
    where {{ method_in_span('year') }} and n_below_min is not null

),

parameter as (

    select
        inner_z,
        outer_z
    from {{ ref('interval_parameter') }}

),

limited as (

    select
        result.*,
        {{ funnel_bound('result.regional_share', 'result.n_participants', 'parameter.inner_z', -1) }} as low_95,
        {{ funnel_bound('result.regional_share', 'result.n_participants', 'parameter.inner_z', 1) }} as high_95,
        {{ funnel_bound('result.regional_share', 'result.n_participants', 'parameter.outer_z', -1) }} as low_998,
        {{ funnel_bound('result.regional_share', 'result.n_participants', 'parameter.outer_z', 1) }} as high_998
    from result
    cross join parameter

),

placed as (

    select
        limited.*,
        case
            when share_below_min > high_998 then 'above_998'
            when share_below_min > high_95 then 'above_95'
            when share_below_min < low_998 then 'below_998'
            when share_below_min < low_95 then 'below_95'
            else 'within'
        end as position
    from limited

)

select
    year,
    school_id,
    school_code,
    school_name,
    school_label,
    municipality_code,
    municipality_name,
    school_kind,
    procedure_code,
    procedure_title,
    exam,
    subject.title_ru as subject_title,
    n_participants,
    n_below_min,
    share_below_min,
    regional_share,
    low_95,
    high_95,
    low_998,
    high_998,
    position,
    case position
        when 'above_998' then 'хуже региона, далеко за границами'
        when 'above_95' then 'хуже региона'
        when 'below_95' then 'лучше региона'
        when 'below_998' then 'лучше региона, далеко за границами'
        else 'как регион'
    end as position_title,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from placed
left join {{ ref('dim_subject') }} as subject on placed.subject = subject.short_code
