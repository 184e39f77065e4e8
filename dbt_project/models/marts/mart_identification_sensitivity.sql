-- How many schools a method would name if one of its numbers were another.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'method_code', 'scenario_code'], 'unique': true}]
) }}

with

method as (

    select
        method.*,
        coalesce(method.label_ru, method.title_ru) as method_title
    from {{ ref('dim_method') }} as method
    inner join {{ ref('sensitivity_axis') }} as axis
        on method.method_code = axis.value
    where method.kind = 'low_share' and axis.axis = 'method'

),

-- Every combination of the axes.
scenario as (

    select
        threshold.value || ' n' || least_n.value || ' ' || attempt.value || ' ' || flagged.value as scenario_code,
        cast(split_part(threshold.value, '/', 1) as integer) as threshold_numerator,
        cast(split_part(threshold.value, '/', 2) as integer) as threshold_denominator,
        cast(least_n.value as integer) as min_participants,
        attempt.value as attempt,
        concat_ws('; ', threshold.title_ru, least_n.title_ru, attempt.title_ru, flagged.title_ru) as scenario_title,
        flagged.value <> 'all' as exclude_flagged,
        to_jsonb(string_to_array(flagged.value, ' ')) as excluded_markers
    from {{ ref('sensitivity_axis') }} as threshold
    inner join {{ ref('sensitivity_axis') }} as least_n on least_n.axis = 'min_participants'
    inner join {{ ref('sensitivity_axis') }} as attempt on attempt.axis = 'attempt'
    inner join {{ ref('sensitivity_axis') }} as flagged on flagged.axis = 'markers'
    where threshold.axis = 'threshold'

),

variant as (

    select
        -- One number to group by instead of three texts.
        row_number() over (order by method.method_code, method.method_version, scenario.scenario_code) as variant_no,
        method.method_code,
        method.method_title,
        method.method_version,
        method.valid_from_year,
        method.valid_to_year,
        method.condition,
        method.min_procedures,
        method.min_repeated,
        method.procedures,
        scenario.*
    from method
    cross join scenario

),

flagged as (

    select * from {{ ref('int_flagged_result') }}

),

counts as (

    select
        counts.year,
        counts.school_id,
        counts.procedure_code,
        counts.n_participants,
        counts.n_below_min,
        counts.n_participants_last,
        counts.n_below_min_last,
        flagged.markers
    from {{ ref('fct_school_procedure') }} as counts
    left join flagged
        on
            counts.year = flagged.year
            and counts.school_id = flagged.school_id
            and counts.procedure_code = flagged.procedure_code
    where {{ method_in_span_and_before('counts.year', 1) }}

),

judged as (

    select
        counts.year + back.years_back as year,
        counts.school_id,
        counts.procedure_code,
        back.years_back,
        variant.variant_no,
        case variant.attempt when 'first' then counts.n_participants else counts.n_participants_last end > 0
        and case variant.attempt when 'first' then counts.n_below_min else counts.n_below_min_last end is not null
        and not coalesce({{ method_excludes('counts.markers', 'variant') }}, false) as is_assessed,
        {{ method_is_low(
            "case variant.attempt when 'first' then counts.n_below_min else counts.n_below_min_last end",
            "case variant.attempt when 'first' then counts.n_participants else counts.n_participants_last end",
            'variant'
        ) }} and not coalesce({{ method_excludes('counts.markers', 'variant') }}, false) as is_low
    from counts
    cross join (values (0), (1)) as back (years_back)
    inner join variant
        on
            variant.procedures ? counts.procedure_code
            and variant.valid_from_year <= counts.year + back.years_back
            and coalesce(variant.valid_to_year, counts.year + back.years_back) >= counts.year + back.years_back
    where
        {{ method_in_span('counts.year + back.years_back') }}
        -- The year before matters to rules that look back.
        and (back.years_back = 0 or variant.condition <> 'two_procedures')

),

of_procedure as (

    select
        year,
        school_id,
        variant_no,
        bool_or(is_assessed) filter (where years_back = 0) as is_assessed,
        bool_or(is_assessed) filter (where years_back = 1) as is_assessed_last_year,
        coalesce(bool_or(is_low) filter (where years_back = 0), false) as is_low,
        coalesce(bool_or(is_low) filter (where years_back = 1), false) as is_low_last_year
    from judged
    group by year, school_id, variant_no, procedure_code

),

of_school as (

    select
        year,
        school_id,
        variant_no,
        coalesce(bool_or(is_assessed), false) as is_assessed,
        coalesce(bool_or(is_assessed_last_year), false) as has_last_year,
        count(*) filter (where is_low) as n_low,
        count(*) filter (where is_low and is_low_last_year) as n_repeated
    from of_procedure
    group by year, school_id, variant_no

),

verdict as (

    select
        of_school.year,
        of_school.school_id,
        variant.method_code,
        variant.method_title,
        variant.method_version,
        variant.scenario_code,
        case when of_school.is_assessed then {{ method_verdict(
            '(of_school.n_low >= variant.min_procedures)',
            '(case when of_school.has_last_year then of_school.n_repeated >= variant.min_repeated end)',
            'variant'
        ) }} end as is_low_results
    from of_school
    inner join variant on of_school.variant_no = variant.variant_no

),

official as (

    select
        year,
        school_id,
        method_code,
        is_low_results
    from {{ ref('int_verdict_low_share') }}
    where {{ method_in_span('year') }}

)

select
    verdict.year,
    verdict.method_code,
    max(verdict.method_title) as method_title,
    verdict.method_version,
    verdict.scenario_code,
    max(scenario.scenario_title) as scenario_title,
    cast(scenario.threshold_numerator as double precision) / scenario.threshold_denominator as threshold,
    scenario.min_participants,
    scenario.attempt,
    scenario.exclude_flagged,
    cast(count(*) filter (where verdict.is_low_results is not null) as integer) as n_schools_assessed,
    cast(count(*) filter (where verdict.is_low_results) as integer) as n_schools_low,
    cast(count(*) filter (where verdict.is_low_results and not coalesce(official.is_low_results, false)) as integer)
        as n_schools_added,
    cast(count(*) filter (where official.is_low_results and not coalesce(verdict.is_low_results, false)) as integer)
        as n_schools_removed
from verdict
inner join scenario on verdict.scenario_code = scenario.scenario_code
left join official
    on
        verdict.year = official.year
        and verdict.school_id = official.school_id
        and verdict.method_code = official.method_code
group by
    verdict.year,
    verdict.method_code,
    verdict.method_version,
    verdict.scenario_code,
    scenario.threshold_numerator,
    scenario.threshold_denominator,
    scenario.min_participants,
    scenario.attempt,
    scenario.exclude_flagged
