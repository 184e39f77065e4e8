{#-
    Whose a login or a name is, and in which campaign years. A key of one school is its at all times. One that passed
    from a school to another is the first one's until the second's begins. A key that two schools bear at one time is
    nobody's: it is left to a person (docs/decisions/0004).
-#}
{{ config(materialized='table') }}

with register as (
    select * from {{ ref('int_register_key') }}
),

-- The register of schools says whose a login is; forms that name a code beside it are asked only where it is silent.
login_code as (
    select
        login.family,
        login.digits,
        'C' || register.school_code as school_id,
        register.valid_from,
        register.valid_to,
        case when register.origin = 'school' then 1 else 0 end as is_school_register,
        max(case when register.origin = 'school' then 1 else 0 end)
            over (partition by login.family, login.digits) as has_school_register
    from register
    inner join {{ ref('int_login') }} as login
        on register.school_login = login.school_login
    where register.school_code is not null
),

login_school as (
    select
        login.family,
        login.digits,
        count(distinct code.school_id) as n_codes,
        coalesce(min(code.school_id), 'L' || min(login.id_prefix) || login.digits) as school_id
    from {{ ref('int_login') }} as login
    cross join (select coalesce(bool_or(is_registered), false) as has_logins from {{ ref('int_login') }}) as known
    left join login_code as code
        on
            login.family = code.family
            and login.digits = code.digits
            and code.is_school_register = code.has_school_register
    -- Where no register holds a login, results introduce theirs.
    where login.is_registered or not known.has_logins
    group by login.family, login.digits
),

claim as (
    select
        'login' as key_kind,
        family as key_group,
        digits as key_value,
        school_id,
        'school' as origin,
        valid_from,
        valid_to
    from login_code
    where is_school_register = has_school_register
    union
    select
        'login',
        family,
        digits,
        school_id,
        'school_login',
        cast(null as date),
        cast(null as date)
    from login_school
    where n_codes = 0
    union
    select
        'name',
        {{ fold_name('register.municipality') }},
        {{ fold_name('register.school_name') }},
        coalesce('C' || register.school_code, login_school.school_id),
        register.origin,
        register.valid_from,
        register.valid_to
    from register
    left join {{ ref('int_login') }} as login
        on register.school_login = login.school_login
    left join login_school
        on login.family = login_school.family and login.digits = login_school.digits and login_school.n_codes < 2
    where
        register.municipality is not null
        and register.school_name is not null
        and coalesce('C' || register.school_code, login_school.school_id) is not null
),

claim_year as (
    select
        key_kind,
        key_group,
        key_value,
        school_id,
        case when bool_and(valid_from is not null) then min(valid_from) end as valid_from,
        case when bool_and(valid_to is not null) then max(valid_to) end as valid_to,
        -- A name that the register itself knows is no variant.
        case when bool_and(origin = 'alias') then 'alias' else 'register' end as origin
    from claim
    group by key_kind, key_group, key_value, school_id
),

placed as (
    select
        *,
        {{ first_key_year('valid_from') }} as starts_in,
        {{ last_key_year('valid_to') }} as ends_in
    from claim_year
),

ordered as (
    select
        *,
        row_number() over key_order as place,
        count(*) over (partition by key_kind, key_group, key_value) as n_owners,
        coalesce(starts_in, lag(ends_in) over key_order + 1) as year_from,
        lag(ends_in) over key_order as last_ends_in
    from placed
    window
        key_order as (
            partition by key_kind, key_group, key_value
            order by coalesce(starts_in, 0), coalesce(ends_in, 9999), school_id
        )
),

final as (
    select
        key_kind,
        key_group,
        key_value,
        school_id,
        origin,
        valid_from,
        valid_to,
        n_owners,
        case when place > 1 then year_from end as year_from,
        lead(year_from) over (partition by key_kind, key_group, key_value order by place) - 1 as year_to,
        -- The one before must have ended before the next begins.
        bool_or(place > 1 and coalesce(last_ends_in >= year_from, true))
            over (partition by key_kind, key_group, key_value) as is_shared
    from ordered
)

select * from final
