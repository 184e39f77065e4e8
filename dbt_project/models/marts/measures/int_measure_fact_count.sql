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
    inner join asked on {{ same_measure('fact', 'asked') }}

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
    {{ measured_territory('asked', 'found') }},
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
        {{ same_measure('asked', 'found') }}
        and found.territory_code <> ''
        -- A milestone is one for all: only the region has it.
        and (asked.measure <> 'milestone' or found.territory_kind = 'region')
