-- Every indicator in every period and territory: numerator, denominator, value, and whether it is met.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{
        'columns': [
            'year', 'programme_code', 'indicator_code', 'version', 'period', 'component', 'territory_kind',
            'territory_code'
        ],
        'unique': true
    }]
) }}

{% set told = measure_key() ~ ', period_kind, component, territory_kind, territory_code, denominator, target, '
    ~ 'comparator, n_needed, n_received, missing_sources' %}

with

asked as (

    select
        {{ measure_key('asked') }},
        asked.period_kind,
        asked.measure,
        asked.parameters,
        indicator.unit,
        indicator.target,
        indicator.comparator,
        coalesce(completeness.n_needed, 0) as n_needed,
        coalesce(completeness.n_received, 0) as n_received,
        coalesce(completeness.is_clean, true) as is_clean,
        completeness.missing as missing_sources,
        -- Scored in the programme's own years, not before the term and not after the last year that the text names.
        indicator.target is not null
        and asked.is_scored
        and coalesce(asked.year <= indicator.scored_to, true)
        and coalesce(asked.year >= extract(year from asked.due_to), true) as is_scored
    from {{ ref('int_indicator_period') }} as asked
    inner join {{ ref('indicator') }} as indicator
        on
            asked.programme_code = indicator.programme_code
            and asked.indicator_code = indicator.indicator_code
            and asked.version = coalesce(indicator.version, '')
    left join {{ ref('int_indicator_completeness') }} as completeness
        on {{ same_measure('asked', 'completeness') }}

),

measured as (
{% for measure in [
    'member_share', 'school_set', 'person_share', 'fact_count', 'seminar', 'municipality', 'frequency', 'plan_share',
    'change', 'exam', 'context', 'deficit'
] %}
        select
            {{ measure_key() }},
            component,
            territory_kind,
            territory_code,
            numerator,
            denominator,
            value
        from {{ ref('int_measure_' ~ measure) }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}

),

-- Indicators of which nothing could be measured have a row too: the region's, without data.
known as (

    select
        asked.*,
        coalesce(measured.component, '') as component,
        coalesce(measured.territory_kind, 'region') as territory_kind,
        coalesce(measured.territory_code, 'region') as territory_code,
        measured.numerator,
        measured.denominator,
        measured.value
    from asked
    left join measured
        on
            {{ same_measure('asked', 'measured') }}
            -- A school or municipality without a code has nowhere to be shown apart.
            and measured.territory_code <> ''
    where asked.measure not in ('quality', 'group')

),

judged as (

    select
        known.*,
        n_received < n_needed as is_incomplete,
        -- A share of the whole is wanted of each of its parts; any other target, also «at least one», is the region's.
        is_scored and (territory_kind = 'region' or (target = 1 and denominator is not null)) as is_scored_here,
        -- In whole numbers, so that 49 of 100 is 49 %.
        case when denominator > 0 and value = numerator / denominator then numerator else value end as left_side,
        case when denominator > 0 and value = numerator / denominator then target * denominator else target end
            as right_side
    from known

),

with_status as (

    select
        judged.*,
        case
            when is_incomplete then 'no_data'
            when denominator = 0 then 'not_applicable'
            when value is null then 'no_data'
            when version <> '' then 'ambiguous'
            when not is_scored_here then 'tracked'
            when
                case comparator
                    when '>=' then left_side >= right_side
                    when '<=' then left_side <= right_side
                    when '>' then left_side > right_side
                    when '<' then left_side < right_side
                    when '=' then left_side = right_side
                end
                then 'met'
            else 'not_met'
        end as status
    from judged

),

-- Indicators about the other indicators of the same programme and period.
about_others as (

    select
        asked.*,
        '' as component,
        'region' as territory_kind,
        'region' as territory_code,
        cast(
            count(*) filter (
                where
                case asked.measure
                    when 'group' then other.status = 'met' else not other.is_incomplete and other.is_clean
                end
            ) as numeric
        ) as numerator,
        cast(
            count(*) filter (
                where case asked.measure when 'group' then other.status in ('met', 'not_met') else true end
            ) as numeric
        ) as denominator
    from asked
    inner join with_status as other
        on
            asked.programme_code = other.programme_code
            and asked.period = other.period
            and other.territory_kind = 'region'
            and other.component = ''
            and (asked.measure = 'quality' or asked.parameters -> 'indicators' ? other.indicator_code)
    where asked.measure in ('quality', 'group')
    group by
        {{ measure_key('asked') }}, asked.period_kind, asked.measure, asked.parameters, asked.unit, asked.target,
        asked.comparator, asked.n_needed, asked.n_received, asked.is_clean, asked.missing_sources, asked.is_scored

),

final as (

    select
        {{ told }},
        -- What a register would have said is not known while it has not come.
        case when not is_incomplete then numerator end as numerator,
        case when not is_incomplete then value end as value,
        status
    from with_status
    union all
    select
        {{ told }},
        numerator,
        numerator / nullif(denominator, 0),
        case when denominator = 0 then 'not_applicable' else 'tracked' end
    from about_others

)

select
    {{ region_code() }} as region_code,
    year,
    programme_code,
    indicator_code,
    version,
    period,
    period_kind,
    component,
    territory_kind,
    territory_code,
    numerator,
    denominator,
    cast(round(value, 12) as double precision) as value,
    target,
    comparator,
    status,
    case when n_needed = 0 then 1 else cast(n_received as double precision) / n_needed end as completeness,
    n_needed as n_sources_needed,
    n_received as n_sources_received,
    missing_sources,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from final
