-- Approved lists for everyone: every school of the year, listed or not, or not enough pupils to say. A view, because
-- lists are approved between calculations.
{{ config(materialized='view') }}

with

decision as (

    select * from {{ ref('mart_identification_published') }}
    where is_in_force

),

approved as (

    select
        year,
        method_code,
        max(method_title) as method_title,
        max(publication_document) as document
    from decision
    group by year, method_code

),

school as (

    select
        identification.year,
        identification.method_code,
        identification.school_id,
        identification.school_code,
        identification.school_name,
        identification.school_label,
        identification.municipality_code,
        identification.municipality_name,
        identification.school_kind,
        coalesce(publishable.is_enough, false) as is_enough
    from {{ ref('mart_identification') }} as identification
    inner join approved
        on
            identification.year = approved.year
            and identification.method_code = approved.method_code
    left join {{ ref('int_publishable_school') }} as publishable
        on
            identification.year = publishable.year
            and identification.school_id = publishable.school_id
            and identification.method_code = publishable.method_code

),

judged as (

    select
        school.*,
        approved.method_title,
        approved.document,
        case
            when not school.is_enough then 'insufficient_data'
            when decision.decided_status = 'included' then 'listed'
            else 'not_listed'
        end as status
    from school
    inner join approved on school.year = approved.year and school.method_code = approved.method_code
    left join decision
        on
            school.year = decision.year
            and school.method_code = decision.method_code
            and school.school_id = decision.school_id

)

select
    year,
    method_code,
    method_title,
    school_id,
    school_code,
    school_name,
    school_label,
    municipality_code,
    municipality_name,
    school_kind,
    status,
    case status
        when 'listed' then 'в перечне'
        when 'not_listed' then 'не в перечне'
        else 'недостаточно данных'
    end as status_title,
    document
from judged
