-- Who entered the list, who left it, who stayed, and the procedures and counts that explain it: against the year
-- before, and against the calculation that this one is compared with.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook=["{{ method_clear_span() }}", "{{ join_by_hash() }}"],
    indexes=[{'columns': ['year', 'comparison', 'school_id', 'method_code'], 'unique': true}]
) }}

with

verdict as (

    select
        year,
        school_id,
        method_code,
        is_low_results,
        low_procedures
    from {{ ref('mart_identification') }}
    where {{ method_in_span_and_before('year', 1) }}

),

-- Each verdict as what is now, and as what was before the year after it.
of_years as (

    select
        verdict.year + side.years_on as year,
        verdict.school_id,
        verdict.method_code,
        bool_or(verdict.is_low_results) filter (where side.years_on = 0) as is_low_now,
        bool_or(verdict.is_low_results) filter (where side.years_on = 1) as is_low_before,
        bool_or(side.years_on = 0) as is_there_now,
        coalesce(min(verdict.low_procedures) filter (where side.years_on = 0), '{}') as low_now,
        coalesce(min(verdict.low_procedures) filter (where side.years_on = 1), '{}') as low_before
    from verdict
    cross join (values (0), (1)) as side (years_on)
    where {{ method_in_span('verdict.year + side.years_on') }}
    group by verdict.year + side.years_on, verdict.school_id, verdict.method_code

),

-- Years of which there are verdicts; without one before, there is nothing to compare with.
compared_year as (

    select
        of_years.year,
        of_years.method_code
    from of_years
    group by of_years.year, of_years.method_code
    having bool_or(of_years.is_there_now) and bool_or(of_years.is_low_before is not null)

),

listed as (

    select of_years.*
    from of_years
    inner join compared_year
        on of_years.year = compared_year.year and of_years.method_code = compared_year.method_code
    where of_years.is_low_now or of_years.is_low_before

),

counts as (

    select
        year,
        school_id,
        method_code,
        procedure_code,
        n_participants,
        n_below_min
    from {{ ref('mart_identification_evidence') }}
    where {{ method_in_span_and_before('year', 1) }}

),

-- For methods that rest on other evidence than shares of procedures.
plain_counts as (

    select
        year,
        school_id,
        procedure_code,
        n_participants,
        n_below_min
    from {{ ref('fct_school_procedure') }}
    where {{ method_in_span_and_before('year', 1) }}

),

-- The counts behind: every procedure that was low before or is low now.
explaining as (

    select
        listed.year,
        listed.school_id,
        listed.method_code,
        procedure.procedure_code,
        coalesce(counts_before.n_participants, plain_before.n_participants) as n_participants_before,
        coalesce(counts_before.n_below_min, plain_before.n_below_min) as n_below_min_before,
        coalesce(counts_now.n_participants, plain_now.n_participants) as n_participants,
        coalesce(counts_now.n_below_min, plain_now.n_below_min) as n_below_min
    from listed
    cross join
        lateral (
            select unnest(listed.low_now) as procedure_code
            union
            select unnest(listed.low_before)
        ) as procedure
    left join counts as counts_now
        on
            listed.year = counts_now.year
            and listed.school_id = counts_now.school_id
            and listed.method_code = counts_now.method_code
            and procedure.procedure_code = counts_now.procedure_code
    left join counts as counts_before
        on
            listed.year - 1 = counts_before.year
            and listed.school_id = counts_before.school_id
            and listed.method_code = counts_before.method_code
            and procedure.procedure_code = counts_before.procedure_code
    left join plain_counts as plain_now
        on
            listed.year = plain_now.year
            and listed.school_id = plain_now.school_id
            and procedure.procedure_code = plain_now.procedure_code
    left join plain_counts as plain_before
        on
            listed.year - 1 = plain_before.year
            and listed.school_id = plain_before.school_id
            and procedure.procedure_code = plain_before.procedure_code

),

year_change as (

    select
        listed.year,
        'year' as comparison,
        listed.school_id,
        listed.method_code,
        listed.year - 1 as base_year,
        cast(null as text) as base_calculation_id,
        listed.is_low_before,
        listed.is_low_now,
        cast(null as text) as reason,
        cast(null as text) as file_path
    from listed

),

year_evidence as (

    select
        explaining.year,
        'year' as comparison,
        explaining.school_id,
        explaining.method_code,
        explaining.procedure_code,
        explaining.n_participants_before,
        explaining.n_below_min_before,
        explaining.n_participants,
        explaining.n_below_min,
        explaining.procedure_code = any(listed.low_before) as is_low_before,
        explaining.procedure_code = any(listed.low_now) as is_low
    from explaining
    inner join listed
        on
            explaining.year = listed.year
            and explaining.school_id = listed.school_id
            and explaining.method_code = listed.method_code

),

calculation_difference as (

    select * from {{ ref('int_calculation_change') }}
    where {{ method_in_span('year') }}

),

