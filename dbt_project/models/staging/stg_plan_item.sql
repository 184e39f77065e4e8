with source as (
    {{ accepted_rows('plan_item', school_key="coalesce(landed.programme, landed.item_code)") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        programme,
        item_code,
        stage,
        name,
        {{ school_code('school_code') }} as school_code,
        municipality_code,
        {{ safe_date('due_from') }} as due_from,
        {{ safe_date('due_to') }} as due_to,
        frequency,
        {{ safe_date('done_on') }} as done_on,
        document
    from source
)

select * from renamed
