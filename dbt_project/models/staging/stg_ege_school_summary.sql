with source as (
    {{ accepted_rows('ege_school_summary', school_key="landed.school_name", record_key="landed.subject") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_int('year') }} as year,
        municipality,
        school_name,
        profile,
        {{ safe_int('graduates') }} as graduates,
        subject,
        {{ safe_int('n_participants') }} as n_participants,
        {{ safe_int('n_below_min') }} as n_below_min,
        {{ safe_int('n_high') }} as n_high,
        {{ safe_int('n_100') }} as n_100,
        {{ safe_numeric('mean_score') }} as mean_score,
        {{ safe_int('n_applied') }} as n_applied
    from source
)

select * from renamed
