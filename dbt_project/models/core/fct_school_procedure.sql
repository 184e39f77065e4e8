{{
    config(
        materialized=kept_by_year(),
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        pre_hook="{{ clear_years() }}"
    )
}}

with result as (
    select
        result.*,
        result.is_first_attempt and result.is_participant as counts,
        result.is_last_attempt and result.is_participant as counts_last,
        procedure.high_score_from,
        procedure.full_score
    from {{ ref('fct_result') }} as result
    left join {{ ref('procedure') }} as procedure
        on result.procedure_code = procedure.procedure_code
    where
        {{ in_years('result.year') }}
        and result.school_id is not null
        and result.procedure_code is not null
        and result.is_own_pupil
),

counted as (
    select
        year,
        school_id,
        procedure_code,
        count(*) filter (where is_first_attempt) as n_enrolled_listed,
        count(*) filter (where is_first_attempt and is_absent) as n_absent,
        count(*) filter (where is_first_attempt and is_partial) as n_partial,
        count(*) filter (where is_first_attempt and not is_absent and not is_partial and not is_participant)
            as n_without_result,
        count(*) filter (where counts) as n_participants,
        count(*) filter (where counts and is_below_min) as n_below,
        count(*) filter (where counts and is_below_min is null) as n_unjudged,
        avg({{ exact('score') }}) filter (where counts) as mean_score,
        stddev_samp({{ exact('score') }}) filter (where counts) as sd_score,
        avg({{ exact('mark') }}) filter (where counts) as mean_mark,
        count(*) filter (where counts and mark is null) as n_unmarked,
        count(*) filter (where counts and mark = 2) as n_mark_2,
        count(*) filter (where counts and mark = 3) as n_mark_3,
        count(*) filter (where counts and mark = 4) as n_mark_4,
        count(*) filter (where counts and mark = 5) as n_mark_5,
        max(full_score) as full_score,
        count(*) filter (where counts and score >= high_score_from and score < full_score) as n_high,
        count(*) filter (where counts and score >= full_score) as n_100,
        count(*) filter (where counts_last) as n_participants_last,
        count(*) filter (where counts_last and is_below_min) as n_below_last,
        count(*) filter (where counts_last and is_below_min is null) as n_unjudged_last
    from result
    group by year, school_id, procedure_code
),

pupil as (
    select
        year,
        school_id,
        procedure_code,
        n_enrolled_listed,
        n_absent,
        n_partial,
        n_without_result,
        n_participants,
        -- One participant who cannot be judged makes the count unknown, not smaller.
        case when n_unjudged = 0 then n_below end as n_below_min,
        mean_score,
        sd_score,
        case when n_unmarked = 0 then mean_mark end as mean_mark,
        case when n_unmarked = 0 then n_mark_2 end as n_mark_2,
        case when n_unmarked = 0 then n_mark_3 end as n_mark_3,
        case when n_unmarked = 0 then n_mark_4 end as n_mark_4,
        case when n_unmarked = 0 then n_mark_5 end as n_mark_5,
        case when full_score is not null then n_high end as n_high,
        case when full_score is not null then n_100 end as n_100,
        n_participants_last,
        case when n_unjudged_last = 0 then n_below_last end as n_below_min_last,
        'pupil' as source
    from counted
),

-- A summary form stands in only where no pupil rows came.
summary as (
    select summary.*
    from {{ ref('int_school_summary') }} as summary
    where not exists (
        select 1
        from pupil
        where
            pupil.year = summary.year
            and pupil.school_id = summary.school_id
            and pupil.procedure_code = summary.procedure_code
    )
),

unioned as (
    select * from pupil
    union all
    select
        year,
        school_id,
        procedure_code,
        cast(null as bigint),
        cast(null as bigint),
        cast(null as bigint),
        cast(null as bigint),
        n_participants,
        n_below_min,
        mean_score,
        cast(null as {{ double_type() }}),
        mean_mark,
        n_mark_2,
        n_mark_3,
        n_mark_4,
        n_mark_5,
        n_high,
        n_100,
        -- A summary knows one result per pupil.
        n_participants as n_participants_last,
        n_below_min as n_below_min_last,
        'summary' as source
    from summary
)

select
    {{ region_code() }} as region_code,
    year,
    school_id,
    procedure_code,
    cast(n_enrolled_listed as integer) as n_enrolled_listed,
    cast(n_absent as integer) as n_absent,
    cast(n_partial as integer) as n_partial,
    cast(n_without_result as integer) as n_without_result,
    cast(n_participants as integer) as n_participants,
    cast(n_below_min as integer) as n_below_min,
    cast(n_below_min as {{ double_type() }}) / nullif(n_participants, 0) as share_below_min,
    cast(mean_score as {{ double_type() }}) as mean_score,
    cast(sd_score as {{ double_type() }}) as sd_score,
    cast(mean_mark as {{ double_type() }}) as mean_mark,
    cast(n_mark_2 as integer) as n_mark_2,
    cast(n_mark_3 as integer) as n_mark_3,
    cast(n_mark_4 as integer) as n_mark_4,
    cast(n_mark_5 as integer) as n_mark_5,
    cast(n_high as integer) as n_high,
    cast(n_100 as integer) as n_100,
    cast(n_participants_last as integer) as n_participants_last,
    cast(n_below_min_last as integer) as n_below_min_last,
    source
from unioned
