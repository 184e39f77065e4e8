-- Leaders and innovation sites worth asking for each member of a programme that has no partner. Never an agreement.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'programme_code', 'school_id', 'rank'], 'unique': true}]
) }}

with

weight as (

    select
        max(value) filter (where parameter = 'same_kind') as same_kind,
        max(value) filter (where parameter = 'same_locality') as same_locality,
        max(value) filter (where parameter = 'same_municipality') as same_municipality,
        max(value) filter (where parameter = 'below_limit') as below_limit,
        max(value) filter (where parameter = 'not_low') as not_low,
        max(value) filter (where parameter = 'n_suggestions') as n_suggestions
    from {{ ref('partner_suggestion') }}

),

target as (

    select
        member.*,
        covered.programme_title
    from {{ ref('mart_partnership_school') }} as covered
    inner join {{ ref('int_programme_member') }} as member
        on
            covered.year = member.year
            and covered.programme_code = member.programme_code
            and covered.school_id = member.school_id
    where {{ method_in_span('covered.year') }} and not covered.is_covered

),

-- What the programme's own list says of the leader, and whether the leader works and is no member itself.
leader as (

    select
        known.year,
        known.programme_code,
        load.school_id,
        load.school_code,
        load.school_name,
        load.school_label,
        load.municipality_code,
        load.municipality_name,
        load.school_kind,
        load.n_schools_helped,
        load.max_schools,
        school.is_rural,
        'with_verdict' = any(known.sets) as is_not_low
    from {{ ref('mart_partner_load') }} as load
    inner join {{ ref('int_programme_school') }} as known
        on load.year = known.year and load.school_id = known.school_id and known.period_kind = 'year'
    inner join {{ ref('int_school_year') }} as school on load.year = school.year and load.school_id = school.school_id
    where
        {{ method_in_span('load.year') }}
        and (load.is_leader or load.is_innovation_site)
        and 'all' = any(known.sets)
        and not known.is_member
        and not 'low' = any(known.sets)

),

compared as (

    select
        target.year,
        target.programme_code,
        target.programme_title,
        target.school_id,
        target.school_code,
        target.school_name,
        target.school_label,
        target.municipality_code,
        target.municipality_name,
        leader.school_id as partner_id,
        leader.school_code as partner_code,
        leader.school_name as partner_name,
        leader.school_label as partner_label,
        leader.municipality_name as partner_municipality_name,
        leader.n_schools_helped,
        coalesce(leader.school_kind = target.school_kind, false) as is_same_kind,
        coalesce(leader.is_rural = target.is_rural, false) as is_same_locality,
        coalesce(leader.municipality_code = target.municipality_code, false) as is_same_municipality,
        coalesce(leader.n_schools_helped < leader.max_schools, false) as is_below_limit,
        leader.is_not_low
    from target
    inner join leader on target.year = leader.year and target.programme_code = leader.programme_code

),

scored as (

    select
        compared.*,
        weight.n_suggestions,
        cast(is_same_kind as integer) * weight.same_kind
        + cast(is_same_locality as integer) * weight.same_locality
        + cast(is_same_municipality as integer) * weight.same_municipality
        + cast(is_below_limit as integer) * weight.below_limit
        + cast(is_not_low as integer) * weight.not_low as score
    from compared
    cross join weight

),

ranked as (

    select
        scored.*,
        -- Equals: who helps fewer schools, then the code.
        cast(row_number() over (
            partition by year, programme_code, school_id
            order by score desc, n_schools_helped asc, partner_code asc, partner_id asc
        ) as integer) as rank
    from scored

)

select
    year,
    programme_code,
    programme_title,
    school_id,
    school_code,
    school_name,
    school_label,
    nullif(municipality_code, '') as municipality_code,
    municipality_name,
    rank,
    partner_id,
    partner_code,
    partner_name,
    partner_label,
    partner_municipality_name,
    score,
    n_schools_helped,
    concat_ws(
        '; ',
        case when is_same_kind then 'тот же вид школы' end,
        case when is_same_locality then 'тот же тип местности' end,
        case when is_same_municipality then 'тот же муниципалитет' end,
        case when is_not_low then 'результаты не низкие' end,
        case
            when n_schools_helped = 0 then 'никого не ведёт'
            when n_schools_helped % 10 = 1 and n_schools_helped % 100 <> 11
                then 'ведёт ' || n_schools_helped || ' школу'
            when n_schools_helped % 10 between 2 and 4 and n_schools_helped % 100 not between 12 and 14
                then 'ведёт ' || n_schools_helped || ' школы'
            else 'ведёт ' || n_schools_helped || ' школ'
        end
    ) as reasons,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from ranked
where rank <= n_suggestions
