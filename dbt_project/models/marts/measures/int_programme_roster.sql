-- Who works at a programme's schools and at their partners in the year of each period, one row for a person and school.
{{ config(indexes=[{'columns': ['programme_code', 'period']}]) }}

with

school as (

    select * from {{ ref('int_programme_school') }}

),

period as (

    select * from {{ ref('int_programme_period') }}
    where period_kind <> 'quarter'

),

partner as (

    select distinct
        period.programme_code,
        period.period,
        agreement.partner_id as school_id
    from period
    inner join {{ ref('int_support_fact') }} as agreement
        on
            agreement.fact = 'agreement'
            and 'leader' = any(agreement.tags)
            and coalesce(period.programme_code = agreement.programme_code, true)
            and period.date_to >= agreement.valid_from
            and coalesce(period.date_from <= agreement.valid_to, true)
    inner join school
        on
            period.programme_code = school.programme_code
            and period.period = school.period
            and agreement.school_id = school.school_id
            and school.is_member

),

listed as (

    select
        school.year,
        school.programme_code,
        school.period,
        school.school_id,
        school.school_code,
        school.municipality_code,
        school.is_member,
        partner.school_id is not null or school.is_mentor as is_partner
    from school
    left join partner
        on
            school.programme_code = partner.programme_code
            and school.period = partner.period
            and school.school_id = partner.school_id
    where school.is_member or school.is_mentor or partner.school_id is not null

)

select
    listed.year,
    listed.programme_code,
    listed.period,
    listed.school_id,
    listed.school_code,
    listed.municipality_code,
    listed.is_member,
    listed.is_partner,
    staff.person_id,
    array_agg(distinct staff.position order by staff.position) as positions,
    bool_or(coalesce(staff.teaches_russian_not_native, false)) as teaches_russian_not_native,
    bool_or(coalesce(staff.teaches_inclusive, false)) as teaches_inclusive,
    max(staff.birth_year) as birth_year,
    array_agg(distinct {{ fold('staff.category') }}) filter (where staff.category is not null) as categories
from listed
inner join {{ ref('fct_staff') }} as staff on listed.year = staff.year and listed.school_id = staff.school_id
where staff.person_id is not null
group by
    listed.year,
    listed.programme_code,
    listed.period,
    listed.school_id,
    listed.school_code,
    listed.municipality_code,
    listed.is_member,
    listed.is_partner,
    staff.person_id
