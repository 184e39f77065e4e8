-- Parts of indicators that consist of several: each post, each side of a monitoring, each kind of partner.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{
        'columns': [
            'programme_code', 'indicator_code', 'version', 'period', 'component', 'territory_kind', 'territory_code'
        ],
        'unique': true
    }]
) }}

with

value as (

    select * from {{ ref('fct_indicator_value') }}
    where {{ method_in_span('year') }} and component <> ''

)

select
    value.year,
    value.programme_code,
    programme.short_title as programme_title,
    value.indicator_code,
    {{ indicator_title('indicator') }} as indicator_title,
    value.version,
    value.period,
    {{ period_title('value.period') }} as period_title,
    value.component,
    value.territory_kind,
    value.territory_code,
    case when value.territory_kind = 'region' then programme.territory else territory.territory_name end
        as territory_name,
    territory.municipality_code,
    territory.municipality_name,
    territory.school_label,
    territory.school_kind,
    value.numerator,
    value.denominator,
    value.value,
    {{ told_part('value.numerator', 'value.denominator') }} as part_text,
    {{ told_value('value.value', 'indicator.unit') }} as value_text,
    value.completeness,
    value.calculation_id
from value
left join {{ ref('programme') }} as programme on value.programme_code = programme.programme_code
left join {{ ref('indicator') }} as indicator
    on
        value.programme_code = indicator.programme_code
        and value.indicator_code = indicator.indicator_code
        and value.version = coalesce(indicator.version, '')
left join {{ ref('int_territory') }} as territory
    on value.territory_kind = territory.territory_kind and value.territory_code = territory.territory_code
