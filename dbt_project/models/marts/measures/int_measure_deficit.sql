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

service as (

    select
        person_id,
        happened_on,
        kind,
        programme_code
    from {{ ref('int_support_fact') }}
    where fact = 'service' and person_id is not null

),

judged as (

    select
        asked.year,
        asked.programme_code,
        asked.indicator_code,
        asked.version,
        asked.period,
        asked.measure,
        school.municipality_code,
        school.school_code,
        deficit.person_id,
        case asked.measure
            when 'deficit_closed' then deficit.has_final and deficit.n_remaining = 0
            when 'deficit_supported'
                then
                    exists (
                        select 1 from service
                        where
                            service.person_id = deficit.person_id
                            and asked.parameters -> 'kinds' ? service.kind
                            and service.happened_on between asked.date_from and asked.date_to
                            and coalesce(service.programme_code = asked.programme_code, true)
                    )
        end as is_counted,
        case asked.measure
            when 'deficit_change' then deficit.has_start and deficit.has_final
            when 'deficit_closed' then deficit.n_found_at_start > 0 and not deficit.has_left
            else deficit.n_found_at_start > 0
        end as is_asked,
        cast(deficit.n_found_at_start > 0 as integer) as had_at_start,
        cast(deficit.n_found_at_end > 0 as integer) as has_at_end
    from asked
    inner join school on asked.programme_code = school.programme_code and asked.period = school.period
    inner join deficit on school.school_id = deficit.school_id

),

found as (

    select
        {{ measure_key() }},
        measure,
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        cast(count(distinct person_id) filter (where is_counted) as numeric) as n_counted,
        cast(count(distinct person_id) as numeric) as n_asked,
        cast(sum(had_at_start) as numeric) as n_at_start,
        cast(sum(has_at_end) as numeric) as n_at_end,
        cast(count(*) as numeric) as n_diagnosed
    from judged
    where is_asked
    group by {{ territory_sets(measure_key() ~ ', measure') }}

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
    case asked.measure
        when 'deficit_change' then found.n_at_end - found.n_at_start else coalesce(found.n_counted, 0)
    end
        as numerator,
    case asked.measure when 'deficit_change' then coalesce(found.n_diagnosed, 0) else coalesce(found.n_asked, 0) end
        as denominator,
    case asked.measure
        when 'deficit_change' then (found.n_at_end - found.n_at_start) / nullif(found.n_diagnosed, 0)
        else found.n_counted / nullif(found.n_asked, 0)
    end as value
from asked
left join found
    on
        asked.programme_code = found.programme_code
        and asked.indicator_code = found.indicator_code
        and asked.version = found.version
        and asked.period = found.period
