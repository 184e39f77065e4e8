-- One wide row for a school's page: who it is, its results, conditions, verdicts, programmes, partner, courses.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id'], 'unique': true}]
) }}

with

school as (

    select * from {{ ref('int_school_of_year') }}

),

result as (

    select
        year,
        school_id,
        cast(count(*) filter (where n_participants > 0) as integer) as n_procedures,
        cast(sum(n_participants) as integer) as n_results,
        cast(sum(n_below_min) as integer) as n_below_min,
        cast(sum(n_participants) filter (where n_below_min is not null) as integer) as n_with_minimum
    from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }}
    group by year, school_id

),

method as (

    select * from {{ ref('mart_identification_methods') }}
    where {{ method_in_span('year') }}

),

-- The list that is put up for approval.
listed as (

    select identification.*
    from {{ ref('mart_identification') }} as identification
    inner join {{ ref('approval_method') }} as approved
        on
            identification.method_code = approved.method_code
            and identification.year >= approved.year_from
            and identification.year <= coalesce(approved.year_to, identification.year)
    where {{ method_in_span('identification.year') }}

),

programme_title as (

    select
        programme_code,
        coalesce(short_title, title) as programme_title
    from {{ ref('programme') }}

),

context as (

    select * from {{ ref('mart_school_context') }}
    where {{ method_in_span('year') }}

),

marker as (

    select
        year,
        school_id,
        cast(max(n_markers) as integer) as n_markers
    from {{ ref('mart_objectivity') }}
    where {{ method_in_span('year') }}
    group by year, school_id

),

programme as (

    select
        part.year,
        part.school_id,
        array_agg(part.programme_code order by part.programme_code) filter (where part.is_member) as programmes,
        array_agg(part.programme_code order by part.programme_code) filter (where part.is_mentor) as mentor_of,
        string_agg(title.programme_title, '; ' order by part.programme_code) filter (where part.is_member)
            as programmes_title,
        string_agg(title.programme_title, '; ' order by part.programme_code) filter (where part.is_mentor)
            as mentor_of_title,
        bool_or('moved' = any(part.sets)) as has_moved
    from {{ ref('int_programme_school') }} as part
    left join programme_title as title on part.programme_code = title.programme_code
    where part.period_kind = 'year'
    group by part.year, part.school_id

),

partner as (

    select
        year,
        school_id,
        bool_or(is_covered) as has_partner,
        cast(max(n_agreements) as integer) as n_agreements,
        max(array_to_string(partner_names, '; ')) as partner_names
    from {{ ref('mart_partnership_school') }}
    where {{ method_in_span('year') }}
    group by year, school_id

),

history as (

    select
        school.year,
        school.school_id,
        string_agg(event.told, '; ' order by event.happened_on, event.history_id) as history
    from school
    inner join {{ ref('mart_school_history') }} as event
        on
            school.school_id = event.school_id
            -- Years that were before know nothing of it.
            and coalesce(extract(year from event.happened_on) <= school.year, true)
    group by school.year, school.school_id

),

course as (

    select
        year,
        school_id,
        max(n_persons_completed) as n_persons_completed,
        max(headcount) as headcount,
        bool_or(is_complete) as is_pd_complete
    from {{ ref('mart_pd_completion') }}
    where {{ method_in_span('year') }}
    group by year, school_id

)

select
    school.year,
    school.school_id,
    school.school_code,
    school.login,
    school.school_name,
    school.school_label,
    school.municipality_code,
    school.municipality_name,
    school.school_kind,
    school.is_rural,
    coalesce(result.n_procedures, 0) as n_procedures,
    result.n_results,
    result.n_below_min,
    cast(result.n_below_min as double precision) / nullif(result.n_with_minimum, 0) as share_below_min,
    listed.method_code as list_method_code,
    listed.method_title,
    listed.is_low_results,
    listed.low_procedures,
    listed.low_procedures_title,
    listed.evidence_grade,
    listed.probability_low,
    listed.is_fragile,
    listed.years_identified,
    method.n_methods,
    method.n_methods_low,
    method.methods_low,
    method.methods_low_title,
    context.context_index,
    context.context_quartile,
    method.is_adverse_context,
    context.expected_score,
    context.residual_z,
    coalesce(marker.n_markers, 0) as n_markers,
    coalesce(programme.programmes, '{}') as programmes,
    programme.programmes_title,
    coalesce(programme.mentor_of, '{}') as mentor_of,
    programme.mentor_of_title,
    partner.has_partner,
    partner.n_agreements,
    partner.partner_names,
    course.n_persons_completed,
    course.headcount,
    course.is_pd_complete,
    case when programme.programmes is not null then programme.has_moved end as has_moved,
    history.history,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from school
left join result on school.year = result.year and school.school_id = result.school_id
left join method on school.year = method.year and school.school_id = method.school_id
left join listed on school.year = listed.year and school.school_id = listed.school_id
left join context on school.year = context.year and school.school_id = context.school_id
left join marker on school.year = marker.year and school.school_id = marker.school_id
left join programme on school.year = programme.year and school.school_id = programme.school_id
left join partner on school.year = partner.year and school.school_id = partner.school_id
left join history on school.year = history.year and school.school_id = history.school_id
left join course on school.year = course.year and school.school_id = course.school_id
