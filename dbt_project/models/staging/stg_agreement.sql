with source as (
    {{ accepted_rows('agreement', school_key="landed.school_code") }}
),

renamed as (
    select
        file_id,
        part_id,
        row_no,
        agreement_no,
        {{ safe_date('signed_on') }} as signed_on,
        {{ safe_date('valid_from') }} as valid_from,
        {{ safe_date('valid_to') }} as valid_to,
        {{ school_code('school_code') }} as school_code,
        {{ school_code('partner_code') }} as partner_code,
        partner_name,
        partner_kind,
        status,
        {{ safe_date('terminated_on') }} as terminated_on,
        programme
    from source
)

select * from renamed
