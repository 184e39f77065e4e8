-- Who was to deliver what by which day, and what has come. Built anew each time: it is small.
{{ config(
    pre_hook="{{ join_by_hash() }}",
    indexes=[{'columns': ['year', 'source']}]
) }}

with

part as (

    select
        source,
        year,
        in_force,
        {{ day_here('landed_at') }} as landed_on
    from {{ source('ops', 'source_part') }}
    where status = 'landed' and source is not null

),

-- Deliveries before the first file of the warehouse nobody saw; after the last one nothing is known.
watch as (

    select
        min(landed_on) as watched_from,
        max(landed_on) as as_of_on
    from part

),

year_known as (

    select distinct year from part
    where in_force and year is not null

),

-- The campaign after the last known one is waited for before its first file comes.
campaign as (

    select
        year,
        year as register_year
    from year_known
    union all
    select
        max(year) + 1 as year,
        max(year) as register_year
    from year_known
    having max(year) is not null

),

came as (

    select
        source,
        min(coalesce(year, 0)) as first_year
    from part
    where in_force
    group by source

),

expected as (

    select
        campaign.year,
        campaign.register_year,
        rule.source,
        rule.procedure_code,
        rule.or_source,
        rule.collected_by,
        rule.department,
        rule.expected,
        least(came.first_year, other.first_year) as first_year,
        make_date(
            campaign.year + rule.due_year_offset,
            cast(split_part(rule.due_day, '-', 1) as integer),
            cast(split_part(rule.due_day, '-', 2) as integer)
        ) as due_on
    from campaign
    inner join {{ ref('expected_source') }} as rule
        on
            campaign.year >= coalesce(rule.valid_from_year, campaign.year)
            and campaign.year <= coalesce(rule.valid_to_year, campaign.year)
    left join came on rule.source = came.source
    left join came as other on rule.or_source = other.source

),

registered as (

    select * from {{ ref('int_register_school') }}

),

place as (

    select
        year,
        municipality_code,
        min(municipality_name) as municipality_name,
        cast(count(*) as integer) as n_schools_register
    from registered
    where municipality_code is not null
    group by year, municipality_code

),

-- Of which schools rows have come, by what is expected. Of a procedure it is not known when it came.
seen as (

    select
        source,
        cast(null as text) as procedure_code,
        year,
        school_id,
        first_landed_on
    from {{ ref('int_source_school') }}
    union all
    select
        rule.source,
        rule.procedure_code,
        result.year,
        result.school_id,
        cast(null as date) as first_landed_on
    from {{ ref('fct_school_procedure') }} as result
    inner join (
        select distinct
            source,
            procedure_code
        from {{ ref('expected_source') }}
        where procedure_code is not null
    ) as rule on result.procedure_code = rule.procedure_code
    where result.n_participants > 0

),

by_municipality as (

    select
        seen.source,
        seen.procedure_code,
        registered.year,
        registered.municipality_code,
        cast(count(distinct seen.school_id) as integer) as n_schools,
        min(seen.first_landed_on) as first_landed_on
    from registered
    inner join seen
        on registered.school_id = seen.school_id and (registered.year = seen.year or seen.year is null)
    where registered.municipality_code is not null
    group by seen.source, seen.procedure_code, registered.year, registered.municipality_code

),

-- Since when a municipality sends what not every one has: registers of programmes are of their members.
came_from as (

    select
        source,
        municipality_code,
        min(year) as first_year
    from by_municipality
    where procedure_code is null
    group by source, municipality_code

),

-- One row for each who delivers: a municipality, or the region where one department does or no municipality is known.
-- What never came was not waited for before the first file of the warehouse, nor was a campaign without any.
asked as (

    select
        expected.*,
        expected.due_on >= watch.watched_from as is_watched,
        watch.as_of_on,
        place.municipality_code,
        place.municipality_name,
        place.n_schools_register
    from expected
    cross join watch
    left join place on expected.register_year = place.year and expected.collected_by <> 'department'
    left join came_from
        on expected.source = came_from.source and place.municipality_code = came_from.municipality_code
    where
        case
            when expected.due_on >= watch.watched_from and expected.expected = 'always' then true
            when expected.due_on < watch.watched_from and expected.year > expected.register_year then false
            when expected.expected = 'always' then expected.first_year <= expected.year
            when place.municipality_code is not null then came_from.first_year < expected.year
            else expected.first_year < expected.year
        end

),

