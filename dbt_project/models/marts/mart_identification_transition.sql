-- Where the schools of last year's verdicts are now, method by method.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'method_code', 'status_before', 'status_now'], 'unique': true}]
) }}

with

state as (

    select
        year,
        school_id,
        method_code,
        method_title,
        case is_low_results when true then 'low' when false then 'not_low' else 'no_verdict' end as verdict
    from {{ ref('mart_identification') }}
    where {{ method_in_span_and_before('year', 1) }}

),

-- Each state as what is now, and as what was before the year after it.
beside as (

    select
        state.year + side.years_on as year,
        state.school_id,
        state.method_code,
        max(state.method_title) as method_title,
        max(state.verdict) filter (where side.years_on = 0) as status_now,
        max(state.verdict) filter (where side.years_on = 1) as status_before
    from state
    cross join (values (0), (1)) as side (years_on)
    where {{ method_in_span('state.year + side.years_on') }}
    group by state.year + side.years_on, state.school_id, state.method_code

),

-- Only years that have verdicts at all.
known as (

    select distinct
        year,
        method_code
    from state
    where {{ method_in_span('year') }}

)

select
    beside.year,
    beside.method_code,
    max(beside.method_title) as method_title,
    coalesce(beside.status_before, 'absent') as status_before,
    coalesce(beside.status_now, 'absent') as status_now,
    cast(count(*) as integer) as n_schools,
    cast(count(*) as double precision)
    / sum(count(*)) over (partition by beside.year, beside.method_code, coalesce(beside.status_before, 'absent'))
        as share_of_before
from beside
inner join known on beside.year = known.year and beside.method_code = known.method_code
group by
    beside.year,
    beside.method_code,
    coalesce(beside.status_before, 'absent'),
    coalesce(beside.status_now, 'absent')
