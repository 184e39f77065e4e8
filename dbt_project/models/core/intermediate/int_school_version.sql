{#-
    One row per school and period of its register record, from whatever registers there are: the school register
    (with periods), the login list, the context form, and for schools that no register holds, the results that
    name them.
-#}
{{ config(materialized='table') }}

with school_key as (
    select * from {{ ref('int_school_key') }}
    where school_id is not null
),

register_version as (
    select
        record_of as school_id,
        record.*,
        coalesce(full_name, short_name) as name,
        coalesce(short_name, full_name) as known_short_name
    from {{ ref('int_school_record') }} as record
    where school_code is not null
),

login_row as (
    select
        school_key.school_id,
        login.school_login,
        login.school_name,
        login.municipality,
        row_number() over (
            partition by school_key.school_id order by login.school_login asc, login.part_id desc, login.row_no asc
        ) as preference
    from {{ ref('stg_school_login') }} as login
    inner join school_key
        on school_key.key_kind = 'login' and login.school_login = school_key.school_key
),

context_row as (
    select
        coalesce(code_key.school_id, login_key.school_id) as school_id,
        context.*,
        row_number() over (
            partition by coalesce(code_key.school_id, login_key.school_id)
            order by context.year desc, context.part_id desc, context.row_no asc
        ) as preference
    from {{ ref('stg_school_context') }} as context
    left join school_key as code_key
        on code_key.key_kind = 'code' and context.school_code = code_key.school_key
    left join school_key as login_key
        on
            login_key.key_kind = 'login'
            and context.school_login = login_key.school_key
            and {{ key_holds('login_key', 'context.year') }}
),

result_of_school as (
    select
        school_key.school_id,
        result.school_login,
        result.school_name,
        result.municipality
    from {{ ref('int_result_key') }} as result
    inner join school_key
        on
            school_key.key_kind = 'login'
            and result.school_login = school_key.school_key
            and {{ key_holds('school_key', 'result.year') }}
    union all
    select
        school_key.school_id,
        cast(null as text),
        result.school_name,
        result.municipality
    from {{ ref('int_result_key') }} as result
    inner join school_key
        on
            school_key.key_kind = 'name'
            and result.school_name = school_key.school_key
            and result.municipality = school_key.municipality
            and {{ key_holds('school_key', 'result.year') }}
),

result_row as (
    select
        school_id,
        max(school_login) as school_login,
        max(school_name) as school_name,
        max(municipality) as municipality
    from result_of_school
    group by school_id
),

identity as (
    select
        school_id,
        -- A code that a decision gives to a school is not the school's own.
        min(case when key_kind = 'code' and school_id = 'C' || school_key then school_key end) as school_code,
        min(case when key_kind = 'login' and is_registered then school_key end) as school_login,
        max(case when is_registered then 1 else 0 end) as is_registered
    from school_key
    group by school_id
),

assembled as (
    select
        identity.school_id,
        coalesce(version.version_no, 1) as version_no,
        coalesce(version.school_code, identity.school_code) as school_code,
        coalesce(version.school_login, login_row.school_login, identity.school_login, result_row.school_login) as login,
        coalesce(
            version.name, login_row.school_name, context_row.full_name, context_row.school_name, result_row.school_name
        )
            as name,
        coalesce(version.known_short_name, login_row.school_name, context_row.school_name, result_row.school_name)
            as short_name,
        version.municipality_code,
        coalesce(version.municipality, login_row.municipality, result_row.municipality) as municipality,
        version.school_kind,
        version.education_level,
        version.locality,
        context_row.settlement_type,
        context_row.is_evening,
        context_row.is_correctional,
        context_row.is_boarding,
        context_row.has_primary,
        context_row.has_basic,
        context_row.has_secondary,
        version.inn,
        version.status,
        identity.is_registered = 1 as is_registered,
        version.is_leader,
        version.is_innovation_site,
        version.enrolment,
        version.ate_code,
        version.successor_code,
        version.valid_from,
        version.valid_to,
        coalesce(version.is_current, true) as is_current
    from identity
    left join register_version as version
        on identity.school_id = version.school_id
    left join login_row
        on identity.school_id = login_row.school_id and login_row.preference = 1
    left join context_row
        on identity.school_id = context_row.school_id and context_row.preference = 1
    left join result_row
        on identity.school_id = result_row.school_id
)

select * from assembled
