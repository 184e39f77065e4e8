-- The indicators as people read them: with title, quote, territory and status.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    post_hook='analyze {{ this }}',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{
        'columns': ['programme_code', 'indicator_code', 'version', 'period', 'territory_kind', 'territory_code'],
        'unique': true
    }]
) }}

with

value as (

    select * from {{ ref('fct_indicator_value') }}
    where {{ method_in_span('year') }} and component = ''

),

territory as (

    select * from {{ ref('int_territory') }}

)

select
    value.year,
    value.programme_code,
    programme.short_title as programme_title,
    value.indicator_code,
    value.version,
    indicator.section,
    indicator.title,
    indicator.quote,
    indicator.quote_source,
    indicator.unit,
    value.period,
    value.period_kind,
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
    value.target,
    value.comparator,
    value.status,
    value.completeness,
    value.missing_sources,
    indicator.formula,
    indicator.reading,
    value.calculation_id
from value
inner join {{ ref('indicator') }} as indicator
    on
        value.programme_code = indicator.programme_code
        and value.indicator_code = indicator.indicator_code
        and value.version = coalesce(indicator.version, '')
inner join {{ ref('programme') }} as programme on value.programme_code = programme.programme_code
left join territory
    on value.territory_kind = territory.territory_kind and value.territory_code = territory.territory_code
