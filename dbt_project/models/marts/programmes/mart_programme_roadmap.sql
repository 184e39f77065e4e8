-- The road maps: what is done, late, overdue or still to come, item by item. Built anew each time: it is small.

with

known as (

    select coalesce(max(year), 0) as last_year from {{ ref('mart_identification') }}

),

-- The day on which the state of a programme is told: the end of the last year that is known, or of the programme.
programme as (

    select
        programme.programme_code,
        programme.short_title as programme_title,
        least(programme.date_to, make_date(greatest(known.last_year, programme.year_from), 12, 31)) as told_on
    from {{ ref('programme') }} as programme
    cross join known

),

row_of_register as (

    select
        item.programme_code,
        item.item_code,
        item.written_code,
        item.is_known_item,
        item.section,
        coalesce(item.stage_no, stage.stage_no) as stage_no,
        item.name,
        item.school_id,
        item.municipality_code,
        item.due_from,
        item.due_to,
        item.frequency,
        item.done_on,
        item.document,
        item.part_id,
        item.row_no
    from {{ ref('int_plan_item') }} as item
    left join {{ ref('programme_stage') }} as stage
        on item.programme_code = stage.programme_code and item.due_to between stage.date_from and stage.date_to

),

-- Items of the document that the register does not hold at all.
never_written as (

    select
        planned.programme_code,
        planned.item_code,
        cast(null as text) as written_code,
        true as is_known_item,
        planned.section,
        stage.stage_no,
        planned.title as name,
        cast(null as text) as school_id,
        cast(null as text) as municipality_code,
        planned.due_from,
        planned.due_to,
        planned.frequency,
        cast(null as date) as done_on,
        cast(null as text) as document,
        cast(null as bigint) as part_id,
        cast(null as integer) as row_no
    from {{ ref('programme_plan_item') }} as planned
    left join {{ ref('programme_stage') }} as stage
        on planned.programme_code = stage.programme_code and planned.due_to between stage.date_from and stage.date_to
    where not exists (
        select 1 from row_of_register as written
        where written.programme_code = planned.programme_code and written.item_code = planned.item_code
    )

),

item as (

    select
        *,
        true as is_in_register
    from row_of_register
    union all
    select
        *,
        false
    from never_written

)

select
    item.programme_code,
    programme.programme_title,
    item.item_code,
    item.written_code,
    planned.indicator_code,
    coalesce(planned.title, item.name) as title,
    item.section,
    item.stage_no,
    item.is_in_register,
    item.is_known_item,
    item.school_id,
    school.school_code,
    school.short_name as school_name,
    school.school_label,
    school.school_kind,
    coalesce(item.municipality_code, school.municipality_code) as municipality_code,
    coalesce(municipality.municipality_name, school.municipality_name) as municipality_name,
    item.frequency,
    item.due_from,
    item.due_to,
    item.done_on,
    case
        when item.done_on > item.due_to then 'done_late'
        when item.done_on is not null then 'done'
        when not item.is_in_register and item.due_to is null then 'not_recorded'
        when item.due_to is null then 'no_term'
        when item.due_to <= programme.told_on then 'overdue'
        else 'due'
    end as state,
    case
        when item.done_on > item.due_to then item.done_on - item.due_to
        when item.done_on is null and item.due_to <= programme.told_on then programme.told_on - item.due_to
    end as days_late,
    programme.told_on,
    item.document,
    item.part_id,
    item.row_no,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from item
inner join programme on item.programme_code = programme.programme_code
left join {{ ref('programme_plan_item') }} as planned
    on item.programme_code = planned.programme_code and item.item_code = planned.item_code
left join {{ ref('dim_school') }} as school on item.school_id = school.school_id and school.is_current
left join {{ ref('dim_municipality') }} as municipality on item.municipality_code = municipality.municipality_code
