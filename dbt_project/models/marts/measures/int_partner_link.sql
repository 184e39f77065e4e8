-- Agreements with leaders and innovation sites in force in each year of the programmes: one row for a school and partner.
{{ config(materialized='table', post_hook='analyze {{ this }}') }}

with

asked as (

    select distinct
        year,
        date_from,
        date_to
    from {{ ref('int_programme_period') }}
    where period_kind = 'year'

),

agreement as (

    select * from {{ ref('int_support_fact') }}
    where
        fact = 'agreement'
        and 'leader' = any(tags)
        -- Ended before it began: never in force, whatever the year.
        and coalesce(valid_to >= valid_from, true)

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
        agreement.valid_from <= asked.date_to
        and coalesce(agreement.valid_to >= asked.date_from, true)
left join written on agreement.part_id = written.part_id and agreement.row_no = written.row_no
left join partner on asked.year = partner.year and agreement.partner_id = partner.school_id
