-- How many different things were done, whether any, and which share of what was planned.
with

asked as (

    select
        *,
        coalesce(parameters ->> 'distinct', 'object') as distinct_of
    from {{ ref('int_indicator_period') }}
    where measure in ('fact_count', 'fact_share', 'milestone')

),

fact as (

    select
        fact.*,
        case asked.distinct_of
            -- Without a number of their own (СНИЛС is not always known) people cannot be told apart: each row is one.
            when 'person' then coalesce(fact.person_id, fact.part_id || ':' || fact.row_no)
            when 'pair' then fact.school_id || '|' || coalesce(fact.partner_id, fact.object_key)
            when 'kind' then fact.kind
            when 'subprogramme' then fact.subprogramme
            when 'row' then fact.part_id || ':' || fact.row_no
            else fact.object_key
        end as counted_key
    from {{ ref('int_indicator_fact') }} as fact
    inner join asked
        on
            fact.programme_code = asked.programme_code
            and fact.indicator_code = asked.indicator_code
            and fact.version = asked.version
            and fact.period = asked.period

),

found as (

    select
        {{ measure_key() }},
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        cast(count(distinct counted_key) filter (where role = 'numerator') as numeric) as n_done,
        cast(count(distinct counted_key) filter (where role = 'denominator') as numeric) as n_planned
    from fact
    group by {{ territory_sets(measure_key()) }}

)

select
    asked.year,
    asked.programme_code,
    asked.indicator_code,
    asked.version,
    asked.period,
    '' as component,
    coalesce(found.territory_kind, 'region') as territory_kind,
    coalesce(found.territory_code, 'region') as territory_code,
    case asked.measure when 'milestone' then least(coalesce(found.n_done, 0), 1) else coalesce(found.n_done, 0) end
        as numerator,
    case asked.measure when 'milestone' then 1 when 'fact_share' then coalesce(found.n_planned, 0) end as denominator,
    case asked.measure
        when 'milestone' then least(coalesce(found.n_done, 0), 1)
        when 'fact_share' then found.n_done / nullif(found.n_planned, 0)
        else coalesce(found.n_done, 0)
    end as value
from asked
left join found
    on
        asked.programme_code = found.programme_code
        and asked.indicator_code = found.indicator_code
        and asked.version = found.version
        and asked.period = found.period
        and found.territory_code <> ''
        -- A milestone is one for all: only the region has it.
        and (asked.measure <> 'milestone' or found.territory_kind = 'region')
