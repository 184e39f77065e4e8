-- What became of each school and what it has taken over, in words; the results of a predecessor stay with it.

with

succession as (

    select * from {{ ref('bridge_school_succession') }}

),

school as (

    select
        school_id,
        school_code,
        school_label,
        municipality_name
    from {{ ref('dim_school') }}
    where is_current

),

result_year as (

    select distinct
        school_id,
        year
    from {{ ref('fct_school_procedure') }}

),

result as (

    select
        school_id,
        min(year) as first_year,
        max(year) as last_year,
        string_agg(cast(year as text), ', ' order by year) as years
    from result_year
    group by school_id

),

event as (

    -- Of the school itself; whose last successor is told once, not every step to it.
    select
        'own' as side,
        predecessor_id as school_id,
        case when kind <> 'renamed' then successor_id end as other_id,
        *
    from succession
    where kind <> 'through_others' or is_last
    union all
    -- Of what the school has taken over.
    select
        'taken_over' as side,
        successor_id as school_id,
        predecessor_id as other_id,
        *
    from succession
    where
        kind <> 'renamed'
        and successor_id is not null
        and coalesce(problem, '') not in ('own_successor', 'circle')

),

told as (

    select
        event.succession_id || ':' || event.side as history_id,
        event.school_id,
        school.school_code,
        school.school_label,
        school.municipality_name,
        event.side,
        event.kind,
        event.side || ' ' || event.kind as event_kind,
        event.happened_on,
        event.other_id,
        other.school_label as other_label,
        result.first_year as other_first_year,
        result.last_year as other_last_year,
        event.problem,
        coalesce('с ' || to_char(event.happened_on, 'DD.MM.YYYY'), 'дата неизвестна:') as since,
        case
            when event.side = 'own' then 'её результаты до этого остались за ней'
            when result.years is null then 'её результатов в хранилище нет'
            else 'её результаты до этого — за ней, под её ключом: ' || result.years
        end as whose_results,
        coalesce(other.school_label, 'с кодом ' || event.successor_code) as other_name,
        event.name_before,
        event.name_after
    from event
    inner join school on event.school_id = school.school_id
    left join school as other on event.other_id = other.school_id
    left join result on event.other_id = result.school_id

),

worded as (

    select
        told.*,
        case event_kind
            when 'own renamed' then since || ' называется: ' || name_after || '; до этого — ' || name_before
            when 'own recoded' then since || ' у школы новый код: ' || other_name || '; ' || whose_results
            when 'own merged' then since || ' слита с другими в новую школу: ' || other_name || '; ' || whose_results
            when 'own joined' then since || ' присоединена к школе ' || other_name || '; ' || whose_results
            when 'own split' then since || ' разделена, правопреемник — ' || other_name || '; ' || whose_results
            when 'own closed' then since || ' закрыта, правопреемника нет'
            when 'own through_others' then 'последний правопреемник — ' || other_name
            when 'taken_over recoded'
                then since || ' у школы новый код, до этого — ' || other_name || '; ' || whose_results
            when 'taken_over merged'
                then since || ' школа создана слиянием, в неё вошла ' || other_name || '; ' || whose_results
            when 'taken_over joined' then since || ' в школу влилась ' || other_name || '; ' || whose_results
            when 'taken_over split'
                then since || ' школа получила часть разделённой школы ' || other_name || '; ' || whose_results
            when 'taken_over through_others'
                then 'через других в школу вошла ' || other_name || '; ' || whose_results
        end as words,
        case problem
            when 'unknown_successor' then 'код правопреемника в реестре не найден'
            when 'own_successor' then 'школа названа правопреемником самой себя'
            when 'circle' then 'правопреемники названы по кругу'
            when 'not_ended' then 'школа действует, а правопреемник назван'
            when 'no_successor' then 'школа реорганизована, а правопреемник не назван'
        end as problem_title
    from told

)

select
    history_id,
    school_id,
    school_code,
    school_label,
    municipality_name,
    side,
    kind,
    happened_on,
    other_id as other_school_id,
    other_label as other_school_label,
    other_first_year,
    other_last_year,
    problem,
    problem_title,
    words || coalesce('. Проверьте реестр: ' || problem_title, '') as told
from worded
