-- Share of people of a programme's schools: those who have something done for them, or who are of some kind.
with

asked as (

    select * from {{ ref('int_indicator_period') }}
    where measure in ('person_share', 'roster_share')

),

found as (

    select
        {{ measure_key() }},
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        -- Somebody who works at two schools is one person of the region.
        cast(count(distinct person_id) filter (where is_counted) as numeric) as numerator,
        cast(count(distinct person_id) as numeric) as denominator
    from {{ ref('int_indicator_person') }}
    group by {{ territory_sets(measure_key()) }}

)

select
    {{ measured_territory('asked', 'found') }},
    coalesce(found.numerator, 0) as numerator,
    coalesce(found.denominator, 0) as denominator,
    found.numerator / nullif(found.denominator, 0) as value
from asked
left join found on {{ same_measure('asked', 'found') }}