-- What of a source has come at all: also where its rows name no school, or a school that no register knows.
in_region as (

    select
        source,
        cast(null as text) as procedure_code,
        year,
        min(landed_on) as first_landed_on,
        cast(null as integer) as n_schools
    from part
    group by source, year
    having bool_or(in_force)
    union all
    select
        source,
        procedure_code,
        year,
        cast(null as date) as first_landed_on,
        cast(count(distinct school_id) as integer) as n_schools
    from seen
    where procedure_code is not null
    group by source, procedure_code, year

),

delivered as (

    select
        asked.year,
        asked.source,
        asked.procedure_code,
        asked.municipality_code,
        min(coalesce(local.first_landed_on, region.first_landed_on)) as first_landed_on,
        max(coalesce(local.n_schools, region.n_schools)) as n_schools,
        bool_or(local.source is not null or region.source is not null) as is_delivered
    from asked
    left join by_municipality as local
        on
            asked.year = local.year
            and asked.municipality_code = local.municipality_code
            and asked.procedure_code is not distinct from local.procedure_code
            and (asked.source = local.source or asked.procedure_code is null and asked.or_source = local.source)
    left join in_region as region
        on
            asked.municipality_code is null
            and (asked.year = region.year or region.year is null)
            and asked.procedure_code is not distinct from region.procedure_code
            and (asked.source = region.source or asked.procedure_code is null and asked.or_source = region.source)
    group by asked.year, asked.source, asked.procedure_code, asked.municipality_code

),

judged as (

    select
        asked.*,
        delivered.first_landed_on,
        delivered.n_schools,
        case
            when not delivered.is_delivered and (presence.state = 'not_held' or cancelled.year is not null)
                then 'not_held'
            when not delivered.is_delivered and asked.due_on < asked.as_of_on then 'missing'
            when not delivered.is_delivered then 'awaited'
            when asked.collected_by = 'school' and delivered.n_schools < asked.n_schools_register then 'partial'
            when delivered.first_landed_on is null or not asked.is_watched then 'received'
            when delivered.first_landed_on > asked.due_on then 'late'
            else 'on_time'
        end as state
    from asked
    inner join delivered
        on
            asked.year = delivered.year
            and asked.source = delivered.source
            and asked.procedure_code is not distinct from delivered.procedure_code
            and asked.municipality_code is not distinct from delivered.municipality_code
    left join {{ ref('mart_source_presence') }} as presence
        on asked.year = presence.year and asked.source = presence.source
    left join {{ ref('procedure_not_held') }} as cancelled
        on asked.year = cancelled.year and asked.procedure_code = cancelled.procedure_code

),

title as (

    {{ source_titles() }}

)

select
    judged.year,
    judged.source,
    title.source_title,
    judged.procedure_code,
    procedure.title_ru as procedure_title,
    judged.collected_by,
    coalesce(judged.department, judged.municipality_name) as sender_title,
    judged.municipality_code,
    judged.municipality_name,
    judged.due_on,
    judged.is_watched,
    judged.first_landed_on,
    case
        when judged.state = 'late' then judged.first_landed_on - judged.due_on
        when judged.state = 'missing' then judged.as_of_on - judged.due_on
    end as days_late,
    judged.state,
    case judged.state
        when 'on_time' then 'в срок'
        when 'late' then 'с опозданием'
        when 'received' then 'получено'
        when 'partial' then 'не от всех школ'
        when 'missing' then 'не получено, срок прошёл'
        when 'awaited' then 'ждём, срок не прошёл'
        else 'процедуры не было'
    end as state_title,
    judged.n_schools,
    judged.n_schools_register,
    judged.as_of_on
from judged
left join title on judged.source = title.source
left join {{ ref('procedure') }} as procedure on judged.procedure_code = procedure.procedure_code
