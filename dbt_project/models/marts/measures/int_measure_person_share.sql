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

helped_school as (

    select * from helped
    where person_id is null

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
            -- A record that names the school only is its head's.
            else helped.person_id is not null or (asked.of_school and helped_school.school_id is not null)
        end as is_counted
    from asked
    inner join roster on asked.programme_code = roster.programme_code and asked.period = roster.period
    left join helped
        on
            asked.programme_code = helped.programme_code
            and asked.indicator_code = helped.indicator_code
            and asked.version = helped.version
            and asked.period = helped.period
            and roster.person_id = helped.person_id
    left join helped_school
        on
            asked.programme_code = helped_school.programme_code
            and asked.indicator_code = helped_school.indicator_code
            and asked.version = helped_school.version
            and asked.period = helped_school.period
            and roster.school_id = helped_school.school_id
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
