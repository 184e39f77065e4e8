{#-
    Key of a school as written in a file → school_id. A pure function of the keys that the warehouse knows: the
    code if one is known, else the login, else municipality and name.
-#}
{{ config(materialized='table') }}

with municipality as (
    select
        municipality_code,
        max(municipality) as municipality
    from {{ ref('stg_municipality') }}
    group by municipality_code
),

school as (
    select
        school.school_code,
        school.school_login,
        coalesce(school.municipality, municipality.municipality) as municipality,
        school.full_name,
        school.short_name,
        school.valid_from,
        school.valid_to
    from {{ ref('stg_school') }} as school
    left join municipality
        on school.municipality_code = municipality.municipality_code
),

register as (
    select
        school_code,
        school_login,
        municipality,
        full_name as school_name,
        valid_from,
        valid_to
    from school
    union all
    select
        school_code,
        school_login,
        municipality,
        short_name,
        valid_from,
        valid_to
    from school
    union all
    select
        cast(null as text),
        school_login,
        municipality,
        school_name,
        cast(null as date),
        cast(null as date)
    from {{ ref('stg_school_login') }}
    union all
    select
        school_code,
        school_login,
        cast(null as text),
        school_name,
        cast(null as date),
        cast(null as date)
    from {{ ref('stg_school_context') }}
    union all
    -- Other spellings of a name belong to the municipality of their school; a code that no register holds brings none.
    select distinct
        school.school_code,
        cast(null as text),
        school.municipality,
        alias.alias,
        cast(null as date),
        cast(null as date)
    from {{ ref('stg_school_name_alias') }} as alias
    inner join school
        on alias.school_code = school.school_code
),

-- Which kinds of key the registers hold at all: a kind that no register holds is introduced by the results themselves.
register_kind as (
    select
        coalesce(max(case when school_code is not null then 1 end), 0) as has_codes,
        coalesce(max(case when school_login is not null then 1 end), 0) as has_logins,
        coalesce(max(case when municipality is not null and school_name is not null then 1 end), 0) as has_names
    from register
),

written_login as (
    select
        school_login,
        1 as is_registered
    from register
    where school_login is not null
    union
    select
        school_login,
        0
    from {{ ref('int_result_key') }}
    where school_login is not null
),

login_part as (
    select
        written.school_login,
        max(written.is_registered) as is_registered,
        regexp_replace(lower(written.school_login), '[0-9].*$', '') as prefix,
        regexp_replace(lower(written.school_login), '^[^0-9]+', '') as digits
    from written_login as written
    group by written.school_login
),

login_family as (
    select
        part.school_login,
        part.is_registered,
        part.digits,
        coalesce(family.family, part.prefix) as family,
        case when family.family is null then part.prefix else coalesce(family.id_prefix, '') end as id_prefix
    from login_part as part
    left join {{ ref('login_prefix') }} as family
        on part.prefix = family.prefix
),

-- A login that the register ties to several codes over time: the code in force, else the latest.
login_code as (
    select
        login_family.family,
        login_family.digits,
        register.school_code,
        row_number() over (
            partition by login_family.family, login_family.digits
            order by
                case when register.valid_to is null then 0 else 1 end,
                register.valid_to desc,
                coalesce(register.valid_from, cast('0001-01-01' as date)) desc,
                register.school_code
        ) as preference
    from register
    inner join login_family
        on register.school_login = login_family.school_login
    where register.school_code is not null
),

known_login as (
    select
        login_family.family,
        login_family.digits,
        coalesce('C' || min(login_code.school_code), 'L' || min(login_family.id_prefix) || login_family.digits)
            as school_id
    from login_family
    cross join register_kind
    left join login_code
        on
            login_family.family = login_code.family
            and login_family.digits = login_code.digits
            and login_code.preference = 1
    where login_family.is_registered = 1 or register_kind.has_logins = 0
    group by login_family.family, login_family.digits
),

unique_digits as (
    select
        digits,
        min(school_id) as school_id
    from known_login
    where digits <> ''
    group by digits
    having count(distinct school_id) = 1
),

login_key as (
    select
        'login' as key_kind,
        login_family.school_login as school_key,
        '' as municipality,
        coalesce(known_login.school_id, unique_digits.school_id) as school_id,
        login_family.is_registered
    from login_family
    left join known_login
        on login_family.family = known_login.family and login_family.digits = known_login.digits
    left join unique_digits
        on login_family.digits = unique_digits.digits
),

code_key as (
    select
        'code' as key_kind,
        written.school_code as school_key,
        '' as municipality,
        case
            when max(written.is_registered) = 1 or max(register_kind.has_codes) = 0 then 'C' || written.school_code
        end as school_id,
        max(written.is_registered) as is_registered
    from (
        select
            school_code,
            1 as is_registered
        from register
        where school_code is not null
        union
        select
            school_code,
            0
        from {{ ref('int_result_key') }}
        where school_code is not null
    ) as written
    cross join register_kind
    group by written.school_code
),

registered_name as (
    select
        {{ fold_name('register.municipality') }} as municipality_folded,
        {{ fold_name('register.school_name') }} as name_folded,
        min(coalesce('C' || register.school_code, login_key.school_id)) as school_id
    from register
    left join login_key
        on register.school_login = login_key.school_key
    where register.municipality is not null and register.school_name is not null
    group by 1, 2
    having count(distinct coalesce('C' || register.school_code, login_key.school_id)) = 1
),

written_name as (
    select distinct
        municipality,
        school_name,
        {{ fold_name('municipality') }} as municipality_folded,
        {{ fold_name('school_name') }} as name_folded
    from {{ ref('int_result_key') }}
    where school_login is null and school_code is null and school_name is not null and municipality is not null
),

name_key as (
    select
        'name' as key_kind,
        written_name.school_name as school_key,
        written_name.municipality,
        case
            when register_kind.has_names = 1 then registered_name.school_id
            else 'N' || substr(md5(written_name.municipality_folded || '|' || written_name.name_folded), 1, 10)
        end as school_id,
        case when registered_name.school_id is null then 0 else 1 end as is_registered
    from written_name
    cross join register_kind
    left join registered_name
        on
            written_name.municipality_folded = registered_name.municipality_folded
            and written_name.name_folded = registered_name.name_folded
),

final as (
    select * from login_key
    union all
    select * from code_key
    union all
    select * from name_key
)

select
    key_kind,
    school_key,
    municipality,
    school_id,
    is_registered = 1 as is_registered
from final
