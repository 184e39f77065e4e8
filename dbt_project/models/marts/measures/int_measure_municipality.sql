-- Municipalities: which share of them has something, how many of those named in a document take part, how many are low.
with

asked as (

    select * from {{ ref('int_indicator_period') }}
    where measure in ('municipality_share', 'listed_municipalities', 'municipal_low')

),

-- Municipalities of the register; where none came, those that the schools name.
municipality as (

    select municipality_code from {{ ref('dim_municipality') }}
    where municipality_code is not null

),

member as (

    select * from {{ ref('int_programme_school') }}
    where is_member

),

reached as (

    select distinct
        programme_code,
        indicator_code,
        version,
        period,
        municipality_code
    from {{ ref('int_indicator_fact') }}
    where role = 'numerator'

),

of_municipality as (

    select
        {{ measure_key('asked') }},
        municipality.municipality_code,
        reached.municipality_code is not null as is_reached
    from asked
    cross join municipality
    left join reached
        on
            {{ same_measure('asked', 'reached') }}
            and municipality.municipality_code = reached.municipality_code
    where
        asked.measure = 'municipality_share'
        and (
            asked.parameters ->> 'denominator' = 'all'
            or exists (
                select 1 from member
                where
                    member.programme_code = asked.programme_code
                    and member.period = asked.period
                    and member.municipality_code = municipality.municipality_code
            )
        )

),

share as (

    select
        {{ measure_key() }},
        case when grouping(municipality_code) = 0 then 'municipality' else 'region' end as territory_kind,
        case when grouping(municipality_code) = 0 then municipality_code else 'region' end as territory_code,
        cast(count(*) filter (where is_reached) as numeric) as numerator,
        cast(count(*) as numeric) as denominator
    from of_municipality
    group by grouping sets (({{ measure_key() }}), ({{ measure_key() }}, municipality_code))

),

listed as (

    select
        {{ measure_key('asked') }},
        cast(asked.parameters ->> 'exactly' as integer) as exactly,
        cast(asked.parameters ->> 'at_least' as integer) as at_least,
        place.name,
        place.municipality_code,
        (
            select count(*) from member
            where
                member.programme_code = asked.programme_code
                and member.period = asked.period
                and member.municipality_code = place.municipality_code
        ) as n_members
    from asked
    inner join {{ ref('int_programme_place') }} as place
        on asked.programme_code = place.programme_code and place.place_kind = 'municipality'
    where asked.measure = 'listed_municipalities'

),

listed_count as (

    select
        {{ measure_key() }},
        'region' as territory_kind,
        'region' as territory_code,
        -- Unknown when not one of the named municipalities is of this region.
        case
            when count(municipality_code) > 0
                then
                    cast(
                        count(*) filter (
                            where coalesce(n_members = exactly, true) and coalesce(n_members >= at_least, true)
                        ) as numeric
                    )
        end as numerator,
        cast(count(*) as numeric) as denominator
    from listed
    group by {{ measure_key() }}

),

low as (

    select
        {{ measure_key('asked') }},
        'region' as territory_kind,
        'region' as territory_code,
        cast(count(*) filter (where judged.is_low_municipality) as numeric) as numerator,
        cast(null as numeric) as denominator
    from asked
    inner join {{ ref('mart_municipality_identification') }} as judged
        on asked.year = judged.year and judged.is_default
    where asked.measure = 'municipal_low' and judged.is_low_municipality is not null
    group by {{ measure_key('asked') }}

),

final as (

    select
        *,
        numerator / nullif(denominator, 0) as value
    from share
    union all
    select
        *,
        numerator
    from listed_count
    union all
    select
        *,
        numerator
    from low

)

select
    {{ measure_key() }},
    '' as component,
    territory_kind,
    territory_code,
    numerator,
    denominator,
    value
from final
