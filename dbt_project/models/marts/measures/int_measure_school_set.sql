-- Schools of a set: how many, whether any, and which share of another set.
with

asked as (

    select
        *,
        array(select jsonb_array_elements_text(coalesce(parameters -> 'numerator', parameters -> 'set'))) as wanted,
        array(select jsonb_array_elements_text(parameters -> 'denominator')) as whole,
        parameters -> 'not_applicable' as not_applicable
    from {{ ref('int_indicator_period') }}
    where measure in ('set_share', 'set_count', 'set_flag')

),

school as (

    select * from {{ ref('int_programme_school') }}

),

judged as (

    select
        {{ measure_key('asked') }},
        asked.measure,
        school.municipality_code,
        school.school_code,
        school.sets @> asked.whole as is_whole,
        school.sets @> array_remove(asked.wanted, 'all_sources')
        -- Every source that there can be for a school of this kind.
        and (
            asked.not_applicable is null
            or not exists (
                select 1 from jsonb_each(asked.not_applicable) as exam (code, kinds)
                where not exam.kinds ? coalesce(school.school_kind, '') and not exam.code = any(school.exams)
            )
        ) as is_wanted
    from asked
    inner join school on asked.programme_code = school.programme_code and asked.period = school.period

),

found as (

    select
        {{ measure_key() }},
        measure,
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        cast(count(*) filter (where is_wanted and (is_whole or measure <> 'set_share')) as numeric) as n_wanted,
        cast(count(*) filter (where is_whole) as numeric) as n_whole
    from judged
    where is_whole or is_wanted
    group by {{ territory_sets(measure_key() ~ ', measure') }}

),

-- A set that is empty everywhere is 0 schools of it in the region.
everywhere as (

    select
        {{ measure_key() }},
        measure
    from asked

)

select
    {{ measured_territory('everywhere', 'found') }},
    case everywhere.measure
        when 'set_flag' then least(coalesce(found.n_wanted, 0), 1) else coalesce(found.n_wanted, 0)
    end as numerator,
    case when everywhere.measure = 'set_share' then coalesce(found.n_whole, 0) end as denominator,
    case everywhere.measure
        when 'set_share' then found.n_wanted / nullif(found.n_whole, 0)
        when 'set_flag' then least(coalesce(found.n_wanted, 0), 1)
        else coalesce(found.n_wanted, 0)
    end as value
from everywhere
left join found on {{ same_measure('everywhere', 'found') }}
