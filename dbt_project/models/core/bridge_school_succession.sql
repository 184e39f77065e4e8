{#-
    What became of schools, by the records of the register: renamed, given another code, merged, joined to another,
    split, closed. Successors of successors are here too, so that of a school its last one can be asked. Results stay
    with the school that earned them: nothing joins them to a successor.
-#}

with record as (
    select
        record.*,
        coalesce(record.full_name, record.short_name) as name,
        lag(coalesce(record.full_name, record.short_name)) over history as last_name,
        lead(record.valid_from) over history as next_from,
        status_listed.value as status_value
    from {{ ref('int_school_record') }} as record
    left join {{ ref('value_list') }} as status_listed
        on status_listed.list_name = 'school_status' and {{ fold('record.status') }} = status_listed.spelling
    where record.school_code is not null
    window history as (partition by record.record_of order by record.version_no)
),

school as (
    select
        record_of as school_id,
        min(school_code) as school_code,
        -- A school whose beginning is not known has been there before.
        case when bool_and(valid_from is not null) then min(valid_from) end as began_on,
        max(case when is_current then valid_to end) + 1 as ended_on,
        max(case when is_current then status_value end) as status,
        max(case when is_current then part_id end) as part_id,
        max(case when is_current then row_no end) as row_no,
        bool_or(successor_code is not null) as has_successor
    from record
    group by record_of
),

-- A school that is split names each of its successors in a row of its own, or all of them in one cell.
named as (
    select
        record.record_of as predecessor_id,
        {{ school_code('written.code') }} as successor_code,
        max(record.valid_to) + 1 as recorded_on,
        max(record.part_id) as part_id,
        max(record.row_no) as row_no
    from record
    cross join lateral regexp_split_to_table(record.successor_code, '[^0-9A-Za-zА-Яа-я]+') as written (code)
    where record.successor_code is not null and written.code <> ''
    group by record.record_of, {{ school_code('written.code') }}
),

edge as (
    select
        named.predecessor_id,
        successor_key.school_id as successor_id,
        named.successor_code,
        named.recorded_on as happened_on,
        -- A successor that begins when its predecessor ends is a new school.
        coalesce(successor.began_on >= named.recorded_on - 1, false) as is_new,
        count(*) over (partition by named.predecessor_id) as n_successors,
        case
            when successor_key.school_id is null then 'unknown_successor'
            when successor_key.school_id = named.predecessor_id then 'own_successor'
            when predecessor.ended_on is null and coalesce(predecessor.status, 'действует') = 'действует'
                then 'not_ended'
        end as problem,
        named.part_id,
        named.row_no
    from named
    inner join school as predecessor
        on named.predecessor_id = predecessor.school_id
    left join {{ ref('int_school_key') }} as successor_key
        on successor_key.key_kind = 'code' and named.successor_code = successor_key.school_key
    left join school as successor
        on successor_key.school_id = successor.school_id
),

counted as (
    select
        edge.*,
        count(case when is_new and problem is null and n_successors = 1 then 1 end)
            over (partition by successor_id)
            as n_predecessors
    from edge
),

direct as (
    select
        predecessor_id,
        successor_id,
        successor_code,
        case
            when n_successors > 1 then 'split'
            when not is_new then 'joined'
            when n_predecessors > 1 then 'merged'
            else 'recoded'
        end as kind,
        happened_on,
        problem,
        part_id,
        row_no
    from counted
),

-- Every way from a school through its successors; a way that comes back to where it has been ends there.
way as (
    {{ succession_ways('direct') }}
),

circle as (
    select distinct school_id from way
    where is_circle
),

indirect as (
    select
        way.predecessor_id,
        way.successor_id,
        min(way.n_steps) as n_steps
    from way
    where
        way.n_steps > 1
        and not way.is_circle
        and not exists (
            select 1 from direct
            where direct.predecessor_id = way.predecessor_id and direct.successor_id = way.successor_id
        )
    group by way.predecessor_id, way.successor_id
),

final as (
    select
        direct.predecessor_id,
        direct.successor_id,
        direct.successor_code,
        direct.kind,
        direct.happened_on,
        1 as n_steps,
        coalesce(direct.problem, case when circle.school_id is not null then 'circle' end) as problem,
        cast(null as text) as name_before,
        cast(null as text) as name_after,
        direct.part_id,
        direct.row_no
    from direct
    left join circle
        on direct.predecessor_id = circle.school_id
    union all
    select
        indirect.predecessor_id,
        indirect.successor_id,
        school.school_code,
        'through_others',
        cast(null as date),
        indirect.n_steps,
        cast(null as text),
        cast(null as text),
        cast(null as text),
        cast(null as bigint),
        cast(null as integer)
    from indirect
    inner join school
        on indirect.successor_id = school.school_id
    union all
    select
        school_id,
        cast(null as text),
        cast(null as text),
        'closed',
        ended_on,
        1,
        -- Reorganised into what?
        case when status = 'реорганизована' then 'no_successor' end,
        cast(null as text),
        cast(null as text),
        part_id,
        row_no
    from school
    where not has_successor and (status in ('закрыта', 'реорганизована') or ended_on is not null)
    union all
    select
        record_of as predecessor_id,
        record_of as successor_id,
        school_code,
        'renamed',
        valid_from,
        1,
        cast(null as text),
        last_name,
        name,
        part_id,
        row_no
    from record
    where version_no > 1 and {{ fold_name('name') }} <> {{ fold_name('last_name') }}
)

select
    concat_ws(
        ':', final.predecessor_id, final.kind, coalesce(final.successor_id, final.successor_code),
        cast(final.happened_on as text)
    ) as succession_id,
    final.predecessor_id,
    final.successor_id,
    final.successor_code,
    final.kind,
    final.happened_on,
    cast(final.n_steps as integer) as n_steps,
    final.successor_id is not null
    and final.kind <> 'renamed'
    and coalesce(final.problem, '') not in ('circle', 'own_successor')
    and not exists (
        select 1 from direct
        where
            direct.predecessor_id = final.successor_id
            and direct.successor_id is not null
            and direct.problem is distinct from 'own_successor'
    ) as is_last,
    'register' as how_known,
    final.problem,
    final.name_before,
    final.name_after,
    final.part_id,
    final.row_no
from final
