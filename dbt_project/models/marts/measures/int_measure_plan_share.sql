-- Share of a plan that is done: items of its sections, items done by their term, works in the schools that it names.
with

asked as (

    select
        *,
        parameters -> 'sections' as sections,
        coalesce(cast(parameters ->> 'on_time' as boolean), false) as on_time
    from {{ ref('int_indicator_period') }}
    where measure in ('plan_share', 'named_share')

),

item as (

    select * from {{ ref('int_plan_item') }}

),

of_plan as (

    select
        {{ measure_key('asked') }},
        '' as school_code,
        '' as municipality_code,
        case
            when asked.on_time then coalesce(item.done_on <= item.due_to, false)
            else coalesce(item.done_on <= asked.as_of, false)
        end as is_done,
        true as is_known
    from asked
    inner join item on asked.programme_code = item.programme_code
    where
        asked.measure = 'plan_share'
        and (asked.sections is null or asked.sections ? item.section)
        and (
            not asked.on_time
            or case asked.period_kind
                when 'stage'
                    then
                        coalesce(item.stage_no, 0) = asked.period_no
                        or (item.stage_no is null and item.due_to between asked.date_from and asked.date_to)
                else item.due_to between asked.date_from and asked.date_to
            end
        )

),

place as (

    select
        place.*,
        coalesce(school.school_code, school.login, school.school_id, place.name) as school_code,
        coalesce(school.municipality_code, '') as school_municipality
    from {{ ref('int_programme_place') }} as place
    left join {{ ref('dim_school') }} as school on place.school_id = school.school_id and school.is_current
    where place.place_kind = 'item'

),

of_place as (

    select
        {{ measure_key('asked') }},
        place.school_code,
        place.school_municipality as municipality_code,
        exists(
            select 1 from {{ ref('fct_facility') }} as work
            where
                work.school_id = place.school_id
                and asked.parameters -> 'kinds' ? work.work_kind
                and work.done_on <= asked.done_by
                and coalesce(work.done_on >= asked.due_from, true)
        ) as is_done,
        place.school_id is not null as is_known
    from asked
    inner join place
        on asked.programme_code = place.programme_code and asked.parameters ->> 'place' = place.indicator_code
    where asked.measure = 'named_share'

),

judged as (

    select * from of_plan
    union all
    select * from of_place

),

found as (

    select
        {{ measure_key() }},
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        -- Nothing is known where not one of the named schools is in the register.
        case when bool_or(is_known) then cast(count(*) filter (where is_done) as numeric) end as numerator,
        cast(count(*) as numeric) as denominator
    from judged
    group by {{ territory_sets(measure_key()) }}

)

select
    {{ measured_territory('asked', 'found') }},
    found.numerator,
    coalesce(found.denominator, 0) as denominator,
    found.numerator / nullif(found.denominator, 0) as value
from asked
left join found
    on
        {{ same_measure('asked', 'found') }}
        and found.territory_code <> ''
