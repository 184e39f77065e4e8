-- Schools that the register counts on its day of each year with files.

with

year_known as (

    select distinct
        year,
        make_date(
            year, {{ var('register_day')[:2] | int }}, {{ var('register_day')[3:] | int }}
        ) as register_day
    from {{ source('ops', 'source_part') }}
    where in_force and status = 'landed' and year is not null

),

version as (

    select * from {{ ref('dim_school') }}

)

select distinct on (year_known.year, version.school_id)
    year_known.year,
    version.school_id,
    version.municipality_code,
    version.municipality_name
from year_known
inner join version
    on
        coalesce(year_known.register_day >= version.valid_from, true)
        and coalesce(year_known.register_day <= version.valid_to, true)
where
    version.status is distinct from 'нет в реестре'
    -- The status of a version with an end tells what came after that end.
    and (coalesce(version.status, '') not in ('закрыта', 'реорганизована') or version.valid_to is not null)
order by year_known.year asc, version.school_id asc, version.valid_from desc nulls last
