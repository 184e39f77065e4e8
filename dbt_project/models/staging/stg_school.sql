with source as (
    {{ accepted_rows('school', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ school_code('school_code') }} as school_code,
        school_login,
        full_name,
        short_name,
        municipality_code,
        municipality,
        school_kind,
        locality,
        inn,
        status,
        {{ safe_date('valid_from') }} as valid_from,
        {{ safe_date('valid_to') }} as valid_to,
        {{ school_code('successor_code') }} as successor_code,
        is_leader,
        is_innovation_site,
        {{ safe_int('enrolment') }} as enrolment,
        education_level,
        ate_code
    from source
)

select * from renamed
