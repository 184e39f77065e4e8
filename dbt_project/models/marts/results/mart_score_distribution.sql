-- How many works of the region got each score, with the first scores of the marks.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'procedure_code', 'score'], 'unique': true}]
) }}

with

counted as (

    select
        year,
        procedure_code,
        score,
        count(*) as n_participants,
        count(*) filter (where is_below_min) as n_below_min,
        count(*) filter (where is_below_min is null) as n_unjudged
    from {{ ref('fct_result') }}
    where
        {{ method_in_span('year') }}
        and procedure_code is not null
        and school_id is not null
        and is_first_attempt
        and is_participant
        and is_own_pupil
        and score is not null
    group by year, procedure_code, score

),

procedure as (

    select * from {{ ref('dim_procedure') }}

),

boundary as (

    select
        ranged.year,
        ranged.procedure_code,
        ranged.max_score,
        ranged.n_total,
        case when procedure.score_kind = 'test' then minimum.min_test_score else scale.mark_2_to + 1 end as pass_from,
        case when procedure.score_kind = 'primary' then scale.mark_3_from end as mark_3_from,
        case when procedure.score_kind = 'primary' then scale.mark_4_from end as mark_4_from,
        case when procedure.score_kind = 'primary' then scale.mark_5_from end as mark_5_from,
        procedure.score_kind
    from (
        select
            year,
            procedure_code,
            cast(floor(max(score)) as integer) as max_score,
            sum(n_participants) as n_total
        from counted
        group by year, procedure_code
    ) as ranged
    left join procedure on ranged.procedure_code = procedure.procedure_code
    left join {{ ref('int_mark_scale') }} as scale
        on
            ranged.procedure_code = scale.procedure_code
            and ranged.year >= scale.year_from
            and ranged.year <= coalesce(scale.year_to, ranged.year)
    left join {{ ref('ege_minimum') }} as minimum
        on
            ranged.procedure_code = minimum.procedure_code
            and ranged.year >= minimum.year_from
            and ranged.year <= coalesce(minimum.year_to, ranged.year)

),

-- Scores that nobody got stand too, so that a gap is seen as one.
listed as (

    select
        boundary.year,
        boundary.procedure_code,
        cast(whole.score as numeric(9, 2)) as score
    from boundary
    cross join lateral generate_series(0, boundary.max_score) as whole (score)
    union
    select
        year,
        procedure_code,
        score
    from counted

)

select
    listed.year,
    listed.procedure_code,
    procedure.title_ru as procedure_title,
    procedure.exam,
    subject.title_ru as subject_title,
    boundary.score_kind,
    cast(listed.score as double precision) as score,
    cast(coalesce(counted.n_participants, 0) as integer) as n_participants,
    cast(boundary.n_total as integer) as n_total,
    cast(coalesce(counted.n_participants, 0) as double precision) / boundary.n_total as share_of_participants,
    cast(case when coalesce(counted.n_unjudged, 0) = 0 then coalesce(counted.n_below_min, 0) end as integer)
        as n_below_min,
    listed.score < boundary.pass_from as is_below_min,
    case
        when boundary.score_kind = 'test' and listed.score = boundary.pass_from then 'минимум'
        when listed.score = boundary.mark_3_from then '2|3'
        when listed.score = boundary.mark_4_from then '3|4'
        when listed.score = boundary.mark_5_from then '4|5'
    end as mark_boundary,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from listed
inner join boundary on listed.year = boundary.year and listed.procedure_code = boundary.procedure_code
left join procedure on listed.procedure_code = procedure.procedure_code
left join {{ ref('dim_subject') }} as subject on procedure.subject = subject.short_code
left join counted
    on
        listed.year = counted.year
        and listed.procedure_code = counted.procedure_code
        and listed.score = counted.score
