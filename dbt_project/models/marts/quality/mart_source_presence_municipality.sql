-- Of which municipalities' schools each source has rows. Built anew each time: it is small.
{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['year', 'source']}]) }}

with

presence as (

    select * from {{ ref('mart_source_presence') }}
    where n_schools is not null

),

registered as (

    select * from {{ ref('int_register_school') }}
    where municipality_code is not null

)

select
    presence.year,
    presence.source,
    presence.source_title,
    registered.municipality_code,
    min(registered.municipality_name) as municipality_name,
    cast(count(seen.school_id) as integer) as n_schools,
    cast(count(*) as integer) as n_schools_register,
    cast(count(seen.school_id) as double precision) / count(*) as coverage_share
from presence
inner join registered on presence.year = registered.year
left join {{ ref('int_source_school') }} as seen
    on
        presence.source = seen.source
        and presence.is_yearly = (seen.year is not null)
        and coalesce(presence.year = seen.year, true)
        and registered.school_id = seen.school_id
group by presence.year, presence.source, presence.source_title, registered.municipality_code
