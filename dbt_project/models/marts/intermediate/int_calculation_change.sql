-- What differs between a calculation and the one that it is compared with: counts and verdicts, and why.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}"
) }}

with

base as (

    select
        base.year,
        base.calculation_id,
        base.base_calculation_id,
        base.is_published,
        coalesce(now_done.seeds_hash, '') <> coalesce(before_done.seeds_hash, '') as is_seeds_changed,
        coalesce(now_done.code_version, '') <> coalesce(before_done.code_version, '') as is_code_changed
    from {{ source('ops', 'calculation_base') }} as base
    inner join {{ source('ops', 'calculation') }} as now_done
        on base.calculation_id = now_done.calculation_id
    inner join {{ source('ops', 'calculation') }} as before_done
        on base.base_calculation_id = before_done.calculation_id
    where
        base.calculation_id = '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}'
        and {{ method_in_span('base.year') }}

),

verdict_now as (

    select
        mart.year,
        mart.school_id,
        mart.method_code,
        mart.is_low_results
    from {{ ref('mart_identification') }} as mart
    inner join base on mart.year = base.year

),

verdict_before as (

    select
        history.year,
        history.school_id,
        history.method_code,
        history.is_low_results
    from {{ source('history', 'history_identification') }} as history
    inner join base
        on history.calculation_id = base.base_calculation_id and history.year = base.year

),

evidence_now as (

    select
        mart.year,
        mart.school_id,
        mart.method_code,
        mart.procedure_code,
        mart.n_participants,
        mart.n_below_min,
        mart.is_low,
        mart.is_low_last_year
    from {{ ref('mart_identification_evidence') }} as mart
    inner join base on mart.year = base.year

),

evidence_before as (

    select
        history.year,
        history.school_id,
        history.method_code,
        history.procedure_code,
        history.n_participants,
        history.n_below_min,
        history.is_low,
        history.is_low_last_year
    from {{ source('history', 'history_evidence') }} as history
    inner join base
        on history.calculation_id = base.base_calculation_id and history.year = base.year

),

-- Estimates (probabilities, intervals) move for everybody when one mark changes: they are not compared.
procedure_change as (

    select
        coalesce(evidence_now.year, evidence_before.year) as year,
        coalesce(evidence_now.school_id, evidence_before.school_id) as school_id,
        coalesce(evidence_now.method_code, evidence_before.method_code) as method_code,
        coalesce(evidence_now.procedure_code, evidence_before.procedure_code) as procedure_code,
        evidence_before.n_participants as n_participants_before,
        evidence_now.n_participants,
        evidence_before.n_below_min as n_below_min_before,
        evidence_now.n_below_min,
        evidence_before.is_low as is_low_before,
        evidence_now.is_low,
        evidence_before.is_low_last_year as is_low_last_year_before,
        evidence_now.is_low_last_year
    from evidence_now
    full outer join evidence_before
        on
            evidence_now.year = evidence_before.year
            and evidence_now.school_id = evidence_before.school_id
            and evidence_now.method_code = evidence_before.method_code
            and evidence_now.procedure_code = evidence_before.procedure_code
    where
        evidence_now.n_participants is distinct from evidence_before.n_participants
        or evidence_now.n_below_min is distinct from evidence_before.n_below_min
        or evidence_now.is_low is distinct from evidence_before.is_low
        or evidence_now.is_low_last_year is distinct from evidence_before.is_low_last_year

),

verdict as (

    select
        coalesce(verdict_now.year, verdict_before.year) as year,
        coalesce(verdict_now.school_id, verdict_before.school_id) as school_id,
        coalesce(verdict_now.method_code, verdict_before.method_code) as method_code,
        verdict_before.is_low_results as is_low_results_before,
        verdict_now.is_low_results
    from verdict_now
    full outer join verdict_before
        on
            verdict_now.year = verdict_before.year
            and verdict_now.school_id = verdict_before.school_id
            and verdict_now.method_code = verdict_before.method_code

),

-- A verdict can change while no procedure does: then the rule did, and the row names no procedure.
change as (

    select
        verdict.year,
        verdict.school_id,
        verdict.method_code,
        procedure_change.procedure_code,
        verdict.is_low_results_before,
        verdict.is_low_results,
        procedure_change.n_participants_before,
        procedure_change.n_participants,
        procedure_change.n_below_min_before,
        procedure_change.n_below_min,
        procedure_change.is_low_before,
        procedure_change.is_low,
        procedure_change.is_low_last_year_before,
        procedure_change.is_low_last_year
    from verdict
    left join procedure_change
        on
            verdict.year = procedure_change.year
            and verdict.school_id = procedure_change.school_id
            and verdict.method_code = procedure_change.method_code
    where
        procedure_change.procedure_code is not null
        or verdict.is_low_results is distinct from verdict.is_low_results_before

),

