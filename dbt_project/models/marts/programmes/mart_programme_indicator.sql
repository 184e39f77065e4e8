-- The indicators as people read them: with title, quote, territory and status.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook=["{{ method_clear_span() }}", "{{ join_by_hash() }}"],
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

),

source_title as (

    {{ source_titles() }}

),

-- One of several sources is enough where a bar stands between them.
missing as (

    select
        asked.missing_sources,
        string_agg(asked.titles, '; ' order by asked.place) as missing_titles
    from (
        select
            lacking.missing_sources,
            whole.place,
            string_agg(coalesce(source_title.source_title, one.source), ' или ' order by one.place) as titles
        from (select distinct missing_sources from value) as lacking
        cross join lateral unnest(lacking.missing_sources) with ordinality as whole (sources, place)
        cross join lateral unnest(string_to_array(whole.sources, '|')) with ordinality as one (source, place)
        left join source_title on one.source = source_title.source
        group by lacking.missing_sources, whole.place
    ) as asked
    group by asked.missing_sources

),

-- What the same indicator was in each year up to the row's, and where that lies between the ends of its scale.
earlier as (

    select
        value.programme_code,
        value.indicator_code,
        value.version,
        value.territory_kind,
        value.territory_code,
        value.year,
        before.year as year_before,
        before.value as value_before,
        least(min(before.value) over indicator_of_territory, 0) as low,
        greatest(
            max(before.value) over indicator_of_territory,
            case when indicator.unit in ('доля', 'да/нет') then 1 else 0 end
        ) as high
    from (
        select distinct
            programme_code,
            indicator_code,
            version,
            territory_kind,
            territory_code,
            year
        from value
    ) as value
    inner join {{ ref('fct_indicator_value') }} as before
        on
            value.programme_code = before.programme_code
            and value.indicator_code = before.indicator_code
            and value.version = before.version
            and value.territory_kind = before.territory_kind
            and value.territory_code = before.territory_code
            and value.year >= before.year
    inner join {{ ref('indicator') }} as indicator
        on
            value.programme_code = indicator.programme_code
            and value.indicator_code = indicator.indicator_code
            and value.version = coalesce(indicator.version, '')
    where before.component = '' and before.period_kind = 'year' and before.value is not null
    window
        indicator_of_territory as (
            partition by
                value.programme_code,
                value.indicator_code,
                value.version,
                value.territory_kind,
                value.territory_code,
                value.year
        )

),

trend as (

    select
        programme_code,
        indicator_code,
        version,
        territory_kind,
        territory_code,
        year,
        jsonb_agg(
            jsonb_build_object(
                'year', year_before,
                'value', round(cast(value_before as numeric), 4),
                'place', coalesce(round(cast((value_before - low) / nullif(high - low, 0) as numeric), 3), 0)
            )
            order by year_before
        ) as trend
    from earlier
    group by programme_code, indicator_code, version, territory_kind, territory_code, year

)

select
    value.year,
    value.programme_code,
    programme.short_title as programme_title,
    {{ programme_years('programme') }} as programme_years,
    value.year between programme.year_from and programme.year_to as is_programme_year,
    value.indicator_code,
    value.version,
    indicator.section,
    indicator.title,
    {{ indicator_title('indicator') }} as indicator_title,
    indicator.quote,
    indicator.quote_source,
    indicator.unit,
    value.period,
    {{ period_title('value.period') }} as period_title,
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
    {{ told_part('value.numerator', 'value.denominator') }} as part_text,
    {{ told_value('value.value', 'indicator.unit') }} as value_text,
    {{ told_value('value.target', 'indicator.unit') }} as target_text,
    coalesce(trend.trend, '[]') as trend,
    value.status,
    value.completeness,
    value.missing_sources,
    missing.missing_titles,
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
left join missing on value.missing_sources = missing.missing_sources
left join trend
    on
        value.programme_code = trend.programme_code
        and value.indicator_code = trend.indicator_code
        and value.version = trend.version
        and value.territory_kind = trend.territory_kind
        and value.territory_code = trend.territory_code
        and value.year = trend.year
