with source as (
    {{ accepted_rows('membership', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        programme,
        {{ school_code('school_code') }} as school_code,
        role,
        basis,
        document,
        {{ safe_date('included_from') }} as included_from,
        {{ safe_date('excluded_from') }} as excluded_from
    from source
)

select * from renamed
