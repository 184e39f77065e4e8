with listed as (
    select
        procedure_code,
        exam,
        procedure_subject,
        subject,
        grade,
        enrolled_grade,
        title_ru,
        score_kind,
        is_two_part
    from {{ ref('procedure') }}
),

-- Every work of a regional monitoring is a procedure of its own, known from its files.
monitoring as (
    select
        key.procedure_code,
        max(key.exam) as exam,
        max(key.procedure_subject) as procedure_subject,
        max(subject.short_code) as subject,
        max(case when key.grade >= 0 then key.grade end) as grade,
        max(case when key.grade >= 0 then key.grade end) as enrolled_grade,
        max(
            key.monitoring || ', ' || coalesce(subject.title_ru, key.subject)
            || case when key.grade >= 0 then ', ' || cast(key.grade as text) || ' класс' else '' end
        ) as title_ru,
        'primary' as score_kind,
        false as is_two_part
    from {{ ref('int_procedure_key') }} as key
    left join {{ ref('subject') }} as subject
        on key.procedure_subject = subject.short_code
    where key.exam = 'rm' and key.procedure_code is not null
    group by key.procedure_code
),

final as (
    select * from listed
    union all
    select * from monitoring
)

select * from final
