{#- Logins of registers and results, taken apart: letters, which tell the family, and digits. -#}
{{ config(materialized='table') }}

with written as (
    select
        school_login,
        1 as is_registered
    from {{ ref('int_register_key') }}
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
        school_login,
        max(is_registered) as is_registered,
        regexp_replace(lower(school_login), '[0-9].*$', '') as prefix,
        regexp_replace(lower(school_login), '^[^0-9]+', '') as digits
    from written
    group by school_login
)

select
    part.school_login,
    part.is_registered = 1 as is_registered,
    part.digits,
    coalesce(family.family, part.prefix) as family,
    case when family.family is null then part.prefix else coalesce(family.id_prefix, '') end as id_prefix
from login_part as part
left join {{ ref('login_prefix') }} as family
    on part.prefix = family.prefix
