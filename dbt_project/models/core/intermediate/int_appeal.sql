{#-
    Appeals and rechecks that changed a result, with the result that each belongs to; the one that prevails per
    result.
-#}
{{ config(materialized='table') }}

with appeal as (
    select
        appeal.*,
        coalesce(kind.value, 'recheck') as score_source,
        key.procedure_code
    from {{ ref('stg_appeal') }} as appeal
    inner join {{ ref('int_procedure_key') }} as key
        on
            appeal.exam = key.exam
            and appeal.year = key.year
            and coalesce(appeal.subject_code, -1) = key.subject_code
            and coalesce(appeal.subject, '') = key.subject
    left join {{ ref('value_list') }} as kind
        on kind.list_name = 'appeal_kind' and {{ fold('appeal.kind') }} = kind.spelling
    left join {{ ref('value_list') }} as state
        on state.list_name = 'appeal_state' and {{ fold('appeal.state') }} = state.spelling
    where
        {{ in_years('appeal.year') }}
        and key.procedure_code is not null
        and state.value is null
        and (appeal.primary_score is not null or appeal.score_after is not null)
),

result as (
    select
        *,
        count(*) over (partition by procedure_code, year, exam_date, school_code, name_key) as n_of_name
    from {{ ref('int_exam_result') }}
),

by_person as (
    select
        result.part_id as result_part_id,
        result.row_no as result_row_no,
        appeal.*
    from result
    inner join appeal
        on
            result.procedure_code = appeal.procedure_code
            and result.year = appeal.year
            and result.exam_date = appeal.exam_date
            and result.school_code = appeal.school_code
            and result.person_key = appeal.person_key
),

-- Known by less on one side, or by something else: the name decides, if it is the only such name of the exam in that
-- school.
by_name as (
    select
        result.part_id as result_part_id,
        result.row_no as result_row_no,
        appeal.*
    from result
    inner join appeal
        on
            result.procedure_code = appeal.procedure_code
            and result.year = appeal.year
            and result.exam_date = appeal.exam_date
            and result.school_code = appeal.school_code
            and result.name_key = appeal.name_key
    where
        result.n_of_name = 1
        and result.person_key <> appeal.person_key
        and (result.link_level > 2 or appeal.link_level > 2 or result.link_level <> appeal.link_level)
),

linked as (
    select * from by_person
    union all
    select * from by_name
),

ranked as (
    select
        linked.*,
        row_number() over (
            partition by result_part_id, result_row_no
            order by
                case when score_source = 'appeal' then 0 else 1 end,
                changed_on desc nulls last,
                part_id desc,
                row_no desc
        ) as preference
    from linked
)

select
    result_part_id,
    result_row_no,
    score_source,
    primary_score,
    score_after
from ranked
where preference = 1
