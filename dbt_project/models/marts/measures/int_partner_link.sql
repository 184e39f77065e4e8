-- Agreements with leaders and innovation sites in force in each year of the programmes: a row for a school and partner.

with

asked as (

    -- The whole calendar year, also of a programme that begins or ends within it.
    select distinct
        year,
        make_date(year, 1, 1) as date_from,
        make_date(year, 12, 31) as date_to
    from {{ ref('int_programme_period') }}
    where period_kind = 'year'

),

agreement as (

    select * from {{ ref('int_support_fact') }}
    where fact = 'agreement' and 'leader' = any(tags)

),

written as (

    select * from {{ ref('fct_agreement') }}

),

partner as (

    select * from {{ ref('int_school_year') }}

)

select
    asked.year,
    agreement.programme_code,
    agreement.school_id,
    agreement.object_key,
    agreement.partner_id,
    agreement.valid_from,
    agreement.valid_to,
    coalesce(partner.school_code, written.partner_code) as partner_code,
    coalesce(partner.school_name, written.partner_name) as partner_name,
    coalesce(agreement.partner_id, {{ fold_name('written.partner_name') }}, written.partner_code) as partner_key
from asked
inner join agreement
    on
        asked.date_to >= agreement.valid_from
        and coalesce(asked.date_from <= agreement.valid_to, true)
left join written on agreement.part_id = written.part_id and agreement.row_no = written.row_no
left join partner on asked.year = partner.year and agreement.partner_id = partner.school_id
