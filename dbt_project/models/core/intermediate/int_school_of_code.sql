{{ config(materialized='table') }}

select
    school_key.school_key as school_code,
    school_key.school_id,
    school.municipality_code
from {{ ref('int_school_key') }} as school_key
left join {{ ref('dim_school') }} as school
    on school_key.school_id = school.school_id and school.is_current
where school_key.key_kind = 'code' and school_key.school_id is not null
