with source as (
    {{ accepted_rows('vpr_specification') }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        {{ safe_int('year') }} as year,
        {{ safe_int('grade') }} as grade,
        subject,
        item_label,
        {{ safe_int('item_no') }} as item_no,
        level,
        {{ safe_int('max_score') }} as max_score,
        kes_code,
        kt_code
    from source
)

select * from renamed
