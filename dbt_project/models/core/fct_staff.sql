{{ config(indexes=[{'columns': ['year', 'school_id']}, {'columns': ['person_id']}]) }}

with source as (
    select * from {{ ref('stg_staff') }}
),

resolved as (
    select
        source.*,
        school.school_id,
        school.municipality_code,
        coalesce(source.person_key, known.person_id, source.name_key) as person_id,
        position_listed.value as position_value,
        coalesce(category_listed.value, source.category) as category_value,
        teaches_russian_not_native_listed.value = 'да' as is_russian_not_native,
        teaches_inclusive_listed.value = 'да' as is_inclusive
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    left join {{ ref('int_staff_person') }} as known
        on source.name_key = known.name_key
    {{ join_list('position', 'staff_position') }}
    {{ join_list('category', 'staff_category') }}
    {{ join_list('teaches_russian_not_native', 'yes_no') }}
    {{ join_list('teaches_inclusive', 'yes_no') }}
),

-- Of two rows for one job of one person, the later file is right; who is not known at all stands alone.
preferred as (
    select
        resolved.*,
        row_number() over (
            partition by
                year,
                school_id,
                coalesce(person_id, cast(part_id as text) || '/' || cast(row_no as text)),
                position_value,
                subject
            order by part_id desc, row_no desc
        ) as preference
    from resolved
)

select
    {{ region_code() }} as region_code,
    year,
    school_id,
    school_code,
    municipality_code,
    person_id,
    person_key,
    snils_state,
    name_key,
    birth_year,
    position_value as position,
    subject,
    category_value as category,
    is_russian_not_native as teaches_russian_not_native,
    is_inclusive as teaches_inclusive,
    file_id,
    part_id,
    row_no
from preferred
where preference = 1
