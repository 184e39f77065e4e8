-- How many people of each member of a programme have finished a fitting course in the year, against what the text asks.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'programme_code', 'school_id'], 'unique': true}]
) }}

with

member as (

    select
        member.*,
        programme.short_title as programme_title,
        programme.pd_required,
        programme.pd_positions
    from {{ ref('int_programme_member') }} as member
    inner join {{ ref('programme') }} as programme on member.programme_code = programme.programme_code

),

person as (

    select
        year,
        programme_code,
        school_id,
        count(*) filter (where is_completed) as n_completed,
        count(*) filter (where 'директор' = any(completed_positions)) as n_directors,
        count(*) filter (where 'заместитель директора' = any(completed_positions)) as n_deputies,
        count(*) filter (where 'учитель' = any(completed_positions)) as n_teachers,
        count(*) filter (where is_completed and not is_listed) as n_not_listed,
        sum(hours) as hours,
        count(*) filter (where teaches_russian_not_native) as n_russian,
        count(*) filter (where teaches_russian_not_native and is_trained) as n_russian_trained,
        count(*) filter (where teaches_inclusive) as n_inclusive,
        count(*) filter (where teaches_inclusive and is_trained) as n_inclusive_trained,
        count(*) filter (where is_expelled) as n_expelled,
        count(*) filter (where is_unfinished) as n_unfinished
    from {{ ref('int_pd_person') }}
    group by year, programme_code, school_id

),

-- Somebody without any key is somebody all the same.
staff as (

    select
        member.year,
        member.programme_code,
        member.school_id,
        count(distinct coalesce(staff.person_id, staff.part_id || ':' || staff.row_no)) filter (
            where member.pd_positions ? staff.position
        ) as headcount
    from member
    inner join {{ ref('fct_staff') }} as staff on member.year = staff.year and member.school_id = staff.school_id
    group by member.year, member.programme_code, member.school_id

),

-- The register of courses comes by year.
register as (

    select distinct asked.year
    from (select distinct year from member) as asked
    inner join {{ ref('int_source_received') }} as received
        on received.source = 'pd_record' and coalesce(asked.year = received.year, true)

),

counted as (

    select
        member.*,
        register.year is not null as has_come,
        cast(staff.headcount as integer) as headcount,
        cast(coalesce(person.n_completed, 0) as integer) as n_completed,
        cast(coalesce(person.n_directors, 0) as integer) as n_directors,
        cast(coalesce(person.n_deputies, 0) as integer) as n_deputies,
        cast(coalesce(person.n_teachers, 0) as integer) as n_teachers,
        cast(coalesce(person.n_not_listed, 0) as integer) as n_not_listed,
        cast(coalesce(person.hours, 0) as integer) as hours,
        cast(coalesce(person.n_russian, 0) as integer) as n_russian,
        cast(coalesce(person.n_russian_trained, 0) as integer) as n_russian_trained,
        cast(coalesce(person.n_inclusive, 0) as integer) as n_inclusive,
        cast(coalesce(person.n_inclusive_trained, 0) as integer) as n_inclusive_trained,
        cast(coalesce(person.n_expelled, 0) as integer) as n_expelled,
        cast(coalesce(person.n_unfinished, 0) as integer) as n_unfinished
    from member
    left join register on member.year = register.year
    left join person
        on
            member.year = person.year
            and member.programme_code = person.programme_code
            and member.school_id = person.school_id
    left join staff
        on
            member.year = staff.year
            and member.programme_code = staff.programme_code
            and member.school_id = staff.school_id

)

select
    year,
    programme_code,
    programme_title,
    school_id,
    school_code,
    school_name,
    school_label,
    school_kind,
    nullif(municipality_code, '') as municipality_code,
    municipality_name,
    case when has_come then n_completed end as n_persons_completed,
    case when has_come then n_directors end as n_directors,
    case when has_come then n_deputies end as n_deputies,
    case when has_come then n_teachers end as n_teachers,
    headcount,
    pd_required as required,
    case when has_come then n_completed >= pd_required end as is_complete,
    -- Enough people, or everybody of a small school; how small a school without a list is cannot be known.
    case when has_come then n_completed >= pd_required or n_completed >= nullif(headcount, 0) end
        as is_complete_adjusted,
    -- Those whom the list of the year does not name any more can make it more than the whole.
    case when has_come then cast(least(n_completed, headcount) as double precision) / nullif(headcount, 0) end
        as completion_share,
    case when has_come and headcount is not null then n_not_listed end as n_not_listed,
    case when has_come then hours end as hours,
    case when headcount is not null then n_russian end as n_russian_not_native,
    case when has_come and headcount is not null then n_russian_trained end as n_russian_not_native_trained,
    case when headcount is not null then n_inclusive end as n_inclusive,
    case when has_come and headcount is not null then n_inclusive_trained end as n_inclusive_trained,
    case when has_come then n_expelled end as n_expelled,
    case when has_come then n_unfinished end as n_unfinished,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from counted
