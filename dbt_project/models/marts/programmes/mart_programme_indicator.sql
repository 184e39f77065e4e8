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

school as (

    select
        coalesce(school_code, login, school_id) as school_code,
        min(coalesce(short_name, name)) as school_name
    from {{ ref('dim_school') }}
    where is_current
    group by coalesce(school_code, login, school_id)

),

municipality as (

    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipality') }}
    where municipality_code is not null

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
    case value.territory_kind
        when 'school' then school.school_name
        when 'municipality' then municipality.municipality_name
        else programme.territory
    end as territory_name,
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
left join school on value.territory_kind = 'school' and value.territory_code = school.school_code
left join municipality
    on value.territory_kind = 'municipality' and value.territory_code = municipality.municipality_code
