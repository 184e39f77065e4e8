-- Share of a programme's schools that have something: enough of it, every kind of it, or in every year.
with

asked as (

    select
        *,
        cast(parameters ->> 'every_kind' as integer) as every_kind,
        cast(parameters ->> 'every_year' as integer) as every_year,
        parameters ->> 'distinct' as distinct_of,
        case
            when parameters ->> 'min' = 'pd_required' then pd_required
            else coalesce(cast(parameters ->> 'min' as integer), 1)
        end as min_n,
        parameters ? 'among' as is_among,
        coalesce(cast(parameters ->> 'components' as boolean), false) as has_components
    from {{ ref('int_indicator_period') }}
    where measure = 'member_share'

),

member as (

    select * from {{ ref('int_programme_school') }}
    where is_member

),

fact as (

    select * from {{ ref('int_indicator_fact') }}
    where school_id is not null

),

counted as (

    select
        programme_code,
        indicator_code,
        version,
        period,
        school_id,
        -- A row that two filters find, or that names two subprogrammes, is one.
        count(distinct source || ':' || part_id || ':' || row_no) filter (where role = 'numerator') as n_rows,
        count(distinct kind) filter (where role = 'numerator') as n_kinds,
        count(distinct fact_year) filter (where role = 'numerator') as n_years,
        count(distinct person_id) filter (where role = 'numerator') as n_persons,
        count(*) filter (where role = 'among') as n_among,
        array_agg(distinct kind) filter (where role = 'numerator') as kinds
    from fact
    group by programme_code, indicator_code, version, period, school_id

),

judged as (

    select
        {{ measure_key('asked') }},
        member.municipality_code,
        member.school_code,
        asked.has_components,
        asked.parameters,
        counted.kinds,
        case
            when asked.every_kind is not null then coalesce(counted.n_kinds, 0) >= asked.every_kind
            when asked.every_year is not null then coalesce(counted.n_years, 0) >= asked.every_year
            when asked.distinct_of = 'person' then coalesce(counted.n_persons, 0) >= asked.min_n
            else coalesce(counted.n_rows, 0) >= asked.min_n
        end as has_it
    from asked
    inner join member on asked.programme_code = member.programme_code and asked.period = member.period
    left join counted
        on
            {{ same_measure('asked', 'counted') }}
            and member.school_id = counted.school_id
    where not asked.is_among or counted.n_among > 0

),

with_component as (

    select
        judged.*,
        '' as component,
        has_it as is_counted
    from judged
    union all
    select
        judged.*,
        component.kind,
        component.kind = any(judged.kinds)
    from judged
    cross join
        lateral (
            select jsonb_array_elements_text(spec.spec -> 'kinds') as kind
            from jsonb_array_elements(judged.parameters -> 'numerator') as spec (spec)
        ) as component
    where judged.has_components

),

found as (

    select
        {{ measure_key() }},
        component,
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        cast(count(*) filter (where is_counted) as numeric) as numerator,
        cast(count(*) as numeric) as denominator
    from with_component
    group by {{ territory_sets(measure_key() ~ ', component') }}

),

-- A programme that has nobody to ask still has an answer: a share of nothing.
nobody as (

    select
        {{ measure_key() }},
        '' as component,
        'region' as territory_kind,
        'region' as territory_code,
        0 as numerator,
        0 as denominator
    from asked
    where not exists (
        select 1 from judged
        where
            {{ same_measure('judged', 'asked') }}
    )

)

select
    *,
    numerator / nullif(denominator, 0) as value
from found
union all
select
    *,
    null
from nobody
