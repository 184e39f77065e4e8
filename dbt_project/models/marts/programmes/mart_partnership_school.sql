-- Whether each member of a programme has an agreement with a leader or an innovation site in the year, and with whom.
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

link as (

    select * from {{ ref('int_partner_link') }}

),

register as (

    select coalesce(bool_or(source = 'agreement'), false) as has_come
    from {{ ref('int_source_received') }}

),

-- An agreement that names no programme counts for every programme of its school.
counted as (

    select
        member.year,
        member.programme_code,
        member.school_id,
        cast(count(distinct link.object_key) as integer) as n_agreements,
        cast(count(distinct link.partner_key) as integer) as n_partners,
        array_agg(distinct link.object_key order by link.object_key) as agreement_keys,
        array_agg(distinct link.partner_key order by link.partner_key) as partner_keys,
        array_agg(distinct link.partner_code order by link.partner_code)
        filter (where link.partner_code is not null) as partner_codes,
        array_agg(distinct link.partner_name order by link.partner_name)
        filter (where link.partner_name is not null) as partner_names,
        string_agg(distinct coalesce(partner.school_label, link.partner_name), '; ') as partner_titles,
        min(link.valid_from) as first_day
    from member
    inner join link
        on
            member.year = link.year
            and member.school_id = link.school_id
            and coalesce(member.programme_code = link.programme_code, true)
    left join {{ ref('dim_school') }} as partner on link.partner_id = partner.school_id and partner.is_current
    group by member.year, member.programme_code, member.school_id

)

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
    -- What a register would have said is not known while it has not come.
    case when register.has_come then counted.school_id is not null end as is_covered,
    case when register.has_come then coalesce(counted.n_agreements, 0) end as n_agreements,
    case when register.has_come then coalesce(counted.n_partners, 0) end as n_partners,
    coalesce(counted.agreement_keys, '{}') as agreement_keys,
    coalesce(counted.partner_keys, '{}') as partner_keys,
    coalesce(counted.partner_codes, '{}') as partner_codes,
    coalesce(counted.partner_names, '{}') as partner_names,
    counted.partner_titles,
    counted.first_day,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from member
inner join {{ ref('programme') }} as programme on member.programme_code = programme.programme_code
cross join register
left join counted
    on
        member.year = counted.year
        and member.programme_code = counted.programme_code
        and member.school_id = counted.school_id
