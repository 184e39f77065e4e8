with source as (
    {{ accepted_rows('infrastructure', school_key="landed.municipality_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        municipality_code,
        level,
        {{ safe_date('ordered_on') }} as ordered_on,
        has_contact,
        {{ safe_int('services') }} as services,
        {{ safe_int('year') }} as year
    from source
)

select * from renamed