changed_procedure as (

    select distinct
        change.year,
        change.school_id,
        change.procedure_code,
        back.years_back
    from change
    cross join (values (0), (1)) as back (years_back)
    where
        change.procedure_code is not null
        and (back.years_back = 0 or change.is_low_last_year is distinct from change.is_low_last_year_before)

),

-- Parts of files in force now that the other calculation did not know, with the versions that they replaced.
new_part as (

    select
        base.year,
        part.part_id,
        part.year as part_year,
        part.exam,
        part.grade,
        key.procedure_code as subject_procedure_code,
        part.subject is not null as has_subject,
        file.path,
        part.sheet,
        part.version,
        replaced.path as replaced_path,
        replaced.version as replaced_version
    from base
    inner join {{ source('ops', 'calculation_input') }} as input
        on base.calculation_id = input.calculation_id
    inner join {{ source('ops', 'source_part') }} as part on input.part_id = part.part_id
    inner join {{ source('ops', 'source_file') }} as file on part.file_id = file.file_id
    left join {{ ref('int_procedure_key') }} as key
        on
            part.exam = key.exam
            and part.year = key.year
            and part.subject = key.subject
            and coalesce(part.grade, -1) = coalesce(key.grade, -1)
    left join lateral (
        select
            string_agg(distinct old_file.path, '; ' order by old_file.path) as path,
            max(old_part.version) as version
        from {{ source('ops', 'calculation_input') }} as old_input
        inner join {{ source('ops', 'source_part') }} as old_part on old_input.part_id = old_part.part_id
        inner join {{ source('ops', 'source_file') }} as old_file on old_part.file_id = old_file.file_id
        where
            old_input.calculation_id = base.base_calculation_id
            and old_part.content_key = part.content_key
            and (
                old_part.superseded_by = part.part_id
                or exists (
                    select 1
                    from {{ source('ops', 'superseded_school') }} as superseded
                    where superseded.part_id = old_part.part_id
                )
            )
    ) as replaced on true
    where
        (input.year is null or input.year between base.year - 2 and base.year)
        and not exists (
            select 1
            from {{ source('ops', 'calculation_input') }} as known
            where known.calculation_id = base.base_calculation_id and known.part_id = input.part_id
        )

),

-- Schools and procedures whose rows the new parts hold; counted down before anything is joined with it.
new_rows as (

    select distinct
        result.year,
        result.school_id,
        result.procedure_code,
        result.part_id
    from {{ ref('fct_result') }} as result
    where
        result.part_id in (select new_part.part_id from new_part)
        and {{ method_in_span_and_before('result.year', 2) }}

),

-- Which of them hold rows of the school and procedure: pupils' rows, appeals, summary forms.
held as (

    select
        changed_procedure.year,
        changed_procedure.school_id,
        changed_procedure.procedure_code,
        new_rows.part_id
    from changed_procedure
    inner join new_rows
        on
            changed_procedure.school_id = new_rows.school_id
            and changed_procedure.year - changed_procedure.years_back = new_rows.year
            and changed_procedure.procedure_code = new_rows.procedure_code
    union
    select
        changed_procedure.year,
        changed_procedure.school_id,
        changed_procedure.procedure_code,
        appeal.part_id
    from changed_procedure
    inner join {{ ref('int_school_key') }} as school
        on changed_procedure.school_id = school.school_id and school.key_kind = 'code'
    inner join {{ ref('stg_appeal') }} as appeal
        on
            school.school_key = appeal.school_code
            and changed_procedure.year - changed_procedure.years_back = appeal.year
    inner join {{ ref('int_procedure_key') }} as key
        on
            appeal.exam = key.exam
            and appeal.year = key.year
            and coalesce(appeal.subject_code, -1) = key.subject_code
            and coalesce(appeal.subject, '') = key.subject
            and changed_procedure.procedure_code = key.procedure_code
    union
    select
        changed_procedure.year,
        changed_procedure.school_id,
        changed_procedure.procedure_code,
        summary.part_id
    from changed_procedure
    inner join {{ ref('int_school_key') }} as school
        on changed_procedure.school_id = school.school_id and school.key_kind = 'name'
    inner join {{ ref('stg_ege_school_summary') }} as summary
        on
            school.school_key = summary.school_name
            and school.municipality = summary.municipality
            and {{ key_holds('school', 'summary.year') }}
            and changed_procedure.year - changed_procedure.years_back = summary.year
    inner join {{ ref('int_procedure_key') }} as key
        on
            key.exam = 'ege'
            and summary.year = key.year
            and summary.subject = key.subject
            and changed_procedure.procedure_code = key.procedure_code
    union
    select
        changed_procedure.year,
        changed_procedure.school_id,
        changed_procedure.procedure_code,
        summary.part_id
    from changed_procedure
    inner join {{ ref('int_school_key') }} as school
        on changed_procedure.school_id = school.school_id and school.key_kind = 'login'
    inner join {{ ref('stg_vpr_school_summary') }} as summary
        on
            school.school_key = summary.school_login
            and {{ key_holds('school', 'summary.year') }}
            and changed_procedure.year - changed_procedure.years_back = summary.year
    inner join {{ ref('int_procedure_key') }} as key
        on
            key.exam = 'vpr'
            and summary.year = key.year
            and summary.subject = key.subject
            and summary.grade = key.grade
            and changed_procedure.procedure_code = key.procedure_code

),

