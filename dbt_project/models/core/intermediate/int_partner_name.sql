-- Names by which an agreement can call a school: full and short ones of all times, and the known variants.
{{ config(materialized='view') }}

with named as (
    select
        school_id,
        {{ fold_name('name') }} as name_folded
    from {{ ref('int_school_version') }}
    union
    select
        school_id,
        {{ fold_name('short_name') }}
    from {{ ref('int_school_version') }}
    union
    select
        school.school_id,
        {{ fold_name('alias.alias') }}
    from {{ ref('stg_school_name_alias') }} as alias
    inner join {{ ref('int_school_of_code') }} as school
        on alias.school_code = school.school_code
),

-- A name that two schools bear names neither.
final as (
    select
        name_folded,
        min(school_id) as school_id
    from named
    where name_folded <> ''
    group by name_folded
    having count(distinct school_id) = 1
)

select * from final
