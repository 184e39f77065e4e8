{#- Name and birth date → person, where they belong to one СНИЛС only. The staff lists speak first; a name that they
    never give with a СНИЛС may still have one in the register of certificates. -#}
{{ config(materialized='table') }}

with pair as (
    select distinct
        name_key,
        person_key,
        1 as priority
    from {{ ref('stg_staff') }}
    where name_key is not null and person_key is not null
    union all
    select distinct
        name_key,
        person_key,
        2
    from {{ ref('stg_pd_record') }}
    where name_key is not null and person_key is not null
),

ranked as (
    select
        name_key,
        person_key,
        rank() over (partition by name_key order by priority) as preference
    from pair
),

final as (
    select
        name_key,
        min(person_key) as person_id
    from ranked
    where preference = 1
    group by name_key
    having count(*) = 1
)

select * from final