-- Where the verdict of a method stands on other numbers than counts of procedures: any rows of the school will do.
changed_school as (

    select distinct
        year,
        school_id
    from change
    where procedure_code is null

),

held_school as (

    select distinct
        changed_school.year,
        changed_school.school_id,
        new_rows.part_id
    from changed_school
    inner join new_rows
        on
            changed_school.school_id = new_rows.school_id
            and changed_school.year >= new_rows.year
            and changed_school.year - 2 <= new_rows.year

),

-- The nearest explanation: a file with the school's rows; a file of the procedure in which the school no longer
-- stands or which sets its scale; a register. Only then the rules.
candidate as (

    select
        held.year,
        held.school_id,
        held.procedure_code,
        new_part.part_id,
        1 as nearness,
        'file' as reason_kind
    from held
    inner join new_part on held.year = new_part.year and held.part_id = new_part.part_id
    union all
    select
        held_school.year,
        held_school.school_id,
        '' as procedure_code,
        held_school.part_id,
        1 as nearness,
        'file' as reason_kind
    from held_school
    union all
    select
        changed_procedure.year,
        changed_procedure.school_id,
        changed_procedure.procedure_code,
        new_part.part_id,
        2 as nearness,
        'file_of_procedure' as reason_kind
    from changed_procedure
    inner join {{ ref('dim_procedure') }} as procedure
        on changed_procedure.procedure_code = procedure.procedure_code
    inner join new_part
        on
            changed_procedure.year = new_part.year
            and changed_procedure.year - changed_procedure.years_back = new_part.part_year
            and procedure.exam = new_part.exam
            and coalesce(new_part.grade, procedure.grade) is not distinct from procedure.grade
            and (not new_part.has_subject or procedure.procedure_code = new_part.subject_procedure_code)
    union all
    select
        changed_procedure.year,
        changed_procedure.school_id,
        changed_procedure.procedure_code,
        new_part.part_id,
        3 as nearness,
        'register' as reason_kind
    from changed_procedure
    inner join new_part on changed_procedure.year = new_part.year and new_part.part_year is null

),

nearest as (

    select
        candidate.*,
        rank() over (
            partition by candidate.year, candidate.school_id, candidate.procedure_code order by candidate.nearness
        ) as place
    from candidate

),

explanation as (

    select
        nearest.year,
        nearest.school_id,
        nearest.procedure_code,
        nearest.reason_kind,
        string_agg(distinct new_part.path, '; ' order by new_part.path) as file_path,
        max(new_part.version) as file_version,
        string_agg(distinct new_part.replaced_path, '; ' order by new_part.replaced_path) as replaced_path,
        max(new_part.replaced_version) as replaced_version
    from nearest
    inner join new_part on nearest.year = new_part.year and nearest.part_id = new_part.part_id
    where nearest.place = 1
    group by nearest.year, nearest.school_id, nearest.procedure_code, nearest.reason_kind

),

explained as (

    select
        change.*,
        base.calculation_id,
        base.base_calculation_id,
        base.is_published as is_base_published,
        base.is_seeds_changed,
        base.is_code_changed,
        explanation.file_path,
        explanation.file_version,
        explanation.replaced_path,
        explanation.replaced_version,
        coalesce(
            explanation.reason_kind,
            case when base.is_seeds_changed or base.is_code_changed then 'rule' else 'other_procedure' end
        ) as reason_kind
    from change
    inner join base on change.year = base.year
    left join explanation
        on
            change.year = explanation.year
            and change.school_id = explanation.school_id
            and coalesce(change.procedure_code, '') = explanation.procedure_code

)

select
    year,
    school_id,
    method_code,
    procedure_code,
    is_low_results_before,
    is_low_results,
    n_participants_before,
    n_participants,
    n_below_min_before,
    n_below_min,
    is_low_before,
    is_low,
    is_low_last_year_before,
    is_low_last_year,
    reason_kind,
    case reason_kind
        when 'file' then 'Пришла новая версия файла со строками школы'
        when 'file_of_procedure' then 'Пришёл новый файл этой процедуры; строк школы по ней в нём нет'
        when 'register' then 'Изменился реестр школ'
        when 'rule' then 'Изменились правила расчёта'
        else 'Вывод зависит от других школ или лет, которые изменились'
    end
    || case when is_seeds_changed then '; изменились справочники и методы' else '' end
    || case when is_code_changed then '; изменились модели расчёта' else '' end as reason,
    file_path,
    file_version,
    replaced_path,
    replaced_version,
    is_seeds_changed or is_code_changed as is_rule_changed,
    is_base_published,
    base_calculation_id,
    calculation_id
from explained
