with source as (
    {{ accepted_rows('vpr_result', school_key="landed.school_login") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_int('year') }} as year,
        school_login,
        school_name,
        municipality,
        {{ safe_int('grade') }} as grade,
        {{ safe_int('grade_enrolled') }} as grade_enrolled,
        subject,
        pupil_code,
        class_label,
        sex,
        variant,
        variant_2,
        attendance,
        {{ safe_int('primary_score') }} as primary_score,
        {{ safe_int('mark') }} as mark,
        {{ safe_int('journal_mark') }} as journal_mark,
        {{ safe_int('items_total') }} as items_total,
        item_scores
    from source
)

select * from renamed
