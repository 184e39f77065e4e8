-- How often an item of a road map was done against how often it should be: by a term, in a year, a quarter, a stage.
with

asked as (

    select
        *,
        parameters ->> 'item' as item_code,
        cast(parameters ->> 'required' as integer) as required,
        parameters ->> 'each' as each_kind
    from {{ ref('int_indicator_period') }}
    where measure = 'frequency'

),

period as (

    select * from {{ ref('int_programme_period') }}

),

stage as (

    select * from {{ ref('programme_stage') }}

),

-- What is done at the end of a stage says which stage; else it belongs to the last one that had ended.
done as (

    select
        item.programme_code,
        item.item_code,
        item.done_on,
        coalesce(
            item.stage_no,
            (
                select max(ended.stage_no) from stage as ended
                where ended.programme_code = item.programme_code and ended.date_to <= item.done_on
            )
        ) as stage_no
    from {{ ref('int_plan_item') }} as item
    where item.done_on is not null

),

-- The parts of a period that each need the item: the period itself, its quarters, the stages that end in it.
part as (

    select
        asked.programme_code,
        asked.indicator_code,
        asked.version,
        asked.period,
        asked.item_code,
        asked.required,
        case when asked.due_to is null then asked.date_from end as part_from,
        asked.done_by as part_to,
        cast(null as integer) as stage_no
    from asked
    where asked.each_kind is null or (asked.each_kind = 'quarter' and asked.period_kind = 'quarter')
    union all
    select
        asked.programme_code,
        asked.indicator_code,
        asked.version,
        asked.period,
        asked.item_code,
        asked.required,
        period.date_from,
        period.date_to,
        null
    from asked
    inner join period
        on
            asked.programme_code = period.programme_code
            and period.period_kind = 'quarter'
            and asked.year = period.year
    where asked.each_kind = 'quarter' and asked.period_kind = 'year'
    union all
    select
        asked.programme_code,
        asked.indicator_code,
        asked.version,
        asked.period,
        asked.item_code,
        asked.required,
        null,
        null,
        stage.stage_no
    from asked
    inner join stage
        on
            asked.programme_code = stage.programme_code
            and stage.date_to between asked.date_from and asked.date_to
            and coalesce(asked.period_kind <> 'stage' or asked.period_no = stage.stage_no, true)
    where asked.each_kind = 'stage'

),

counted as (

    select
        part.programme_code,
        part.indicator_code,
        part.version,
        part.period,
        part.part_to,
        part.stage_no,
        part.required,
        count(done.item_code) as n_done
    from part
    left join done
        on
            part.programme_code = done.programme_code
            and part.item_code = done.item_code
            and (part.stage_no is null or part.stage_no = done.stage_no)
            and coalesce(part.part_from <= done.done_on, true)
            and coalesce(part.part_to >= done.done_on, true)
    group by
        part.programme_code, part.indicator_code, part.version, part.period, part.part_to, part.stage_no, part.required

),

summed as (

    select
        programme_code,
        indicator_code,
        version,
        period,
        count(*) as n_parts,
        count(*) filter (where n_done >= required) as n_kept,
        sum(n_done) as n_done,
        sum(required) as n_required
    from counted
    group by programme_code, indicator_code, version, period

)

select
    {{ measure_key('asked') }},
    '' as component,
    'region' as territory_kind,
    'region' as territory_code,
    -- Two meetings in one quarter do not stand in for a missing one: of several parts, the kept ones are counted.
    cast(
        case when asked.each_kind is null or asked.period_kind = 'quarter' then summed.n_done else summed.n_kept end
        as numeric
    ) as numerator,
    cast(
        coalesce(
            case
                when asked.each_kind is null or asked.period_kind = 'quarter' then summed.n_required else summed.n_parts
            end,
            0
        ) as numeric
    ) as denominator,
    cast(
        case when asked.each_kind is null or asked.period_kind = 'quarter' then summed.n_done else summed.n_kept end
        as numeric
    )
    / nullif(
        case
            when asked.each_kind is null or asked.period_kind = 'quarter' then summed.n_required else summed.n_parts
        end,
        0
    ) as value
from asked
left join summed on {{ same_measure('asked', 'summed') }}
