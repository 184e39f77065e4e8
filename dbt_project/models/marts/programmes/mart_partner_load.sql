-- How many schools each leader or innovation site helps in each year of the programmes.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id'], 'unique': true}]
) }}

with

school as (

    select * from {{ ref('int_school_year') }}

),

link as (

    select * from {{ ref('int_partner_link') }}
    where partner_id is not null

),

register as (

    select coalesce(bool_or(source = 'agreement'), false) as has_come
    from {{ ref('int_source_received') }}

),

limits as (

    select max(value) filter (where parameter = 'max_schools') as max_schools
    from {{ ref('partner_suggestion') }}

),

-- Pupils of a school are counted once, however many agreements it has with one partner.
pair as (

    select distinct
        year,
        partner_id,
        school_id
    from link

),

helped as (

    select
        link.year,
        link.partner_id,
        count(*) as n_schools_helped,
        sum(school.pupils) as pupils_helped
    from pair as link
    left join school on link.year = school.year and link.school_id = school.school_id
    group by link.year, link.partner_id

),

agreement as (

    select
        year,
        partner_id,
        count(distinct object_key) as n_agreements
    from link
    group by year, partner_id

),

programme as (

    select
        covered.year,
        listed.partner_key as partner_id,
        array_agg(distinct covered.programme_code order by covered.programme_code) as programmes,
        string_agg(distinct covered.programme_title, '; ') as programme_titles
    from {{ ref('mart_partnership_school') }} as covered
    cross join lateral unnest(covered.partner_keys) as listed (partner_key)
    where {{ method_in_span('covered.year') }}
    group by covered.year, listed.partner_key

)

select
    school.year,
    school.school_id,
    school.school_code,
    school.school_name,
    school.school_label,
    school.municipality_code,
    school.municipality_name,
    school.school_kind,
    school.is_leader,
    school.is_innovation_site,
    school.pupils,
    case when register.has_come then cast(coalesce(helped.n_schools_helped, 0) as integer) end as n_schools_helped,
    case when register.has_come then cast(coalesce(agreement.n_agreements, 0) as integer) end as n_agreements,
    coalesce(programme.programmes, '{}') as programmes,
    programme.programme_titles,
    cast(helped.pupils_helped as integer) as pupils_helped,
    limits.max_schools,
    case when register.has_come then coalesce(helped.n_schools_helped, 0) > limits.max_schools end as is_overloaded,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from school
cross join register
cross join limits
left join helped on school.year = helped.year and school.school_id = helped.partner_id
left join agreement on school.year = agreement.year and school.school_id = agreement.partner_id
left join programme on school.year = programme.year and school.school_id = programme.partner_id
where school.is_leader or school.is_innovation_site or helped.partner_id is not null
