{#- The records of the register of schools: one row per school and period, each ending where the next begins. -#}
{{ config(materialized='table') }}

with register_row as (
    select
        school.*,
        -- A register without codes knows its schools by their logins.
        coalesce('C' || school.school_code, 'L' || school.school_login) as record_of,
        -- The same school and start of validity in two files: the later file is right.
        row_number() over (
            partition by coalesce('C' || school.school_code, 'L' || school.school_login), school.valid_from
            order by school.part_id desc, school.row_no desc
        ) as preference
    from {{ ref('stg_school') }} as school
    where school.school_code is not null or school.school_login is not null
)

select
    record_of,
    school_code,
    school_login,
    full_name,
    short_name,
    municipality_code,
    municipality,
    school_kind,
    education_level,
    locality,
    inn,
    status,
    is_leader,
    is_innovation_site,
    enrolment,
    ate_code,
    successor_code,
    valid_from,
    -- A version ends where the next begins, if the register does not say so itself.
    least(
        coalesce(valid_to, lead(valid_from) over history - 1),
        lead(valid_from) over history - 1
    ) as valid_to,
    row_number() over history as version_no,
    row_number() over (
        partition by record_of order by coalesce(valid_from, cast('0001-01-01' as date)) desc
    ) = 1 as is_current,
    part_id,
    row_no
from register_row
where preference = 1
window history as (partition by record_of order by coalesce(valid_from, cast('0001-01-01' as date)))
