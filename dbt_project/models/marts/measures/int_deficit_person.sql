-- Deficits of each person at each school: found at the start, still there at the end, or the person has left.
with

deficit as (

    select distinct
        school_id,
        person_id,
        stage,
        deficit_code,
        is_found
    from {{ ref('fct_deficit') }}
    where school_id is not null and person_id is not null

),

last_list as (

    select
        school_id,
        max(year) as year
    from {{ ref('fct_staff') }}
    group by school_id
    -- A single list cannot show that somebody has left since.
    having count(distinct year) > 1

),

staff as (

    select distinct
        staff.school_id,
        staff.person_id
    from {{ ref('fct_staff') }} as staff
    inner join last_list on staff.school_id = last_list.school_id and staff.year = last_list.year

),

of_person as (

    select
        school_id,
        person_id,
        bool_or(stage = 'старт') as has_start,
        bool_or(stage = 'итог') as has_final,
        count(distinct deficit_code) filter (where stage = 'старт' and is_found) as n_found_at_start,
        count(distinct deficit_code) filter (where stage = 'итог' and is_found) as n_found_at_end
    from deficit
    group by school_id, person_id

),

remaining as (

    select
        at_start.school_id,
        at_start.person_id,
        count(distinct at_start.deficit_code) as n_remaining
    from deficit as at_start
    inner join deficit as at_end
        on
            at_start.school_id = at_end.school_id
            and at_start.person_id = at_end.person_id
            and at_start.deficit_code = at_end.deficit_code
            and at_end.stage = 'итог'
            and at_end.is_found
    where at_start.stage = 'старт' and at_start.is_found
    group by at_start.school_id, at_start.person_id

)

select
    of_person.school_id,
    of_person.person_id,
    of_person.has_start,
    of_person.has_final,
    cast(of_person.n_found_at_start as integer) as n_found_at_start,
    cast(of_person.n_found_at_end as integer) as n_found_at_end,
    cast(coalesce(remaining.n_remaining, 0) as integer) as n_remaining,
    -- Nobody diagnosed the person at the end: gone, unless a later list of the school still names them.
    not of_person.has_final and staff.person_id is null as has_left
from of_person
left join remaining on of_person.school_id = remaining.school_id and of_person.person_id = remaining.person_id
left join staff on of_person.school_id = staff.school_id and of_person.person_id = staff.person_id
