-- Deficits of the people of each member of a programme: found at the start, gone at the end, or the person has left.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'programme_code', 'school_id'], 'unique': true}]
) }}

with

member as (

    select * from {{ ref('int_programme_member') }}

),

register as (

    select coalesce(bool_or(source = 'deficit'), false) as has_come
    from {{ ref('int_source_received') }}

),

target as (

    select
        programme_code,
        max(target) as target
    from {{ ref('indicator') }}
    where measure = 'deficit_closed'
    group by programme_code

),

person as (

    select
        school_id,
        has_final and n_remaining = 0 as is_closed,
        has_left,
        has_final,
        n_found_at_start,
        n_found_at_start - n_remaining as n_gone
    from {{ ref('int_deficit_person') }}
    where n_found_at_start > 0

),

counted as (

    select
        school_id,
        cast(count(*) as integer) as n_with_deficits,
        cast(count(*) filter (where has_left) as integer) as n_left,
        cast(count(*) filter (where is_closed) as integer) as n_closed,
        cast(count(*) filter (where has_final and not is_closed) as integer) as n_still,
        cast(count(*) filter (where not has_final and not has_left) as integer) as n_not_diagnosed,
        cast(sum(n_found_at_start) as integer) as n_deficits_at_start,
        cast(coalesce(sum(n_found_at_start) filter (where has_left), 0) as integer) as n_deficits_left,
        cast(coalesce(sum(n_gone) filter (where has_final), 0) as integer) as n_deficits_closed
    from person
    group by school_id

),

final as (

    select
        member.year,
        member.programme_code,
        programme.short_title as programme_title,
        member.school_id,
        member.school_code,
        member.school_name,
        member.school_label,
        member.school_kind,
        nullif(member.municipality_code, '') as municipality_code,
        member.municipality_name,
        {%- for count in [
            'n_with_deficits', 'n_left', 'n_closed', 'n_still', 'n_not_diagnosed', 'n_deficits_at_start',
            'n_deficits_left', 'n_deficits_closed'
        ] %}
            case when register.has_come then coalesce(counted.{{ count }}, 0) end as {{ count }},
        {%- endfor %}
        target.target
    from member
    inner join {{ ref('programme') }} as programme on member.programme_code = programme.programme_code
    cross join register
    left join target on member.programme_code = target.programme_code
    left join counted on member.school_id = counted.school_id

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
    municipality_code,
    municipality_name,
    n_with_deficits,
    n_left,
    n_closed,
    n_still,
    n_not_diagnosed,
    cast(n_closed as double precision) / nullif(n_with_deficits - n_left, 0) as share_closed,
    n_deficits_at_start,
    n_deficits_left,
    n_deficits_closed,
    cast(n_deficits_closed as double precision) / nullif(n_deficits_at_start - n_deficits_left, 0)
        as share_deficits_closed,
    target,
    -- In whole numbers.
    case when n_with_deficits > n_left then n_closed >= target * (n_with_deficits - n_left) end as is_target_reached,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from final
