{#- Typed rows of a protocol: ЕГЭ and ОГЭ protocols have the same columns. source_name: landing table. -#}
{% macro staged_exam_result(source_name) -%}
with source as (
    {{ accepted_rows(source_name, school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_int('year') }} as year,
        {{ safe_date('exam_date') }} as exam_date,
        wave,
        {{ school_code('school_code') }} as school_code,
        municipality_code,
        class_label,
        station_code,
        room,
        person_key,
        name_key,
        {{ safe_int('link_level') }} as link_level,
        participant_code,
        participant_category,
        {{ safe_int('subject_code') }} as subject_code,
        subject,
        short_answers,
        long_answers,
        oral_answers,
        {{ safe_int('oral_score') }} as oral_score,
        {{ safe_int('written_score') }} as written_score,
        {{ safe_int('primary_score') }} as primary_score,
        {{ safe_int('mark') }} as mark,
        {{ safe_int('test_score') }} as test_score,
        {{ safe_int('pass_code') }} as pass_code
    from source
)

select * from renamed
{%- endmacro %}
