-- Whether a meeting of enough people from enough regions was held, with the host region counted or not.
with

asked as (

    select
        *,
        cast(parameters ->> 'min_participants' as integer) as min_participants,
        cast(parameters ->> 'min_regions' as integer) as min_regions,
        cast(parameters ->> 'with_host' as boolean) as with_host
    from {{ ref('int_indicator_period') }}
    where measure = 'seminar'

),

event as (

    select * from {{ ref('fct_event') }}

),

participant as (

    select
        event_code,
        coalesce(person_id, part_id || ':' || row_no) as person,
        is_home,
        {{ fold('region') }} as region_folded,
        part_id,
        row_no
    from {{ ref('fct_event_participant') }}

),

-- What the participants of the region's own schools call it.
home as (

    select distinct region_folded from participant
    where is_home and region_folded is not null

),

counted as (

    select
        asked.programme_code,
        asked.version,
        asked.indicator_code,
        asked.period,
        event.event_code,
        count(distinct participant.person) as n_participants,
        count(distinct place.region) filter (where asked.with_host or place.region <> '') as n_regions
    from asked
    inner join event
        on
            event.held_on between asked.date_from and asked.date_to
            and coalesce(asked.programme_code = event.programme_code, true)
            and asked.parameters -> 'levels' ? event.level
            and asked.parameters -> 'kinds' ? event.kind
    inner join participant on event.event_code = participant.event_code
    left join home on participant.region_folded = home.region_folded
    cross join
        lateral (
            select
                case
                    when participant.is_home or home.region_folded is not null then '' else participant.region_folded
                end as region
        ) as place
    group by asked.programme_code, asked.version, asked.indicator_code, asked.period, event.event_code

)

select
    {{ measure_key('asked') }},
    '' as component,
    'region' as territory_kind,
    'region' as territory_code,
    cast(
        count(*) filter (
            where counted.n_participants >= asked.min_participants and counted.n_regions >= asked.min_regions
        ) as numeric
    ) as numerator,
    cast(null as numeric) as denominator,
    cast(
        cast(
            coalesce(
                bool_or(
                    counted.n_participants >= asked.min_participants and counted.n_regions >= asked.min_regions
                ),
                false
            ) as integer
        ) as numeric
    ) as value
from asked
left join counted on {{ same_measure('asked', 'counted') }}
group by {{ measure_key('asked') }}
