-- The map as it is drawn: each municipality's row of the year with its outline.
-- A view, so that outlines loaded after the calculation are there at once.
{{ config(materialized='view') }}

select
    map.year,
    map.municipality_id,
    map.municipality_code,
    map.municipality_name,
    map.method_code,
    map.method_title,
    map.n_schools,
    map.n_schools_judged,
    map.n_low,
    map.share_low,
    map.share_low_ci_low,
    map.share_low_ci_high,
    map.n_results,
    map.share_below_min,
    map.ci_low,
    map.ci_high,
    map.regional_share,
    map.gap,
    case
        when map.ci_low > map.regional_share then 'above'
        when map.ci_high < map.regional_share then 'below'
        when map.ci_low is not null and map.regional_share is not null then 'within'
    end as regional_position,
    shape.outline,
    shape.label_x,
    shape.label_y,
    shape.view_width,
    shape.view_height
from {{ ref('mart_municipality_map') }} as map
left join {{ source('ops', 'municipality_shape') }} as shape on map.municipality_id = shape.municipality_id
