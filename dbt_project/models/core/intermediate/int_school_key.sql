{#-
    Key of a school as written in a file → school_id, with the campaign years in which it is so. A pure function of the
    files and of what people decided about keys that the files leave open: the code if one is known, else the login,
    else municipality and name.
-#}
{{ config(materialized='table') }}

with register as (
    select * from {{ ref('int_register_key') }}
),

-- Which kinds of key the registers hold at all: a kind that no register holds is introduced by the results themselves.
register_kind as (
    select
        coalesce(bool_or(school_code is not null), false) as has_codes,
        coalesce(bool_or(municipality is not null and school_name is not null), false) as has_names
    from register
),

owner as (
    select * from {{ ref('int_key_owner') }}
),

unique_digits as (
    select
        key_value as digits,
        min(school_id) as school_id
    from owner
    where key_kind = 'login' and key_value <> ''
    group by key_value
    having count(distinct school_id) = 1
),

login_key as (
    select
        'login' as key_kind,
        login.school_login as school_key,
        '' as municipality,
        owner.year_from,
        owner.year_to,
        case when not coalesce(owner.is_shared, false) then coalesce(owner.school_id, digits.school_id) end
            as school_id,
        login.is_registered,
        case
            when owner.is_shared then 'shared'
            when owner.school_id is not null and login.is_registered then 'register'
            when owner.school_id is not null and known.is_known then 'login_family'
            when owner.school_id is not null then 'results'
            when digits.school_id is not null then 'login_digits'
            else 'unknown'
        end as how,
        owner.valid_from,
        owner.valid_to
    from {{ ref('int_login') }} as login
    cross join (select coalesce(bool_or(is_registered), false) as is_known from {{ ref('int_login') }}) as known
    left join owner
        on owner.key_kind = 'login' and login.family = owner.key_group and login.digits = owner.key_value
    left join unique_digits as digits
        on login.digits = digits.digits
),

written_code as (
    select
        school_code,
        0 as rank
    from register
    where school_code is not null
    union all
    select
        school_code,
        1
    from {{ ref('int_result_key') }}
    where school_code is not null
    union all
    -- Registers of support introduce no school.
    select
        school_key,
        2
    from {{ ref('int_key_use') }}
    where key_kind = 'code'
),

code_key as (
    select
        'code' as key_kind,
        written.school_code as school_key,
        '' as municipality,
        cast(null as integer) as year_from,
        cast(null as integer) as year_to,
        case
            when min(written.rank) = 0 or (min(written.rank) = 1 and not bool_or(register_kind.has_codes))
                then 'C' || written.school_code
        end as school_id,
        min(written.rank) = 0 as is_registered,
        case
            when min(written.rank) = 0 then 'register'
            when min(written.rank) = 1 and not bool_or(register_kind.has_codes) then 'results'
            else 'unknown'
        end as how,
        cast(null as date) as valid_from,
        cast(null as date) as valid_to
    from written_code as written
    cross join register_kind
    group by written.school_code
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
        written.school_name as school_key,
        written.municipality,
        owner.year_from,
        owner.year_to,
        case
            when not register_kind.has_names
                then 'N' || substr(md5(written.municipality_folded || '|' || written.name_folded), 1, 10)
            when not owner.is_shared then owner.school_id
        end as school_id,
        coalesce(not owner.is_shared, false) as is_registered,
        case
            when not register_kind.has_names then 'results'
            when owner.is_shared then 'shared'
            else coalesce(owner.origin, 'unknown')
        end as how,
        owner.valid_from,
        owner.valid_to
    from written_name as written
    cross join register_kind
    left join owner
        on
            owner.key_kind = 'name'
            and written.municipality_folded = owner.key_group
            and written.name_folded = owner.key_value
),

by_rule as (
    select * from login_key
    union all
    select * from code_key
    union all
    select * from name_key
),

-- A key that several schools bear at one time is one row, without a school.
ruled as (
    select distinct
        key_kind,
        school_key,
        municipality,
        case when how <> 'shared' then year_from end as year_from,
        case when how <> 'shared' then year_to end as year_to,
        school_id,
        is_registered and school_id is not null as is_registered,
        how,
        case when how <> 'shared' then valid_from end as valid_from,
        case when how <> 'shared' then valid_to end as valid_to,
        {{ fold_key('key_kind', 'school_key') }} as key_folded,
        {{ fold_name('municipality') }} as municipality_folded
    from by_rule
),

-- The school that a decision names: by its code where codes are known, else by a login of one school.
target as (
    select
        lower(school_key) as target_key,
        min(school_id) as school_id
    from ruled
    where key_kind in ('code', 'login') and school_id is not null
    group by lower(school_key)
    having count(distinct school_id) = 1
),

decided as (
    select distinct
        ruled.key_kind,
        ruled.school_key,
        ruled.municipality,
        cast(null as integer) as year_from,
        cast(null as integer) as year_to,
        case decision.decision
            when 'school' then target.school_id
            when 'new' then case ruled.key_kind
                when 'code' then 'C' || ruled.school_key
                when 'login' then 'L' || login.id_prefix || login.digits
                else 'N' || substr(md5(ruled.municipality_folded || '|' || ruled.key_folded), 1, 10)
            end
        end as school_id,
        false as is_registered,
        case
            when decision.decision = 'not_school' then 'not_school'
            when decision.decision = 'school' and target.school_id is null then 'unknown'
            else 'decision'
        end as how,
        cast(null as date) as valid_from,
        cast(null as date) as valid_to,
        -- What the rules would say: where it is another school, the decision is due to be looked at again.
        max(ruled.school_id)
            over (partition by ruled.key_kind, ruled.school_key, ruled.municipality) as ruled_school_id
    from ruled
    inner join {{ ref('stg_school_decision') }} as decision
        on
            ruled.key_kind = decision.key_kind
            and ruled.key_folded = decision.school_key
            and ruled.municipality_folded = decision.municipality
    left join target
        on decision.target_key = target.target_key
    left join {{ ref('int_login') }} as login
        on ruled.key_kind = 'login' and ruled.school_key = login.school_login
),

final as (
    select * from decided
    union all
    select
        ruled.key_kind,
        ruled.school_key,
        ruled.municipality,
        ruled.year_from,
        ruled.year_to,
        ruled.school_id,
        ruled.is_registered,
        ruled.how,
        ruled.valid_from,
        ruled.valid_to,
        ruled.school_id as ruled_school_id
    from ruled
    left join decided
        on
            ruled.key_kind = decided.key_kind
            and ruled.school_key = decided.school_key
            and ruled.municipality = decided.municipality
    where decided.school_key is null
)

select * from final
