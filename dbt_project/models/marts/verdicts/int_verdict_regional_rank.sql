-- Verdicts of kind regional_rank: places by indicator among the schools that have it, averaged over what a school has.
{{ config(materialized='table') }}

with

method as (

    select
        year,
        method_code,
        method_version,
        parameters,
        cast(parameters ->> 'bottom_numerator' as integer) as bottom_numerator,
        cast(parameters ->> 'bottom_denominator' as integer) as bottom_denominator,
        cast(parameters ->> 'min_indicators' as integer) as min_indicators,
        cast(parameters ->> 'min_participants' as integer) as min_participants,
        parameters -> 'school_kinds' as school_kinds,
        grade_b_min_participants,
        grade_c_min_pooled
    from {{ ref('int_method_in_year') }}
    where kind = 'regional_rank'

),

indicator as (

    select
        method.year,
        method.method_code,
        grouped.group_code,
        listed.procedure_code
    from method
    cross join lateral jsonb_each(method.parameters -> 'groups') as grouped (group_code, procedures)
    cross join lateral jsonb_array_elements_text(grouped.procedures) as listed (procedure_code)

),

school as (

    select
        school.year,
        school.school_id,
        method.method_code,
        method.method_version,
        method.bottom_numerator,
        method.bottom_denominator,
        method.min_indicators,
        method.min_participants,
        method.grade_b_min_participants,
        method.grade_c_min_pooled
    from {{ ref('int_school_of_year') }} as school
    inner join method
        on
            school.year = method.year
            and (
                jsonb_array_length(method.school_kinds) = 0
                or method.school_kinds ? coalesce(school.school_kind, '')
            )
    where school.has_results

),

counts as (

    select * from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }}

),

-- In numeric, so that equal places stay equal whatever the order of the rows.
ranked as (

    select
        school.year,
        school.school_id,
        school.method_code,
        indicator.group_code,
        counts.procedure_code,
        counts.n_participants,
        rank() over by_score as place,
        count(*) over of_indicator as n_schools,
        cast(rank() over by_score - 1 as numeric) / nullif(count(*) over of_indicator - 1, 0) as percent_rank
    from school
    inner join indicator on school.year = indicator.year and school.method_code = indicator.method_code
    inner join counts
        on
            school.year = counts.year
            and school.school_id = counts.school_id
            and indicator.procedure_code = counts.procedure_code
    where counts.n_participants >= greatest(school.min_participants, 1) and counts.mean_score is not null
    window
        of_indicator as (partition by school.method_code, school.year, counts.procedure_code),
        by_score as (partition by school.method_code, school.year, counts.procedure_code order by counts.mean_score)

),

of_group as (

    select
        year,
        school_id,
        method_code,
        group_code,
        avg(percent_rank) as mean_rank,
        count(percent_rank) as n_indicators,
        sum(n_participants) as n_participants,
        jsonb_object_agg(procedure_code, jsonb_build_array(place, n_schools)) as places
    from ranked
    group by year, school_id, method_code, group_code

),

of_school as (

    select
        year,
        school_id,
        method_code,
        round(avg(mean_rank), 12) as mean_rank,
        sum(n_indicators) as n_indicators,
        sum(n_participants) as n_participants,
        jsonb_object_agg(group_code, round(mean_rank, 6)) as group_ranks,
        jsonb_object_agg(group_code, places) as places
    from of_group
    group by year, school_id, method_code

),

set_beside as (

    select
        school.*,
        of_school.mean_rank,
        of_school.n_indicators,
        of_school.n_participants,
        of_school.group_ranks,
        of_school.places,
        coalesce(of_school.n_indicators >= school.min_indicators and of_school.mean_rank is not null, false)
            as is_assessed
    from school
    left join of_school
        on
            school.year = of_school.year
            and school.school_id = of_school.school_id
            and school.method_code = of_school.method_code

),

placed as (

    select
        set_beside.*,
        case
            when is_assessed
                then rank() over (partition by year, method_code, is_assessed order by mean_rank)
        end as place,
        count(*) filter (where is_assessed) over (partition by year, method_code) as n_schools
    from set_beside

)

select
    year,
    school_id,
    method_code,
    method_version,
    {{ method_in_part('place', 'n_schools', 'bottom_numerator', 'bottom_denominator') }} as is_low_results,
    cast(coalesce(n_indicators, 0) as integer) as n_procedures,
    cast(coalesce(n_participants, 0) as integer) as n_participants_total,
    case
        when not is_assessed then 'D'
        when n_participants >= grade_b_min_participants then 'B'
        when n_participants >= grade_c_min_pooled then 'C'
        else 'D'
    end as evidence_grade,
    jsonb_build_object(
        'place', place,
        'n_schools', n_schools,
        'mean_rank', mean_rank,
        'group_ranks', group_ranks,
        'places', places
    ) as details
from placed
