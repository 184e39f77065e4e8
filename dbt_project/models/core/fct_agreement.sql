{{ config(indexes=[{'columns': ['school_id']}]) }}

with source as (
    select * from {{ ref('stg_agreement') }}
),

resolved as (
    select
        source.*,
        school.school_id,
        school.municipality_code,
        coalesce(partner.school_id, partner_name.school_id) as partner_id,
        partner_kind_listed.value as partner_kind_value,
        status_listed.value as status_value,
        programme.programme_code
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    left join {{ ref('int_school_of_code') }} as partner
        on source.partner_code = partner.school_code
    left join {{ ref('int_partner_name') }} as partner_name
        on {{ fold_name('source.partner_name') }} = partner_name.name_folded
    left join {{ ref('int_programme_key') }} as programme
        on {{ fold_name('source.programme') }} = programme.name_folded
    {{ join_list('partner_kind', 'partner_kind') }}
    {{ join_list('status', 'agreement_status') }}
    -- An agreement for a programme that is not known must not pass for one for every programme.
    where source.programme is null or programme.programme_code is not null
),

-- An agreement that comes again (a draft, then signed, then terminated): the later file is right.
preferred as (
    select
        resolved.*,
        row_number() over (
            partition by
                {{ fold('agreement_no') }},
                -- Drafts may have no number: the day they are signed or begin tells them apart.
                case when agreement_no is null then coalesce(signed_on, valid_from) end,
                school_id,
                coalesce(partner_id, {{ fold_name('partner_name') }}, partner_code)
            order by part_id desc, row_no desc
        ) as preference
    from resolved
)

select
    {{ region_code() }} as region_code,
    agreement_no,
    signed_on,
    valid_from,
    valid_to,
    school_id,
    school_code,
    municipality_code,
    partner_id,
    partner_code,
    partner_name,
    partner_kind_value as partner_kind,
    status_value as status,
    terminated_on,
    programme_code,
    file_id,
    part_id,
    row_no
from preferred
where preference = 1
