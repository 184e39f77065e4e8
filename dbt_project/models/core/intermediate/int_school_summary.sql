{#- School × procedure counts from forms that hold no pupils: the ВПР marks report and the yearly ЕГЭ form. -#}
{{ config(materialized='table') }}

with vpr as (
    select
        summary.year,
        school.school_id,
        key.procedure_code,
        summary.n_participants,
        -- The report gives percent; counts are rebuilt.
        cast(round(summary.pct_2 * summary.n_participants / 100) as integer) as n_mark_2,
        cast(round(summary.pct_3 * summary.n_participants / 100) as integer) as n_mark_3,
        cast(round(summary.pct_4 * summary.n_participants / 100) as integer) as n_mark_4,
        cast(round(summary.pct_5 * summary.n_participants / 100) as integer) as n_mark_5
    from {{ ref('stg_vpr_school_summary') }} as summary
    inner join {{ ref('int_school_key') }} as school
        on
            school.key_kind = 'login'
            and summary.school_login = school.school_key
            and {{ key_holds('school', 'summary.year') }}
    inner join {{ ref('int_procedure_key') }} as key
        on
            key.exam = 'vpr'
            and summary.year = key.year
            and summary.subject = key.subject
            and summary.grade = key.grade
    where
        {{ in_years('summary.year') }}
        and school.school_id is not null
        and key.procedure_code is not null
        and summary.n_participants is not null
),

vpr_summed as (
    select
        year,
        school_id,
        procedure_code,
        sum(n_participants) as n_participants,
        case when count(n_mark_2) = count(*) then sum(n_mark_2) end as n_mark_2,
        case when count(n_mark_3) = count(*) then sum(n_mark_3) end as n_mark_3,
        case when count(n_mark_4) = count(*) then sum(n_mark_4) end as n_mark_4,
        case when count(n_mark_5) = count(*) then sum(n_mark_5) end as n_mark_5
    from vpr
    group by year, school_id, procedure_code
),

ege as (
    select
        summary.year,
        school.school_id,
        key.procedure_code,
        summary.n_participants,
        -- A part larger than the whole is a broken cell, not a number.
        case when summary.n_below_min <= summary.n_participants then summary.n_below_min end as n_below_min,
        case when summary.n_high <= summary.n_participants then summary.n_high end as n_high,
        case when summary.n_100 <= summary.n_participants then summary.n_100 end as n_100,
        summary.mean_score
    from {{ ref('stg_ege_school_summary') }} as summary
    inner join {{ ref('int_school_key') }} as school
        on
            school.key_kind = 'name'
            and summary.school_name = school.school_key
            and summary.municipality = school.municipality
            and {{ key_holds('school', 'summary.year') }}
    inner join {{ ref('int_procedure_key') }} as key
        on key.exam = 'ege' and summary.year = key.year and summary.subject = key.subject and key.subject_code = -1
    where
        {{ in_years('summary.year') }}
        and school.school_id is not null
        -- The oral part of a language has no procedure of its own.
        and key.procedure_code is not null
        and summary.n_participants is not null
),

-- A school with several profiles has several rows.
ege_summed as (
    select
        year,
        school_id,
        procedure_code,
        sum(n_participants) as n_participants,
        case when count(n_below_min) = count(*) then sum(n_below_min) end as n_below_min,
        case when count(n_high) = count(*) then sum(n_high) end as n_high,
        case when count(n_100) = count(*) then sum(n_100) end as n_100,
        case
            when count(*) filter (where n_participants > 0 and mean_score is null) = 0
                then cast(
                    sum({{ exact('mean_score') }} * n_participants) / nullif(sum(n_participants), 0)
                    as {{ double_type() }}
                )
        end as mean_score
    from ege
    group by year, school_id, procedure_code
),

final as (
    select
        year,
        school_id,
        procedure_code,
        n_participants,
        n_mark_2 as n_below_min,
        cast(null as {{ double_type() }}) as mean_score,
        {{ exact('cast(2 * n_mark_2 + 3 * n_mark_3 + 4 * n_mark_4 + 5 * n_mark_5 as numeric)') }}
        / nullif(n_mark_2 + n_mark_3 + n_mark_4 + n_mark_5, 0) as mean_mark,
        n_mark_2,
        n_mark_3,
        n_mark_4,
        n_mark_5,
        cast(null as bigint) as n_high,
        cast(null as bigint) as n_100
    from vpr_summed
    union all
    select
        year,
        school_id,
        procedure_code,
        n_participants,
        n_below_min,
        mean_score,
        cast(null as numeric),
        cast(null as bigint),
        cast(null as bigint),
        cast(null as bigint),
        cast(null as bigint),
        n_high,
        n_100
    from ege_summed
)

select * from final
