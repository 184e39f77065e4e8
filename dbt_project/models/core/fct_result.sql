{{
    config(
        materialized=kept_by_year(),
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        pre_hook="{{ clear_years() }}",
        indexes=[{'columns': ['year'], 'type': 'brin'}, {'columns': ['school_id', 'year']}]
    )
}}

with vpr as (
    select
        result.year,
        school.school_id,
        result.school_login as school_key,
        key.procedure_code,
        cast(null as {{ text_type() }}) as person_key,
        cast(null as {{ text_type() }}) as name_key,
        result.pupil_code,
        1 as attempt_no,
        true as is_first_attempt,
        true as is_last_attempt,
        true as is_own_pupil,
        cast(null as date) as exam_date,
        cast(null as {{ text_type() }}) as wave,
        coalesce(attendance.value = 'absent', false) as is_absent,
        coalesce(attendance.value = 'partial', false) as is_partial,
        cast(result.primary_score as numeric(9, 2)) as primary_score,
        cast(null as integer) as test_score,
        result.mark as file_mark,
        result.journal_mark,
        cast(null as boolean) as is_below_level,
        'primary' as score_source,
        result.file_id,
        result.part_id,
        result.row_no
    from {{ ref('stg_vpr_result') }} as result
    left join {{ ref('int_school_key') }} as school
        on
            school.key_kind = 'login'
            and result.school_login = school.school_key
            and {{ key_holds('school', 'result.year') }}
    left join {{ ref('int_procedure_key') }} as key
        on
            key.exam = 'vpr'
            and result.year = key.year
            and result.subject = key.subject
            and result.grade = key.grade
    left join {{ ref('value_list') }} as attendance
        on attendance.list_name = 'attendance' and result.attendance = attendance.spelling
    where {{ in_years('result.year') }} and {{ in_parts('result.part_id') }}
),

exam_corrected as (
    select
        result.*,
        appeal.score_source,
        procedure.score_kind,
        coalesce(appeal.primary_score, result.primary_score) as new_primary_score,
        case
            when procedure.score_kind = 'test' then coalesce(appeal.score_after, result.test_score)
        end as new_test_score,
        case
            when procedure.score_kind = 'test' then null
            -- A changed score makes the mark of the first protocol void.
            else coalesce(appeal.score_after, case when appeal.primary_score is null then result.mark end)
        end as new_mark
    from {{ ref('int_exam_result') }} as result
    left join {{ ref('int_appeal') }} as appeal
        on result.part_id = appeal.result_part_id and result.row_no = appeal.result_row_no
    left join {{ ref('procedure') }} as procedure
        on result.procedure_code = procedure.procedure_code
),

exam_numbered as (
    select
        exam_corrected.*,
        new_primary_score is not null or new_test_score is not null or new_mark is not null as has_result,
        -- Results first, by date: an attempt without a result is not the attempt that counts.
        row_number() over (
            partition by
                year,
                procedure_code,
                coalesce(
                    person_key, cast(part_id as {{ text_type() }}) || '/' || cast(row_no as {{ text_type() }})
                )
            order by
                case
                    when new_primary_score is not null or new_test_score is not null or new_mark is not null then 0
                    else 1
                end asc,
                exam_date asc nulls last,
                -- What the rows say decides between two of one day, not the order in which their files came.
                wave asc nulls last,
                school_code asc nulls last,
                new_primary_score asc nulls last,
                new_test_score asc nulls last,
                new_mark asc nulls last,
                part_id asc,
                row_no asc
        ) as attempt_no,
        count(
            case when new_primary_score is not null or new_test_score is not null or new_mark is not null then 1 end
        ) over (
            partition by
                year,
                procedure_code,
                coalesce(
                    person_key, cast(part_id as {{ text_type() }}) || '/' || cast(row_no as {{ text_type() }})
                )
        ) as n_results
    from exam_corrected
),

