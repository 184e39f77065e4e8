{#-
    Subject, grade and work as written → procedure. Where a file gives both a code and a name, both must lead to
    one subject.
-#}
{{ config(materialized='table') }}

with written as (
    select distinct
        exam,
        year,
        coalesce(subject_code, -1) as subject_code,
        coalesce(subject, '') as subject,
        coalesce(grade, -1) as grade,
        coalesce(monitoring, '') as monitoring
    from {{ ref('int_result_key') }}
),

by_name as (
    select
        written.*,
        alias.procedure_subject,
        alias.is_oral_part
    from written
    left join {{ ref('subject_alias') }} as alias
        on written.exam = alias.exam and {{ fold('written.subject') }} = alias.spelling
),

by_code as (
    select
        written.exam,
        written.year,
        written.subject_code,
        code.procedure_subject,
        count(*) over (partition by written.exam, written.year, written.subject_code) as n_subjects,
        code.is_oral_part
    from (select distinct
        exam,
        year,
        subject_code
    from written) as written
    inner join {{ ref('subject_code') }} as code
        on
            written.exam = code.exam
            and written.subject_code = code.subject_code
            and written.year >= coalesce(code.year_from, written.year)
            and written.year <= coalesce(code.year_to, written.year)
),

resolved as (
    select
        by_name.exam,
        by_name.year,
        by_name.subject_code,
        by_name.subject,
        by_name.grade,
        by_name.monitoring,
        case
            when by_name.subject_code = -1 then by_name.procedure_subject
            when by_name.subject = '' and by_code.n_subjects = 1 then by_code.procedure_subject
            when by_name.procedure_subject = by_code.procedure_subject then by_name.procedure_subject
        end as procedure_subject,
        coalesce(by_name.is_oral_part, false) or coalesce(by_code.is_oral_part, false) as is_oral_part
    from by_name
    left join by_code
        on
            by_name.exam = by_code.exam
            and by_name.year = by_code.year
            and by_name.subject_code = by_code.subject_code
            and (
                by_name.procedure_subject = by_code.procedure_subject
                or (by_name.subject = '' and by_code.n_subjects = 1)
            )
),

final as (
    select
        resolved.*,
        case
            when resolved.is_oral_part then null
            when resolved.exam = 'rm'
                then
                    'rm_' || {{ slug('resolved.monitoring') }}
                    || '_' || coalesce(resolved.procedure_subject, {{ slug('resolved.subject') }})
                    || case when resolved.grade >= 0 then '_' || cast(resolved.grade as {{ text_type() }}) else '' end
            else procedure.procedure_code
        end as procedure_code
    from resolved
    left join {{ ref('procedure') }} as procedure
        on
            resolved.exam = procedure.exam
            and resolved.procedure_subject = procedure.procedure_subject
            -- An exam of the state attestation has one grade, so its files need not name it.
            and (resolved.grade = procedure.grade or resolved.grade = -1)
)

select * from final
