-- Schools and municipalities that a document names, found in the registers: by name, or by a variant of a name.
{{ config(materialized='table') }}

with

place as (

    select * from {{ ref('programme_place') }}

),

school_name as (

    select
        school_id,
        {{ fold_name('name') }} as name_folded
    from {{ ref('dim_school') }}
    union
    select
        school_id,
        {{ fold_name('short_name') }}
    from {{ ref('dim_school') }}
    union
    select
        school.school_id,
        {{ fold_name('alias.alias') }}
    from {{ ref('stg_school_name_alias') }} as alias
    inner join {{ ref('dim_school') }} as school on alias.school_code = school.school_code and school.is_current

),

found as (

    select
        place.programme_code,
        place.place_kind,
        place.indicator_code,
        place.name,
        count(distinct school_name.school_id) as n_found,
        min(school_name.school_id) as school_id
    from place
    inner join school_name on school_name.name_folded ~ place.name_pattern
    where place.place_kind <> 'municipality'
    group by place.programme_code, place.place_kind, place.indicator_code, place.name

),

municipality as (

    select
        place.programme_code,
        place.name,
        count(distinct municipality.municipality_code) as n_found,
        min(municipality.municipality_code) as municipality_code
    from place
    inner join {{ ref('dim_municipality') }} as municipality
        on {{ fold_name('municipality.municipality_name') }} ~ place.name_pattern
    where place.place_kind = 'municipality' and municipality.municipality_code is not null
    group by place.programme_code, place.name

)

select
    place.programme_code,
    place.place_kind,
    place.indicator_code,
    place.name,
    place.quote_source,
    -- A name that fits two schools is not found: which of them is meant is for a person to say, by a name's variant.
    case when found.n_found = 1 then found.school_id end as school_id,
    case when municipality.n_found = 1 then municipality.municipality_code end as municipality_code,
    cast(coalesce(found.n_found, municipality.n_found, 0) as integer) as n_found
from place
left join found
    on
        place.programme_code = found.programme_code
        and place.place_kind = found.place_kind
        and place.indicator_code is not distinct from found.indicator_code
        and place.name = found.name
left join municipality
    on
        place.place_kind = 'municipality' and place.programme_code = municipality.programme_code
        and place.name = municipality.name
