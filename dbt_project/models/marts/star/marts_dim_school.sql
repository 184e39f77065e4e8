-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='dim_school', materialized='table') }}

select
    region_code,
    school_version_id,
    school_id,
    school_code,
    login,
    name,
    short_name,
    school_label,
    municipality_id,
    municipality_code,
    municipality_name,
    school_kind,
    is_rural,
    inn,
    is_leader,
    is_innovation_site,
    enrolment,
    ate_code,
    successor_code,
    status,
    valid_from,
    valid_to,
    is_current
from {{ ref('dim_school') }}
