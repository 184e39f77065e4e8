with source as (
    {{ accepted_rows('vpr_school_summary', school_key="landed.school_login") }}
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
        subject,
        {{ safe_int('n_participants') }} as n_participants,
        {{ safe_numeric('pct_2') }} as pct_2,
        {{ safe_numeric('pct_3') }} as pct_3,
        {{ safe_numeric('pct_4') }} as pct_4,
        {{ safe_numeric('pct_5') }} as pct_5
    from source
)

select * from renamed
