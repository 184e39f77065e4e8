with source as (
    {{ accepted_rows('appeal', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_int('year') }} as year,
        exam,
        {{ safe_date('exam_date') }} as exam_date,
        {{ safe_int('subject_code') }} as subject_code,
        subject,
        {{ school_code('school_code') }} as school_code,
        class_label,
        person_key,
        name_key,
        {{ safe_int('link_level') }} as link_level,
        kind,
        state,
        {{ safe_date('sent_on') }} as sent_on,
        {{ safe_date('changed_on') }} as changed_on,
        {{ safe_int('score_before') }} as score_before,
        {{ safe_int('primary_score') }} as primary_score,
        {{ safe_int('score_after') }} as score_after
    from source
)

select * from renamed
