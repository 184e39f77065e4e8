with source as (
    {{ accepted_rows('school_login', school_key="landed.school_login") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        school_login,
        school_name,
        municipality
    from source
)

select * from renamed
