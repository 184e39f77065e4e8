with source as (
    {{ accepted_rows('ate') }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        ate_code,
        ate_name
    from source
)

select * from renamed
