    case when typed.status_value = 'подписан' and typed.signed_on is null then typed.status end as unsigned_status,
    case when typed.status_value = 'расторгнут' and typed.terminated_on is null then typed.status end
        as undated_status,
    case when typed.padded_partner_code = typed.padded_school_code then typed.partner_code end as own_partner_code
