-- Which schools each source has accepted rows of, year by year, and since when; registers without a year are looked at
-- anew each time.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ clear_of_years() }}"
) }}

with

version as (

    select
        part_id,
        source,
        year,
        in_force,
        -- A corrected version of the same content does not make it late.
        min(landed_at) over (
            partition by coalesce(content_key, cast(part_id as text)), scope_kind, scope_key
        ) as first_landed_at
    from {{ source('ops', 'source_part') }}
    where status = 'landed' and {{ of_years('year') }}

),

part as (

    select
        part_id,
        source,
        year,
        {{ day_here('first_landed_at') }} as first_landed_on
    from version
    where in_force

),

named as (

    {% for name, columns in school_key_columns() %}
        select distinct
            part_id,
            {{ 'school_code' if 'school_code' in columns else 'cast(null as text) as school_code' }},
            {{ 'school_login' if 'school_login' in columns else 'cast(null as text) as school_login' }}
        from {{ ref('stg_' ~ name) }}
        where {{ in_parts('part_id') }} and part_id in (select part.part_id from part where part.source = '{{ name }}')
        union all
    {% endfor %}
    select
        cast(null as bigint) as part_id,
        cast(null as text) as school_code,
        cast(null as text) as school_login
    where false

)

select
    part.source,
    part.year,
    coalesce(by_code.school_id, by_login.school_id) as school_id,
    min(part.first_landed_on) as first_landed_on
from named
inner join part on named.part_id = part.part_id
left join {{ ref('int_school_key') }} as by_code
    on by_code.key_kind = 'code' and named.school_code = by_code.school_key
left join {{ ref('int_school_key') }} as by_login
    on
        by_login.key_kind = 'login'
        and named.school_login = by_login.school_key
        and {{ key_holds('by_login', 'part.year') }}
where coalesce(by_code.school_id, by_login.school_id) is not null
group by part.source, part.year, coalesce(by_code.school_id, by_login.school_id)
