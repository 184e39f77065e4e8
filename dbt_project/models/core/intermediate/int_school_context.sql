-- Every context form with its school: a social passport and the federal form of one year are two rows.
{{ config(materialized='table') }}

with school_key as (
    select * from {{ ref('int_school_key') }}
    where school_id is not null
),

resolved as (
    select
        coalesce(code_key.school_id, login_key.school_id) as school_id,
        context.*,
        -- Of two forms of one school and year, the later file is right where both say something.
        row_number() over (
            partition by context.year, coalesce(code_key.school_id, login_key.school_id)
            order by context.part_id desc, context.row_no desc
        ) as preference
    from {{ ref('stg_school_context') }} as context
    left join school_key as code_key
        on code_key.key_kind = 'code' and context.school_code = code_key.school_key
    left join school_key as login_key
        on
            login_key.key_kind = 'login'
            and context.school_login = login_key.school_key
            and {{ key_holds('login_key', 'context.year') }}
    where context.year is not null
),

yes_no as (
    select * from {{ ref('value_list') }}
    where list_name = 'yes_no'
),

final as (
    select
        resolved.year,
        resolved.school_id,
        resolved.pupils,
        resolved.low_income,
        resolved.single_parent,
        resolved.large_family,
        resolved.both_parents_higher_education,
        resolved.parents_unemployed,
        resolved.russian_not_native,
        resolved.special_needs,
        resolved.on_register,
        resolved.under_guardianship,
        resolved.distance_km,
        resolved.teachers,
        resolved.teacher_vacancies,
        resolved.teachers_highest_category,
        resolved.settlement_type,
        resolved.settlement_size,
        resolved.transport_to_city,
        is_correctional_answer.value = 'да' as is_correctional,
        is_evening_answer.value = 'да' as is_evening,
        is_closed_type_answer.value = 'да' as is_closed_type,
        is_penal_answer.value = 'да' as is_penal,
        is_boarding_answer.value = 'да' as is_boarding,
        has_primary_answer.value = 'да' as has_primary,
        has_basic_answer.value = 'да' as has_basic,
        has_secondary_answer.value = 'да' as has_secondary,
        resolved.pupils_grade_1,
        resolved.pupils_grade_2,
        resolved.pupils_grade_3,
        resolved.pupils_grade_4,
        resolved.pupils_grade_5,
        resolved.pupils_grade_6,
        resolved.pupils_grade_7,
        resolved.pupils_grade_8,
        resolved.pupils_grade_9,
        resolved.pupils_grade_10,
        resolved.pupils_grade_11,
        resolved.pupils_grade_12,
        resolved.pupils_birth_year_older,
        resolved.pupils_birth_year_younger,
        resolved.adapted_programme_pupils,
        resolved.parents_attend,
        resolved.parents_help,
        resolved.primary_classes_percent,
        resolved.basic_classes_percent,
        resolved.secondary_classes_percent,
        settlement.value = 'село' as is_rural,
        resolved.file_id,
        resolved.part_id,
        resolved.row_no,
        resolved.preference
    from resolved
    left join {{ ref('value_list') }} as settlement
        on settlement.list_name = 'settlement_type' and {{ fold('resolved.settlement_type') }} = settlement.spelling
    {%- for answer in [
        'is_correctional',
        'is_evening',
        'is_closed_type',
        'is_penal',
        'is_boarding',
        'has_primary',
        'has_basic',
        'has_secondary'
    ] %}
        left join yes_no as {{ answer }}_answer
            on {{ fold('resolved.' ~ answer) }} = {{ answer }}_answer.spelling
    {%- endfor %}
    where resolved.school_id is not null
)

select * from final
