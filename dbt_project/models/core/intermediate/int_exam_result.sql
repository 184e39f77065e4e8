{#-
    Protocol rows of ЕГЭ and ОГЭ with their procedure. Rows of an oral part are not results of their own and are
    left out.
-#}
{{ config(materialized='table') }}

with source as (
    select
        'ege' as exam,
        file_id,
        part_id,
        row_no,
        year,
        exam_date,
        wave,
        school_code,
        person_key,
        name_key,
        link_level,
        participant_category,
        subject_code,
        subject,
        primary_score,
        mark,
        test_score
    from {{ ref('stg_ege_result') }}
    where {{ in_years('year') }} and {{ in_parts('part_id') }}
    union all
    select
        'oge',
        file_id,
        part_id,
        row_no,
        year,
        exam_date,
        wave,
        school_code,
        person_key,
        name_key,
        link_level,
        cast(null as {{ text_type() }}),
        subject_code,
        subject,
        primary_score,
        mark,
        cast(null as integer)
    from {{ ref('stg_oge_result') }}
    where {{ in_years('year') }} and {{ in_parts('part_id') }}
),

final as (
    select
        source.exam,
        source.file_id,
        source.part_id,
        source.row_no,
        source.year,
        coalesce(source.exam_date, part.exam_date) as exam_date,
        coalesce(source.wave, part.wave) as wave,
        source.school_code,
        source.person_key,
        source.name_key,
        source.link_level,
        -- Only a category that the list knows as not a graduate of the school takes a row out of the school's count.
        coalesce(category.value, '') <> 'не выпускник школы' as is_own_pupil,
        source.primary_score,
        source.mark,
        source.test_score,
        key.procedure_code
    from source
    inner join {{ source('ops', 'source_part') }} as part
        on source.part_id = part.part_id
    left join {{ ref('int_procedure_key') }} as key
        on
            source.exam = key.exam
            and source.year = key.year
            and coalesce(source.subject_code, -1) = key.subject_code
            and coalesce(source.subject, '') = key.subject
    left join {{ ref('value_list') }} as category
        on
            category.list_name = 'participant_category'
            and {{ fold('source.participant_category') }} = category.spelling
    where coalesce(key.is_oral_part, false) = false
)

select * from final
