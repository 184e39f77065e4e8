{#- Keys of schools as the registers give them, and when they are theirs; one row may hold several keys. -#}
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
        record.school_code,
        record.school_login,
        coalesce(record.municipality, municipality.municipality) as municipality,
        record.full_name,
        record.short_name,
        record.inn,
        record.valid_from,
        record.valid_to
    from {{ ref('int_school_record') }} as record
    left join municipality
        on record.municipality_code = municipality.municipality_code
),

-- A code that a person has said to be another's: forms that name it mean that one.
decided as (
    select
        school_key as school_code,
        target_key
    from {{ ref('stg_school_decision') }}
    where key_kind = 'code' and decision = 'school'
),

final as (
    select
        'school' as origin,
        school_code,
        school_login,
        municipality,
        full_name as school_name,
        inn,
        valid_from,
        valid_to
    from school
    union
    select
        'school',
        school_code,
        school_login,
        municipality,
        short_name,
        inn,
        valid_from,
        valid_to
    from school
    union
    select
        'school_login',
        cast(null as text),
        school_login,
        municipality,
        school_name,
        cast(null as text),
        cast(null as date),
        cast(null as date)
    from {{ ref('stg_school_login') }}
    union
    select
        'school_context',
        coalesce(decided.target_key, context.school_code),
        context.school_login,
        cast(null as text),
        context.school_name,
        cast(null as text),
        cast(null as date),
        cast(null as date)
    from {{ ref('stg_school_context') }} as context
    left join decided
        on context.school_code = decided.school_code
    union
    -- Other spellings of a name belong to the municipality of their school; a code that no register holds brings none.
    select
        'alias',
        school.school_code,
        cast(null as text),
        school.municipality,
        alias.alias,
        cast(null as text),
        cast(null as date),
        cast(null as date)
    from {{ ref('stg_school_name_alias') }} as alias
    left join decided
        on alias.school_code = decided.school_code
    inner join school
        on coalesce(decided.target_key, alias.school_code) = school.school_code
)

select * from final