exam as (
    select
        result.year,
        school.school_id,
        result.school_code as school_key,
        result.procedure_code,
        result.person_key,
        result.name_key,
        cast(null as {{ text_type() }}) as pupil_code,
        cast(result.attempt_no as integer) as attempt_no,
        result.attempt_no = 1 as is_first_attempt,
        result.attempt_no = greatest(result.n_results, 1) as is_last_attempt,
        result.is_own_pupil,
        result.exam_date,
        result.wave,
        false as is_absent,
        false as is_partial,
        cast(result.new_primary_score as numeric(9, 2)) as primary_score,
        result.new_test_score as test_score,
        result.new_mark as file_mark,
        cast(null as integer) as journal_mark,
        cast(null as boolean) as is_below_level,
        coalesce(result.score_source, 'primary') as score_source,
        result.file_id,
        result.part_id,
        result.row_no
    from exam_numbered as result
    left join {{ ref('int_school_key') }} as school
        on school.key_kind = 'code' and result.school_code = school.school_key
),

monitoring as (
    select
        result.year,
        school.school_id,
        result.school_code as school_key,
        key.procedure_code,
        cast(null as {{ text_type() }}) as person_key,
        cast(null as {{ text_type() }}) as name_key,
        result.pupil_code,
        1 as attempt_no,
        true as is_first_attempt,
        true as is_last_attempt,
        true as is_own_pupil,
        cast(null as date) as exam_date,
        cast(null as {{ text_type() }}) as wave,
        false as is_absent,
        false as is_partial,
        cast(result.score as numeric(9, 2)) as primary_score,
        cast(null as integer) as test_score,
        cast(null as integer) as file_mark,
        cast(null as integer) as journal_mark,
        level.value = 'ниже базового' as is_below_level,
        'primary' as score_source,
        result.file_id,
        result.part_id,
        result.row_no
    from {{ ref('stg_regional_monitoring') }} as result
    left join {{ ref('int_school_key') }} as school
        on school.key_kind = 'code' and result.school_code = school.school_key
    left join {{ ref('int_procedure_key') }} as key
        on
            key.exam = 'rm'
            and result.year = key.year
            and coalesce(result.subject, '') = key.subject
            and coalesce(result.grade, -1) = key.grade
            and coalesce(result.monitoring, '') = key.monitoring
    left join {{ ref('value_list') }} as level
        on level.list_name = 'monitoring_level' and {{ fold('result.level') }} = level.spelling
    where {{ in_years('result.year') }} and {{ in_parts('result.part_id') }}
),

result as (
    select * from vpr
    union all
    select * from exam
    union all
    select * from monitoring
),

marked as (
    select
        result.*,
        coalesce(
            result.file_mark,
            case
                when result.primary_score >= scale.mark_5_from then 5
                when result.primary_score >= scale.mark_4_from then 4
                when result.primary_score >= scale.mark_3_from then 3
                when result.primary_score >= scale.mark_2_from and result.primary_score <= scale.mark_2_to then 2
            end
        ) as mark,
        -- A scale of which only the border of the lowest mark is known still tells who is below the minimum.
        result.primary_score <= scale.mark_2_to as is_lowest_by_scale,
        procedure.min_mark,
        procedure.score_kind,
        minimum.min_test_score
    from result
    left join {{ ref('int_mark_scale') }} as scale
        on
            result.procedure_code = scale.procedure_code
            and result.year >= scale.year_from
            and result.year <= coalesce(scale.year_to, result.year)
    left join {{ ref('procedure') }} as procedure
        on result.procedure_code = procedure.procedure_code
    left join {{ ref('ege_minimum') }} as minimum
        on
            result.procedure_code = minimum.procedure_code
            and result.year >= minimum.year_from
            and result.year <= coalesce(minimum.year_to, result.year)
),

final as (
    select
        {{ region_code() }} as region_code,
        year,
        school_id,
        school_key,
        procedure_code,
        person_key,
        name_key,
        pupil_code,
        attempt_no,
        is_first_attempt,
        is_last_attempt,
        is_own_pupil,
        exam_date,
        wave,
        is_absent,
        is_partial,
        (primary_score is not null or test_score is not null or file_mark is not null)
        and not is_absent
        and not is_partial
        and is_own_pupil as is_participant,
        primary_score,
        test_score,
        case when score_kind = 'test' then cast(test_score as numeric(9, 2)) else primary_score end as score,
        mark,
        case when file_mark is not null then 'file' when mark is not null then 'scale' end as mark_source,
        case
            when is_absent then null
            when score_kind = 'test' then test_score < min_test_score
            else coalesce(is_below_level, mark < min_mark, is_lowest_by_scale)
        end as is_below_min,
        journal_mark,
        score_source,
        file_id,
        part_id,
        row_no
    from marked
)

select * from final
