-- Gaps between groups of schools and changes against the base year of a programme.
with

asked as (

    select
        asked.*,
        asked.parameters -> 'groups' ->> 0 as group_set,
        asked.parameters ->> 'procedures' as procedure_set,
        programme.year_from
    from {{ ref('int_indicator_period') }} as asked
    inner join {{ ref('programme') }} as programme on asked.programme_code = programme.programme_code
    where asked.measure in ('gap', 'gap_change', 'change', 'change_share')

),

school as (

    select * from {{ ref('int_programme_school') }}

),

score as (

    select
        year,
        school_id,
        sum(cast(n_participants as numeric)) as n,
        sum(n_participants * cast(z as numeric)) as z_sum
    from {{ ref('int_school_score') }}
    group by year, school_id

),

-- Pupils of the group and of all the others, in standard deviations of the region.
gap_of_year as (

    select
        asked.programme_code,
        asked.indicator_code,
        asked.version,
        asked.period,
        score.year,
        sum(score.z_sum) filter (where asked.group_set = any(school.sets))
        / nullif(sum(score.n) filter (where asked.group_set = any(school.sets)), 0) as group_z,
        sum(score.z_sum) filter (where not asked.group_set = any(school.sets))
        / nullif(sum(score.n) filter (where not asked.group_set = any(school.sets)), 0) as other_z
    from asked
    inner join school on asked.programme_code = school.programme_code and asked.period = school.period
    inner join score on school.school_id = score.school_id and score.year in (asked.year, asked.year_from)
    where asked.measure in ('gap', 'gap_change')
    group by asked.programme_code, asked.indicator_code, asked.version, asked.period, score.year

),

gap as (

    select
        {{ measure_key('asked') }},
        'region' as territory_kind,
        'region' as territory_code,
        cast(null as numeric) as numerator,
        cast(null as numeric) as denominator,
        now_gap.group_z - now_gap.other_z
        - case asked.measure when 'gap_change' then base_gap.group_z - base_gap.other_z else 0 end as value
    from asked
    left join gap_of_year as now_gap
        on
            {{ same_measure('asked', 'now_gap') }}
            and asked.year = now_gap.year
    left join gap_of_year as base_gap
        on
            {{ same_measure('asked', 'base_gap') }}
            and asked.year_from = base_gap.year
    where asked.measure in ('gap', 'gap_change')

),

counts as (

    select
        counts.year,
        counts.school_id,
        counts.procedure_code,
        procedure.exam,
        cast(counts.n_participants as numeric) as n,
        cast(counts.n_below_min as numeric) as n_below
    from {{ ref('fct_school_procedure') }} as counts
    inner join {{ ref('dim_procedure') }} as procedure on counts.procedure_code = procedure.procedure_code
    where counts.n_participants > 0 and counts.n_below_min is not null

),

-- The year before a programme began; where nothing is known of it, the first year that anything is known of.
base as (

    select
        asked.programme_code,
        asked.period,
        coalesce(
            max(counts.year) filter (where counts.year < asked.year_from), min(counts.year)
        ) as base_year
    from (select distinct
        programme_code,
        period,
        year,
        year_from
    from asked) as asked
    inner join (select distinct year from counts) as counts on asked.year > counts.year
    group by asked.programme_code, asked.period

),

-- The same procedures of the same school in both years, pooled over pupils.
change_of_school as (

    select
        {{ measure_key('asked') }},
        asked.measure,
        school.municipality_code,
        school.school_code,
        sum(later.n_below) as later_below,
        sum(later.n) as later_n,
        sum(earlier.n_below) as earlier_below,
        sum(earlier.n) as earlier_n
    from asked
    inner join base on asked.programme_code = base.programme_code and asked.period = base.period
    inner join school
        on asked.programme_code = school.programme_code and asked.period = school.period and school.is_member
    inner join counts as later on asked.year = later.year and school.school_id = later.school_id
    inner join counts as earlier
        on
            base.base_year = earlier.year
            and school.school_id = earlier.school_id
            and later.procedure_code = earlier.procedure_code
    where
        asked.measure in ('change', 'change_share')
        and (asked.procedure_set = 'all' or later.exam in ('oge', 'ege'))
    group by {{ measure_key('asked') }}, asked.measure, school.municipality_code, school.school_code

),

change as (

    select
        {{ measure_key() }},
        measure,
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        sum(later_below) / sum(later_n) - sum(earlier_below) / sum(earlier_n) as difference,
        cast(count(*) filter (where later_below * earlier_n < earlier_below * later_n) as numeric) as n_better,
        cast(count(*) as numeric) as n_schools
    from change_of_school
    group by {{ territory_sets(measure_key() ~ ', measure') }}

),

final as (

    select * from gap
    union all
    select
        {{ measure_key() }},
        territory_kind,
        territory_code,
        case measure when 'change_share' then n_better end,
        case measure when 'change_share' then n_schools end,
        case measure when 'change_share' then n_better / n_schools else difference end
    from change

)

select
    {{ measure_key() }},
    '' as component,
    territory_kind,
    territory_code,
    numerator,
    denominator,
    value
from final
