with source as (
    {{ accepted_rows('municipality') }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        municipality_code,
        municipality,
        oktmo,
        coordinator,
        ate_code
    from source
)

select * from renamed
