-- What came of each source and year, and what of it reached the marts.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ clear_of_years() }}"
) }}

with

-- Versions in force only: replaced ones are history. Registers have no year and are counted anew each time.
part as (

    select * from {{ source('ops', 'source_part') }}
    where
        in_force
        and source is not null
        and {{ of_years('year') }}

),

counted as (

    select
        source,
        year,
        count(distinct file_id) as n_files,
        sum(n_rows_read) as n_rows_read,
        sum(n_rows_accepted) as n_rows_accepted,
        sum(n_rows_rejected) as n_rows_rejected,
        sum(n_rows_dropped) as n_rows_dropped,
        sum(n_warnings) as n_warnings,
        sum(n_blanks_as_zero) as n_blanks_as_zero
    from part
    group by source, year

),

total as (

    select
        part.source,
        part.year,
        count(*) as n_control_totals,
        count(*) filter (where not control_total.agrees) as n_control_totals_failed
    from part
    inner join {{ source('ops', 'control_total') }} as control_total on part.part_id = control_total.part_id
    group by part.source, part.year

),

critical_part as (

    select distinct part_id from {{ source('ops', 'row_finding') }}
    where severity = 'critical'

),

-- A suite may have been run on parts of several years at once: it has passed for a year when no part of that year
-- has a critical finding.
suite_of_part as (

    select distinct
        expectation_result.suite,
        checked.part_id
    from {{ source('ops', 'expectation_result') }} as expectation_result
    cross join lateral unnest(expectation_result.part_ids) as checked (part_id)

),

suite_run as (

    select
        part.source,
        part.year,
        suite_of_part.suite,
        bool_and(critical_part.part_id is null) as has_passed
    from part
    inner join suite_of_part on part.part_id = suite_of_part.part_id
    left join critical_part on part.part_id = critical_part.part_id
    group by part.source, part.year, suite_of_part.suite

),

suite as (

    select
        source,
        year,
        count(*) as n_suites,
        count(*) filter (where has_passed) as n_suites_passed
    from suite_run
    group by source, year

),

school as (

    select
        part.source,
        part.year,
        count(distinct result.school_id) as n_schools,
        count(distinct result.school_key) filter (where result.school_id is null) as n_unresolved_schools
    from (
        select distinct
            part_id,
            school_id,
            school_key
        from {{ ref('fct_result') }}
        where {{ in_years('year') }}
    ) as result
    inner join part on result.part_id = part.part_id
    group by part.source, part.year

),

title as (

    {{ source_titles() }}

)

select
    counted.source,
    title.source_title,
    counted.year,
    cast(counted.n_files as integer) as n_files,
    cast(counted.n_rows_read as integer) as n_rows_read,
    cast(counted.n_rows_accepted as integer) as n_rows_accepted,
    cast(counted.n_rows_rejected as integer) as n_rows_rejected,
    cast(counted.n_rows_dropped as integer) as n_rows_dropped,
    cast(counted.n_warnings as integer) as n_warnings,
    cast(coalesce(suite.n_suites_passed, 0) as integer) as n_suites_passed,
    cast(coalesce(suite.n_suites, 0) as integer) as n_suites,
    cast(counted.n_rows_accepted as double precision)
    / nullif(counted.n_rows_accepted + counted.n_rows_rejected, 0) as completeness,
    cast(counted.n_blanks_as_zero as integer) as n_blanks_as_zero,
    cast(school.n_schools as integer) as n_schools,
    cast(school.n_unresolved_schools as integer) as n_unresolved_schools,
    cast(coalesce(total.n_control_totals, 0) as integer) as n_control_totals,
    cast(coalesce(total.n_control_totals_failed, 0) as integer) as n_control_totals_failed,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from counted
left join suite on counted.source = suite.source and counted.year is not distinct from suite.year
left join title on counted.source = title.source
left join total on counted.source = total.source and counted.year is not distinct from total.year
left join school on counted.source = school.source and counted.year is not distinct from school.year
