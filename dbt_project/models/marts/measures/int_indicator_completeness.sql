-- Which of the sources that an indicator needs have come for each of its periods.
with

needed as (

    select
        asked.programme_code,
        asked.indicator_code,
        asked.version,
        asked.period,
        asked.date_from,
        asked.date_to,
        source.names,
        source.place
    from {{ ref('int_indicator_period') }} as asked
    inner join {{ ref('indicator') }} as indicator
        on
            asked.programme_code = indicator.programme_code
            and asked.indicator_code = indicator.indicator_code
            and asked.version = coalesce(indicator.version, '')
    cross join lateral jsonb_array_elements_text(indicator.sources) with ordinality as source (names, place)

),

-- Any of the sources that a bar parts will do.
looked_up as (

    select
        needed.programme_code,
        needed.indicator_code,
        needed.version,
        needed.period,
        needed.names,
        count(received.source) > 0 as is_received,
        coalesce(bool_and(received.is_clean), false) as is_clean
    from needed
    left join {{ ref('int_source_received') }} as received
        on
            received.source = any(string_to_array(needed.names, '|'))
            and coalesce(
                received.year between extract(year from needed.date_from) and extract(year from needed.date_to), true
            )
    group by
        needed.programme_code, needed.indicator_code, needed.version, needed.period, needed.names, needed.place

)

select
    programme_code,
    indicator_code,
    version,
    period,
    cast(count(*) as integer) as n_needed,
    cast(count(*) filter (where is_received) as integer) as n_received,
    bool_and(is_received and is_clean) as is_clean,
    array_agg(names order by names) filter (where not is_received) as missing
from looked_up
group by programme_code, indicator_code, version, period
