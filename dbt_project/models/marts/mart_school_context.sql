-- In what conditions a school works, and what results are to be expected of it in them.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id'], 'unique': true}]
) }}

with

context as (

    select * from {{ ref('fct_school_context') }}
    where {{ method_in_span('year') }}

),

-- Schools with a form, and schools with results: of the latter a year without a form stays a row of blanks.
school_of_year as (

    select * from {{ ref('int_school_of_year') }}

),

value as (

    select
        year,
        school_id,
        max(value) filter (where input_code = 'low_income') as low_income_share,
        max(value) filter (where input_code = 'single_parent') as single_parent_share,
        max(value) filter (where input_code = 'large_family') as large_family_share,
        max(value) filter (where input_code = 'both_parents_higher_education') as both_parents_higher_education_share,
        max(value) filter (where input_code = 'parents_unemployed') as parents_unemployed_share,
        max(value) filter (where input_code = 'russian_not_native') as russian_not_native_share,
        max(value) filter (where input_code = 'special_needs') as special_needs_share,
        max(value) filter (where input_code = 'on_register') as on_register_share,
        max(value) filter (where input_code = 'under_guardianship') as under_guardianship_share,
        max(value) filter (where input_code = 'teacher_vacancies') as teacher_vacancies_share,
        max(value) filter (where input_code = 'adapted_programme') as adapted_programme_share,
        max(value) filter (where input_code = 'grades_10_11') as grades_10_11_share,
        max(value) filter (where input_code = 'teachers_highest_category') as teachers_highest_category_share,
        max(value) filter (where input_code = 'primary_classes') as primary_classes_share,
        max(value) filter (where input_code = 'basic_classes') as basic_classes_share,
        max(value) filter (where input_code = 'secondary_classes') as secondary_classes_share,
        max(value) filter (where input_code = 'distance_km') as distance_km,
        cast(max(value) filter (where input_code = 'settlement_type') as integer) as settlement_type_code,
        cast(max(value) filter (where input_code = 'settlement_size') as integer) as settlement_size_code,
        cast(max(value) filter (where input_code = 'transport') as integer) as transport_code,
        cast(max(value) filter (where input_code = 'parents_attend') as integer) as parents_attend_code,
        cast(max(value) filter (where input_code = 'parents_help') as integer) as parents_help_code
    from {{ ref('int_context_value') }}
    where {{ method_in_span('year') }}
    group by year, school_id

),

-- Schools with the same index stand in the same quarter: it is the share of schools in harder conditions that counts.
index_of_year as (

    select
        year,
        school_id,
        index_code,
        index_version,
        context_index,
        n_inputs,
        n_missing_inputs,
        case
            when context_index is not null
                then
                    1 + 4 * (rank() over (partition by year order by context_index asc nulls last) - 1)
                    / count(context_index) over (partition by year)
        end as context_quartile
    from {{ source('estimates', 'estimate_context_index') }}
    where is_of_year and {{ method_in_span('year') }}

),

model as (

    select * from {{ ref('context_model') }}
    where is_default

),

outcome as (

    select
        outcome.year,
        outcome.school_id,
        outcome.model_code,
        model.model_version,
        outcome.y,
        outcome.n_participants
    from {{ ref('int_school_outcome') }} as outcome
    inner join model
        on
            outcome.model_code = model.model_code
            and outcome.year >= model.valid_from_year
            and outcome.year <= coalesce(model.valid_to_year, outcome.year)
            and outcome.n_participants >= cast(cast(model.parameters as jsonb) ->> 'min_participants' as integer)
    where {{ method_in_span('outcome.year') }}

)

select
    school_of_year.year,
    school_of_year.school_id,
    school_of_year.school_code,
    school_of_year.login,
    school_of_year.school_name,
    school_of_year.municipality_name,
    school_of_year.school_label,
    school_of_year.municipality_code,
    school_of_year.school_kind,
    coalesce(school_of_year.is_rural, context.is_rural) as is_rural,
    context.pupils,
    context.teachers,
    value.low_income_share,
    value.single_parent_share,
    value.large_family_share,
    value.both_parents_higher_education_share,
    value.parents_unemployed_share,
    value.russian_not_native_share,
    value.special_needs_share,
    value.on_register_share,
    value.under_guardianship_share,
    value.distance_km,
    value.teacher_vacancies_share,
    value.adapted_programme_share,
    value.grades_10_11_share,
    value.teachers_highest_category_share,
    value.primary_classes_share,
    value.basic_classes_share,
    value.secondary_classes_share,
    value.settlement_type_code,
    value.settlement_size_code,
    value.transport_code,
    value.parents_attend_code,
    value.parents_help_code,
    context.pupils_grade_1,
    context.pupils_grade_2,
    context.pupils_grade_3,
    context.pupils_grade_4,
    context.pupils_grade_5,
    context.pupils_grade_6,
    context.pupils_grade_7,
    context.pupils_grade_8,
    context.pupils_grade_9,
    context.pupils_grade_10,
    context.pupils_grade_11,
    context.pupils_grade_12,
    index_of_year.index_code,
    index_of_year.index_version,
    index_of_year.context_index,
    cast(index_of_year.context_quartile as integer) as context_quartile,
    index_of_year.n_inputs,
    index_of_year.n_missing_inputs,
    outcome.model_code,
    outcome.model_version,
    outcome.y as outcome_score,
    prediction.expected_score,
    prediction.residual_z,
    outcome.n_participants as n_participants_total,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from school_of_year
left join context
    on
        school_of_year.year = context.year
        and school_of_year.school_id = context.school_id
left join value
    on
        school_of_year.year = value.year
        and school_of_year.school_id = value.school_id
left join index_of_year
    on
        school_of_year.year = index_of_year.year
        and school_of_year.school_id = index_of_year.school_id
left join outcome
    on
        school_of_year.year = outcome.year
        and school_of_year.school_id = outcome.school_id
left join {{ source('estimates', 'estimate_context_prediction') }} as prediction
    on
        outcome.year = prediction.year
        and outcome.school_id = prediction.school_id
        and outcome.model_code = prediction.model_code
        and outcome.model_version = prediction.model_version
