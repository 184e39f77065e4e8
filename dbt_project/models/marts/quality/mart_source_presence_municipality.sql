-- Of which municipalities' schools each source has rows. Built anew each time: it is small.
{{ config(indexes=[{'columns': ['year', 'source']}]) }}

with

presence as (

    select * from {{ ref('mart_source_presence') }}
    where n_schools is not null

),

registered as (

    select * from {{ ref('int_register_school') }}
    where municipality_code is not null

),

counted as (

    select
        presence.year,
        presence.source,
        presence.source_title,
        registered.municipality_code,
        bool_or(presence.is_yearly) as is_yearly,
        min(registered.municipality_name) as municipality_name,
        count(seen.school_id) as n_schools,
        count(*) as n_schools_register
    from presence
    inner join registered on presence.year = registered.year
    left join {{ ref('int_source_school') }} as seen
        on
            presence.source = seen.source
            and presence.is_yearly = (seen.year is not null)
            and coalesce(presence.year = seen.year, true)
            and registered.school_id = seen.school_id
    group by presence.year, presence.source, presence.source_title, registered.municipality_code

)

select
    counted.year,
    counted.source,
    counted.source_title,
    counted.municipality_code,
    counted.municipality_name,
    cast(counted.n_schools as integer) as n_schools,
    cast(before.n_schools as integer) as n_schools_last_year,
    counted.is_yearly and counted.n_schools = 0 and coalesce(
        before.n_schools > 0
        and before.n_schools * 100 >= parameter.municipality_from_percent * before.n_schools_register, false
    ) as is_missing,
    cast(counted.n_schools_register as integer) as n_schools_register,
    cast(counted.n_schools as double precision) / counted.n_schools_register as coverage_share
from counted
cross join {{ ref('source_presence') }} as parameter
left join counted as before
    on
        counted.year - 1 = before.year
        and counted.source = before.source
        and counted.municipality_code = before.municipality_code
