-- The funnel as it is drawn: each school's point and the areas within the limits.
{{ config(materialized='view') }}

{%- set size = 100 %}

with

point as (

    select * from {{ ref('mart_funnel_plot') }}

),

-- The axes end at the largest school and above the highest share, the same whatever is filtered.
axis as (

    select
        year,
        procedure_code,
        max(n_participants) as axis_n,
        ceil(20 * greatest(max(share_below_min), 0.01)) / 20.0 as axis_share
    from point
    group by year, procedure_code

),

corner as (

    select
        line.year,
        line.procedure_code,
        line.n_participants,
        round(cast({{ size }} * line.n_participants / cast(axis.axis_n as double precision) as numeric), 2) as x,
        round(cast({{ size }} * (1 - line.low_95 / axis.axis_share) as numeric), 2) as low_95_y,
        round(cast({{ size }} * (1 - line.high_95 / axis.axis_share) as numeric), 2) as high_95_y,
        round(cast({{ size }} * (1 - line.low_998 / axis.axis_share) as numeric), 2) as low_998_y,
        round(cast({{ size }} * (1 - line.high_998 / axis.axis_share) as numeric), 2) as high_998_y
    from {{ ref('mart_funnel_limit') }} as line
    inner join axis on line.year = axis.year and line.procedure_code = axis.procedure_code

),

area as (

    select
        year,
        procedure_code,
        'M' || string_agg(x || ',' || high_95_y, 'L' order by n_participants)
        || 'L' || string_agg(x || ',' || low_95_y, 'L' order by n_participants desc) || 'Z' as area_95,
        'M' || string_agg(x || ',' || high_998_y, 'L' order by n_participants)
        || 'L' || string_agg(x || ',' || low_998_y, 'L' order by n_participants desc) || 'Z' as area_998
    from corner
    group by year, procedure_code

),

-- One row of each kind of school in each municipality carries the areas: they are there whatever is filtered.
numbered as (

    select
        point.*,
        row_number() over (
            partition by point.year, point.procedure_code, point.municipality_name, point.school_kind
            order by point.school_id
        ) as place
    from point

)

select
    numbered.year,
    numbered.school_id,
    numbered.school_code,
    numbered.school_name,
    numbered.school_label,
    numbered.municipality_code,
    numbered.municipality_name,
    numbered.school_kind,
    numbered.procedure_code,
    numbered.procedure_title,
    numbered.exam,
    numbered.subject_title,
    numbered.n_participants,
    numbered.n_below_min,
    numbered.share_below_min,
    numbered.position,
    numbered.position_title,
    cast({{ size }} * numbered.n_participants / cast(axis.axis_n as double precision) as double precision) as point_x,
    cast({{ size }} * (1 - numbered.share_below_min / axis.axis_share) as double precision) as point_y,
    cast({{ size }} * (1 - numbered.regional_share / axis.axis_share) as double precision) as region_y,
    cast(100 * numbered.share_below_min as double precision) as point_percent,
    cast(100 * numbered.regional_share as double precision) as region_percent,
    axis.axis_n,
    cast(100 * axis.axis_share as double precision) as axis_percent,
    case when numbered.place = 1 then area.area_95 end as area_95,
    case when numbered.place = 1 then area.area_998 end as area_998
from numbered
inner join axis on numbered.year = axis.year and numbered.procedure_code = axis.procedure_code
left join area on numbered.year = area.year and numbered.procedure_code = area.procedure_code
