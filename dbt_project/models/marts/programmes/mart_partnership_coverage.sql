-- What part of a programme's members has a partner in the year: the region and each municipality.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'programme_code', "(coalesce(municipality_code, ''))"], 'unique': true}]
) }}

with

asked as (

    select
        period.year,
        period.programme_code,
        programme.short_title as programme_title,
        {{ programme_years('programme') }} as programme_years,
        period.is_scored,
        programme.partner_target as target
    from {{ ref('int_programme_period') }} as period
    inner join {{ ref('programme') }} as programme on period.programme_code = programme.programme_code
    where period.period_kind = 'year'

),

register as (

    select coalesce(bool_or(source = 'agreement'), false) as has_come
    from {{ ref('int_source_received') }}

),

school as (

    select * from {{ ref('mart_partnership_school') }}
    where {{ method_in_span('year') }}

),

counted as (

    select
        year,
        programme_code,
        municipality_code,
        grouping(municipality_code) = 1 as is_region,
        max(municipality_name) as municipality_name,
        cast(count(*) as integer) as n_schools_target,
        cast(count(*) filter (where is_covered) as integer) as n_schools_covered,
        cast(sum(n_partners) as integer) as n_pairs
    from school
    group by grouping sets ((year, programme_code), (year, programme_code, municipality_code))

),

-- A paper of three parties is one agreement of the region, and one of each municipality that it reaches.
agreement as (

    select
        school.year,
        school.programme_code,
        school.municipality_code,
        grouping(school.municipality_code) = 1 as is_region,
        cast(count(distinct listed.agreement_key) as integer) as n_agreements
    from school
    cross join lateral unnest(school.agreement_keys) as listed (agreement_key)
    group by grouping sets (
        (school.year, school.programme_code), (school.year, school.programme_code, school.municipality_code)
    )

),

-- A programme that has nobody to cover still has an answer.
final as (

    select
        asked.year,
        asked.programme_code,
        asked.programme_title,
        asked.programme_years,
        counted.municipality_code,
        case when not counted.is_region then counted.municipality_name end as municipality_name,
        coalesce(counted.n_schools_target, 0) as n_schools_target,
        case when register.has_come then coalesce(counted.n_schools_covered, 0) end as n_schools_covered,
        case when register.has_come then coalesce(agreement.n_agreements, 0) end as n_agreements,
        case when register.has_come then coalesce(counted.n_pairs, 0) end as n_pairs,
        asked.target,
        -- A target of the whole is a target of each of its parts; any other is the region's.
        asked.is_scored and (coalesce(counted.is_region, true) or asked.target = 1) as is_scored,
        register.has_come
    from asked
    cross join register
    left join counted
        on
            asked.year = counted.year
            and asked.programme_code = counted.programme_code
            -- A school of no known municipality is the region's only.
            and (counted.is_region or counted.municipality_code is not null)
    left join agreement
        on
            counted.year = agreement.year
            and counted.programme_code = agreement.programme_code
            and counted.is_region = agreement.is_region
            and counted.municipality_code is not distinct from agreement.municipality_code

)

select
    year,
    programme_code,
    programme_title,
    programme_years,
    municipality_code,
    municipality_name,
    n_schools_target,
    n_schools_covered,
    cast(n_schools_covered as double precision) / nullif(n_schools_target, 0) as coverage,
    n_agreements,
    n_pairs,
    target,
    case
        when not has_come then 'no_data'
        when n_schools_target = 0 then 'not_applicable'
        when target is null or not is_scored then 'tracked'
        -- In whole numbers.
        when n_schools_covered >= target * n_schools_target then 'met'
        else 'not_met'
    end as status,
    -- The list of members has come, or there would be no row; the other source is the register of agreements.
    cast(case when has_come then 1.0 else 0.5 end as double precision) as completeness,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from final
