-- People of a programme's members in each year: who is in the staff list, and who has finished a fitting course.

with

member as (

    select
        member.year,
        member.programme_code,
        member.school_id,
        programme.pd_min_hours,
        programme.pd_positions
    from {{ ref('int_programme_member') }} as member
    inner join {{ ref('programme') }} as programme on member.programme_code = programme.programme_code

),

record as (

    select
        school_id,
        person_id,
        position,
        is_position_from_staff,
        hours,
        status,
        is_finished,
        coalesce({{ fold('course') }}, certificate_no, part_id || ':' || row_no) as course_key,
        -- Who has not finished may have no last day.
        cast(extract(year from coalesce(finished_on, started_on)) as integer) as year,
        -- A duplicate stands for a document that was given before: its hours are not learned again.
        is_duplicate
        and bool_or(is_finished and not is_duplicate) over (
            partition by person_id, coalesce({{ fold('course') }}, certificate_no, part_id || ':' || row_no)
        ) as is_repeated
    from {{ ref('fct_pd_record') }}
    where person_id is not null

),

staff as (

    select
        year,
        school_id,
        person_id,
        array_agg(distinct position order by position) as positions,
        bool_or(coalesce(teaches_russian_not_native, false)) as teaches_russian_not_native,
        bool_or(coalesce(teaches_inclusive, false)) as teaches_inclusive
    from {{ ref('fct_staff') }}
    where person_id is not null
    group by year, school_id, person_id

),

fitting as (

    select
        member.year,
        member.programme_code,
        record.school_id,
        record.person_id,
        record.position,
        record.is_position_from_staff,
        record.course_key,
        record.hours,
        record.is_repeated,
        member.pd_positions ? record.position as is_of_position
    from member
    inner join record on member.year = record.year and member.school_id = record.school_id
    where record.is_finished and record.hours >= member.pd_min_hours

),

-- The same course written down twice, in two registers or for two positions, is one course.
course as (

    select
        {{ worker_key() }},
        course_key,
        max(hours) as hours
    from fitting
    where is_of_position and not is_repeated
    group by {{ worker_key() }}, course_key

),

hours as (

    select
        {{ worker_key() }},
        cast(sum(hours) as integer) as hours
    from course
    group by {{ worker_key() }}

),

-- A record that names no position is held in every position of the staff list.
held as (

    select
        {{ worker_key('fitting') }},
        array_agg(distinct listed.position order by listed.position) as positions
    from fitting
    left join staff
        on
            fitting.is_position_from_staff
            and fitting.year = staff.year
            and fitting.school_id = staff.school_id
            and fitting.person_id = staff.person_id
    cross join lateral unnest(array_append(coalesce(staff.positions, '{}'), fitting.position)) as listed (position)
    where fitting.is_of_position
    group by {{ worker_key('fitting') }}

),

given_up as (

    select
        member.year,
        member.programme_code,
        member.school_id,
        record.person_id,
        bool_or(record.status = 'отчислен') as is_expelled,
        bool_or(record.status = 'не завершил') as is_unfinished
    from member
    inner join record on member.year = record.year and member.school_id = record.school_id
    where not record.is_finished
    group by member.year, member.programme_code, member.school_id, record.person_id

),

listed as (

    select
        member.year,
        member.programme_code,
        member.school_id,
        staff.person_id,
        staff.positions,
        member.pd_positions ?| staff.positions as is_asked,
        staff.teaches_russian_not_native,
        staff.teaches_inclusive
    from member
    inner join staff on member.year = staff.year and member.school_id = staff.school_id

),

-- Whoever of the list has finished a fitting course, wherever and in whatever position it was written down.
trained as (

    select
        year,
        person_id,
        max(hours) as hours
    from record
    where is_finished
    group by year, person_id

),

person as (

    select
        {{ worker_key() }}
    from held
    union distinct
    select
        {{ worker_key() }}
    from given_up
    union distinct
    select
        {{ worker_key() }}
    from listed

)

select
    {{ worker_key('person') }},
    held.person_id is not null as is_completed,
    coalesce(held.positions, '{}') as completed_positions,
    hours.hours,
    coalesce(given_up.is_expelled, false) as is_expelled,
    coalesce(given_up.is_unfinished, false) as is_unfinished,
    coalesce(listed.is_asked, false) as is_listed,
    coalesce(listed.positions, '{}') as listed_positions,
    coalesce(listed.teaches_russian_not_native, false) as teaches_russian_not_native,
    coalesce(listed.teaches_inclusive, false) as teaches_inclusive,
    coalesce(trained.hours >= member.pd_min_hours, false) as is_trained
from person
inner join member
    on
        person.year = member.year
        and person.programme_code = member.programme_code
        and person.school_id = member.school_id
left join held on {{ same_worker('person', 'held') }}
left join hours on {{ same_worker('person', 'hours') }}
left join given_up on {{ same_worker('person', 'given_up') }}
left join listed on {{ same_worker('person', 'listed') }}
left join trained on person.year = trained.year and person.person_id = trained.person_id
