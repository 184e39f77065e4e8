-- Share of people of a programme's schools: those who have something done for them, or who are of some kind.
with

asked as (

    select
        *,
        parameters -> 'positions' as positions,
        parameters ->> 'flag' as flag,
        coalesce(cast(parameters ->> 'with_partners' as boolean), false) as with_partners,
        coalesce(cast(parameters ->> 'of_school' as boolean), false) as of_school,
        cast(parameters ->> 'younger_than' as integer) as younger_than,
        array(select jsonb_array_elements_text(parameters -> 'categories')) as categories
    from {{ ref('int_indicator_period') }}
    where measure in ('person_share', 'roster_share')

),

roster as (

    select * from {{ ref('int_programme_roster') }}

),

helped as (

    select distinct
        programme_code,
        indicator_code,
        version,
        period,
        person_id,
        case when person_id is null then school_id end as school_id
    from {{ ref('int_indicator_fact') }}
    where role = 'numerator' and (person_id is not null or school_id is not null)

),

judged as (

    select
        asked.year,
        asked.programme_code,
        asked.indicator_code,
        asked.version,
        asked.period,
        roster.municipality_code,
        roster.school_code,
        roster.person_id,
        case
            when asked.younger_than is not null then asked.year - roster.birth_year < asked.younger_than
            when asked.measure = 'roster_share' then coalesce(roster.categories && asked.categories, false)
            else
                exists (
                    select 1 from helped
                    where
                        helped.programme_code = asked.programme_code
                        and helped.indicator_code = asked.indicator_code
                        and helped.version = asked.version
                        and helped.period = asked.period
                        and (
                            helped.person_id = roster.person_id
                            -- A record that names the school only is its head's.
                            or (asked.of_school and helped.school_id = roster.school_id)
                        )
                )
        end as is_counted
    from asked
    inner join roster on asked.programme_code = roster.programme_code and asked.period = roster.period
    where
        (roster.is_member or asked.with_partners)
        and (asked.positions is null or asked.positions ?| roster.positions)
        and case asked.flag
            when 'russian_not_native' then roster.teaches_russian_not_native
            when 'inclusive' then roster.teaches_inclusive
            else true
        end
        and (asked.younger_than is null or roster.birth_year is not null)

),

found as (

    select
        {{ measure_key() }},
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        -- Somebody who works at two schools is one person of the region.
        cast(count(distinct person_id) filter (where is_counted) as numeric) as numerator,
        cast(count(distinct person_id) as numeric) as denominator
    from judged
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
    coalesce(found.numerator, 0) as numerator,
    coalesce(found.denominator, 0) as denominator,
    found.numerator / nullif(found.denominator, 0) as value
from asked
left join found
    on
        asked.programme_code = found.programme_code
        and asked.indicator_code = found.indicator_code
        and asked.version = found.version
        and asked.period = found.period