calculation_change as (

    select
        year,
        'calculation' as comparison,
        school_id,
        method_code,
        year as base_year,
        max(base_calculation_id) as base_calculation_id,
        bool_or(is_low_results_before) as is_low_before,
        bool_or(is_low_results) as is_low_now,
        string_agg(distinct reason, '; ' order by reason) as reason,
        string_agg(distinct file_path, '; ' order by file_path) as file_path
    from calculation_difference
    group by year, school_id, method_code

),

calculation_evidence as (

    select
        year,
        'calculation' as comparison,
        school_id,
        method_code,
        procedure_code,
        n_participants_before,
        n_below_min_before,
        n_participants,
        n_below_min,
        coalesce(is_low_before, false) as is_low_before,
        coalesce(is_low, false) as is_low
    from calculation_difference
    where procedure_code is not null

),

change as (

    select * from year_change
    union all
    select * from calculation_change

),

evidence as (

    select
        year,
        comparison,
        school_id,
        method_code,
        array_agg(procedure_code order by procedure_code collate "C") as procedures,
        array_agg(procedure_code order by procedure_code collate "C") filter (where is_low and not is_low_before)
            as procedures_became_low,
        array_agg(procedure_code order by procedure_code collate "C") filter (where is_low_before and not is_low)
            as procedures_no_longer_low,
        string_agg(
            procedure_code || ': '
            || coalesce(cast(n_below_min_before as text) || ' из ' || cast(n_participants_before as text), 'нет')
            || ' → ' || coalesce(cast(n_below_min as text) || ' из ' || cast(n_participants as text), 'нет'),
            '; ' order by procedure_code collate "C"
        ) as counts,
        string_agg(
            coalesce(procedure_title, procedure_code) || ': '
            || coalesce(cast(n_below_min_before as text) || ' из ' || cast(n_participants_before as text), 'нет')
            || ' → ' || coalesce(cast(n_below_min as text) || ' из ' || cast(n_participants as text), 'нет'),
            '; ' order by procedure_code collate "C"
        ) as counts_title
    from (
        select
            both_kinds.*,
            procedure.title_ru as procedure_title
        from (
            select * from year_evidence
            union all
            select * from calculation_evidence
        ) as both_kinds
        left join {{ ref('dim_procedure') }} as procedure on both_kinds.procedure_code = procedure.procedure_code
    ) as titled
    group by year, comparison, school_id, method_code

),

school as (

    select * from {{ ref('int_school_of_year') }}

),

-- A school that has no results this year keeps the name of its last version.
last_known as (

    select
        school_id,
        school_code,
        login,
        name,
        school_label,
        municipality_code,
        municipality_name,
        school_kind
    from {{ ref('dim_school') }}
    where is_current

),

-- The title of the version in force, else of the last one: a method may have no version of the year any more.
method as (

    select distinct on (change.year, method.method_code)
        change.year,
        method.method_code,
        coalesce(method.label_ru, method.title_ru) as method_title
    from (select distinct year from change) as change
    cross join {{ ref('dim_method') }} as method
    order by
        change.year asc,
        method.method_code asc,
        change.year between method.valid_from_year and coalesce(method.valid_to_year, change.year) desc,
        method.valid_from_year desc

)

select
    change.year,
    change.comparison,
    change.school_id,
    coalesce(school.school_code, last_known.school_code) as school_code,
    coalesce(school.login, last_known.login) as login,
    coalesce(school.school_name, last_known.name) as school_name,
    coalesce(school.municipality_name, last_known.municipality_name) as municipality_name,
    -- One or the other record as a whole: columns of both do not mix.
    last_known.school_label,
    case when school.school_id is not null then school.municipality_code else last_known.municipality_code end
        as municipality_code,
    case when school.school_id is not null then school.school_kind else last_known.school_kind end as school_kind,
    change.method_code,
    method.method_title,
    change.base_year,
    change.base_calculation_id,
    change.is_low_before,
    change.is_low_now,
    case
        when change.is_low_now and change.is_low_before then 'stayed'
        when change.is_low_now then 'entered'
        when change.is_low_before and change.is_low_now is null then 'no_verdict'
        when change.is_low_before then 'left'
        else 'stayed_out'
    end as change,
    coalesce(evidence.procedures, '{}') as procedures,
    coalesce(evidence.procedures_became_low, '{}') as procedures_became_low,
    coalesce(evidence.procedures_no_longer_low, '{}') as procedures_no_longer_low,
    evidence.counts,
    evidence.counts_title,
    change.reason,
    change.file_path,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from change
left join evidence
    on
        change.year = evidence.year
        and change.comparison = evidence.comparison
        and change.school_id = evidence.school_id
        and change.method_code = evidence.method_code
left join school
    on
        change.year = school.year
        and change.school_id = school.school_id
left join last_known on change.school_id = last_known.school_id
left join method
    on
        change.year = method.year
        and change.method_code = method.method_code
