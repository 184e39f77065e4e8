-- People whom an indicator asks about, one row for a person and school, and whether they are counted.

with

asked as (

    select
        *,
        parameters -> 'positions' as positions,
        parameters ->> 'flag' as flag,
        coalesce(cast(parameters ->> 'with_partners' as boolean), false) as with_partners,
        coalesce(cast(parameters ->> 'of_school' as boolean), false) as of_school,
        coalesce(cast(parameters ->> 'joint' as boolean), false) as is_joint,
        cast(parameters ->> 'younger_than' as integer) as younger_than,
        array(select jsonb_array_elements_text(parameters -> 'categories')) as categories
    from {{ ref('int_indicator_period') }}
    where measure in ('person_share', 'roster_share')

),

roster as (

    select * from {{ ref('int_programme_roster') }}

),

fact as (

    select * from {{ ref('int_indicator_fact') }}
    where role = 'numerator' and (person_id is not null or school_id is not null)

),

-- What people of at least two of the schools did together.
joint as (

    select
        fact.programme_code,
        fact.indicator_code,
        fact.version,
        fact.period,
        fact.object_key
    from fact
    inner join (select distinct
        programme_code,
        period,
        school_id
    from roster) as school
        on
            fact.programme_code = school.programme_code
            and fact.period = school.period
            and fact.school_id = school.school_id
    group by fact.programme_code, fact.indicator_code, fact.version, fact.period, fact.object_key
    having count(distinct fact.school_id) > 1

),

helped as (

    select distinct
        fact.programme_code,
        fact.indicator_code,
        fact.version,
        fact.period,
        fact.person_id,
        case when fact.person_id is null then fact.school_id end as school_id
    from fact
    inner join asked on {{ same_measure('fact', 'asked') }}
    left join joint
        on
            {{ same_measure('fact', 'joint') }}
            and fact.object_key = joint.object_key
    where not asked.is_joint or joint.object_key is not null

),

helped_school as (

    select * from helped
    where person_id is null

),

judged as (

    select
        {{ measure_key('asked') }},
        roster.school_id,
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
            {{ same_measure('asked', 'helped') }}
            and roster.person_id = helped.person_id
    left join helped_school
        on
            {{ same_measure('asked', 'helped_school') }}
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

)

select * from judged
