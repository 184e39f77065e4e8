-- Deficits of people at a programme's schools: gone at the end, supported meanwhile, rarer than at the start.
with

asked as (

    select * from {{ ref('int_indicator_period') }}
    where measure in ('deficit_closed', 'deficit_supported', 'deficit_change')

),

school as (

    select * from {{ ref('int_programme_school') }}
    where is_member

),

deficit as (

    select * from {{ ref('int_deficit_person') }}

),

-- Whom a service of the wanted kinds has reached in each period.
supported as (

    select distinct
        asked.programme_code,
        asked.indicator_code,
        asked.version,
        asked.period,
        service.person_id
    from asked
    inner join {{ ref('int_support_fact') }} as service
        on
            service.fact = 'service'
            and service.person_id is not null
            and asked.parameters -> 'kinds' ? service.kind
            and service.happened_on between asked.date_from and asked.date_to
            and coalesce(asked.programme_code = service.programme_code, true)
    where asked.measure = 'deficit_supported'

),

judged as (

    select
        {{ measure_key('asked') }},
        asked.measure,
        school.municipality_code,
        school.school_code,
        deficit.person_id,
        case asked.measure
            when 'deficit_closed' then deficit.has_final and deficit.n_remaining = 0
            when 'deficit_supported' then supported.person_id is not null
        end as is_counted,
        case asked.measure
            when 'deficit_change' then deficit.has_start and deficit.has_final
            when 'deficit_closed' then deficit.n_found_at_start > 0 and not deficit.has_left
            else deficit.n_found_at_start > 0
        end as is_asked,
        deficit.n_found_at_start > 0 as had_at_start,
        deficit.n_found_at_end > 0 as has_at_end
    from asked
    inner join school on asked.programme_code = school.programme_code and asked.period = school.period
    inner join deficit on school.school_id = deficit.school_id
    left join supported
        on
            {{ same_measure('asked', 'supported') }}
            and deficit.person_id = supported.person_id

),

found as (

    select
        {{ measure_key() }},
        measure,
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        -- Somebody at two schools is one person, and has a deficit while one of the schools says so.
        cast(
            count(distinct person_id) - count(distinct person_id) filter (where not is_counted) as numeric
        ) as n_counted,
        cast(count(distinct person_id) as numeric) as n_asked,
        cast(count(distinct person_id) filter (where had_at_start) as numeric) as n_at_start,
        cast(count(distinct person_id) filter (where has_at_end) as numeric) as n_at_end
    from judged
    where is_asked
    group by {{ territory_sets(measure_key() ~ ', measure') }}

)

select
    {{ measured_territory('asked', 'found') }},
    case asked.measure
        when 'deficit_change' then found.n_at_end - found.n_at_start else coalesce(found.n_counted, 0)
    end
        as numerator,
    coalesce(found.n_asked, 0) as denominator,
    case asked.measure
        when 'deficit_change' then (found.n_at_end - found.n_at_start) / nullif(found.n_asked, 0)
        else found.n_counted / nullif(found.n_asked, 0)
    end as value
from asked
left join found on {{ same_measure('asked', 'found') }}
