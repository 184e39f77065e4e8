-- What is this: for every source and recalculated year, accepted landing rows = rows of fct_result + rows of oral
-- parts (which are no results of their own); and every row of fct_result with a school and a procedure is in
-- fct_school_procedure.
-- When is it important: a join on the way duplicated or lost pupils, so every share of the affected schools is
-- wrong.
-- How to resolve: see which source differs; look for duplicate keys in int_school_key, int_procedure_key or a seed
-- that it joins (subject_alias, value_list, mark_scale, ege_minimum), and run the tests of these first.
with accepted as (
    select
        'vpr_result' as source,
        year,
        count(*) as n_rows
    from {{ ref('stg_vpr_result') }}
    where {{ in_years('year') }} and {{ in_parts('part_id') }}
    group by year
    union all
    select
        'ege_result',
        year,
        count(*)
    from {{ ref('stg_ege_result') }}
    where {{ in_years('year') }} and {{ in_parts('part_id') }}
    group by year
    union all
    select
        'oge_result',
        year,
        count(*)
    from {{ ref('stg_oge_result') }}
    where {{ in_years('year') }} and {{ in_parts('part_id') }}
    group by year
    union all
    select
        'regional_monitoring',
        year,
        count(*)
    from {{ ref('stg_regional_monitoring') }}
    where {{ in_years('year') }} and {{ in_parts('part_id') }}
    group by year
),

oral as (
    select
        source.exam || '_result' as source,
        source.year,
        count(*) as n_rows
    from (
        select
            'ege' as exam,
            year,
            subject_code,
            subject
        from {{ ref('stg_ege_result') }}
        where {{ in_years('year') }} and {{ in_parts('part_id') }}
        union all
        select
            'oge',
            year,
            subject_code,
            subject
        from {{ ref('stg_oge_result') }}
        where {{ in_years('year') }} and {{ in_parts('part_id') }}
    ) as source
    inner join {{ ref('int_procedure_key') }} as key
        on
            source.exam = key.exam
            and source.year = key.year
            and coalesce(source.subject_code, -1) = key.subject_code
            and coalesce(source.subject, '') = key.subject
    where key.is_oral_part
    group by source.exam, source.year
),

result as (
    select
        part.source,
        result.year,
        count(*) as n_rows
    from {{ ref('fct_result') }} as result
    inner join {{ source('ops', 'source_part') }} as part
        on result.part_id = part.part_id
    where {{ in_years('result.year') }}
    group by part.source, result.year
),

landing_to_result as (
    select
        'landing → fct_result: ' || coalesce(accepted.source, result.source) as step,
        coalesce(accepted.year, result.year) as year,
        coalesce(accepted.n_rows, 0) as n_before,
        coalesce(result.n_rows, 0) + coalesce(oral.n_rows, 0) as n_after
    from accepted
    full join result
        on accepted.source = result.source and accepted.year = result.year
    left join oral
        on accepted.source = oral.source and accepted.year = oral.year
),

result_to_school as (
    select
        'fct_result → fct_school_procedure' as step,
        counted.year,
        counted.n_rows as n_before,
        coalesce(school.n_rows, 0) as n_after
    from (
        select
            year,
            count(*) as n_rows
        from {{ ref('fct_result') }}
        where
            {{ in_years('year') }}
            and school_id is not null and procedure_code is not null and is_own_pupil and is_first_attempt
        group by year
    ) as counted
    left join (
        select
            year,
            sum(n_absent + n_partial + n_without_result + n_participants) as n_rows
        from {{ ref('fct_school_procedure') }}
        where {{ in_years('year') }} and source = 'pupil'
        group by year
    ) as school
        on counted.year = school.year
)

select * from landing_to_result
where n_before <> n_after
union all
select * from result_to_school
where n_before <> n_after
