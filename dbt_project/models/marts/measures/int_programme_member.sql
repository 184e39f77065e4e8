-- Members of each programme in each year, as the register knew them at the end of that year.

with

member as (

    select * from {{ ref('int_programme_school') }}
    where period_kind = 'year' and is_member

),

school as (

    select * from {{ ref('int_school_year') }}

)

select
    member.year,
    member.programme_code,
    member.school_id,
    member.school_code,
    school.school_name,
    school.school_label,
    member.municipality_code,
    school.municipality_name,
    member.school_kind,
    school.is_rural,
    school.pupils
from member
left join school on member.year = school.year and member.school_id = school.school_id
