-- How each procedure of each method came out in each school: the ground of the verdict in mart_identification.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id', 'method_code', 'procedure_code'], 'unique': true}]
) }}

with

method as (

    select
        method_code,
        method_version,
        coalesce(label_ru, title_ru) as method_title,
        valid_from_year,
        valid_to_year,
        threshold_numerator,
        threshold_denominator,
        min_participants,
        attempt,
        procedures,
        exclude_flagged,
        excluded_markers,
        interval_z,
        grade_a_min_participants,
        grade_b_min_participants,
        grade_c_min_pooled,
        pooled_years,
        min_participation_percent
    from {{ ref('dim_method') }}
    where kind = 'low_share'

),

subject as (

    select
        procedure_code,
        title_ru,
        subject,
        enrolled_grade
    from {{ ref('dim_procedure') }}

),

counts as (

    select * from {{ ref('fct_school_procedure') }}
    -- No method looks back further.
    where {{ method_in_span_and_before('year', '(select max(greatest(1, pooled_years - 1)) from method)') }}

),

flagged as (

    select * from {{ ref('int_flagged_result') }}

),

probability as (

    select * from {{ source('estimates', 'estimate_probability') }}
    where {{ method_in_span('year') }}

),

enrolment as (

    select * from {{ ref('int_enrolment') }}
    where {{ method_in_span('year') }}

),

school as (

    select
        year,
        school_id,
        school_code,
        school_name,
        school_label,
        municipality_code,
        municipality_name,
        school_kind
    from {{ ref('int_school_of_year') }}

),

-- The year itself and the years that its rules look back to: the one before it, and those that are pooled.
look_back as (

    select
        method.*,
        back.years_back
    from method
    cross join lateral generate_series(0, greatest(1, method.pooled_years - 1)) as back (years_back)

),

-- One row per procedure, method, computed year and year looked at; a method counts first attempts or last ones.
looked_at as (

    select
        counts.school_id,
        counts.procedure_code,
        look_back.*,
        subject.title_ru as procedure_title,
        subject.subject,
        subject.enrolled_grade,
        counts.n_enrolled_listed,
        counts.year + look_back.years_back as year,
        case look_back.attempt
            when 'first' then counts.n_participants
            when 'last' then counts.n_participants_last
        end as n_participants,
        case look_back.attempt
            when 'first' then counts.n_below_min
            when 'last' then counts.n_below_min_last
        end as n_below_min,
        {{ method_excludes('flagged.markers', 'look_back') }} as is_excluded
    from counts
    inner join look_back
        on
            look_back.procedures ? counts.procedure_code
            and look_back.valid_from_year <= counts.year + look_back.years_back
            and (
                look_back.valid_to_year is null
                or look_back.valid_to_year >= counts.year + look_back.years_back
            )
    left join subject on counts.procedure_code = subject.procedure_code
    left join flagged
        on
            look_back.exclude_flagged
            and counts.year = flagged.year
            and counts.school_id = flagged.school_id
            and counts.procedure_code = flagged.procedure_code
    where {{ method_in_span('counts.year + look_back.years_back') }}

),

-- Windows instead of joins of the table with itself: one pass, whatever the planner knows of a table just filled.
set_beside as (

    select
        looked_at.*,
        max(n_participants) filter (where years_back = 1) over procedure_of_school as n_participants_last_year,
        max(n_below_min) filter (where years_back = 1) over procedure_of_school as n_below_min_last_year,
        coalesce(bool_or(is_excluded) filter (where years_back = 1) over procedure_of_school, false)
            as is_excluded_last_year,
        coalesce(
            sum(n_participants) filter (where n_below_min is not null and not is_excluded and years_back < pooled_years)
                over subject_of_school,
            0
        ) as n_participants_pooled,
        sum(n_below_min) filter (where not is_excluded and years_back < pooled_years)
            over subject_of_school as n_below_pooled,
        cast(sum(n_below_min) filter (where years_back = 0) over procedure_of_region as double precision)
        / nullif(
            sum(n_participants) filter (where years_back = 0 and n_below_min is not null) over procedure_of_region, 0
        ) as regional_share
    from looked_at
    window
        procedure_of_school as (partition by method_code, year, school_id, procedure_code),
        subject_of_school as (partition by method_code, year, school_id, subject),
        procedure_of_region as (partition by method_code, year, procedure_code)

),

measured as (

    select
        method.*,
        cast(n_below_min as double precision) / nullif(n_participants, 0) as share_below_min,
        cast(threshold_numerator as double precision) / threshold_denominator as threshold,
        {{ method_is_low('n_below_min', 'n_participants') }} and not is_excluded as is_low,
        {{ method_is_low('(n_below_min + 1)', 'n_participants') }} and not is_excluded as is_low_with_one_more,
        {{ method_is_low('(n_below_min - 1)', 'n_participants') }} and not is_excluded as is_low_with_one_fewer,
        {{ method_is_low('n_below_min_last_year', 'n_participants_last_year') }} and not is_excluded_last_year
            as is_low_last_year,
        {{ wilson_low('n_below_min', 'n_participants', 'interval_z') }} as ci_low,
        {{ wilson_high('n_below_min', 'n_participants', 'interval_z') }} as ci_high,
        {{ wilson_low('n_below_pooled', 'n_participants_pooled', 'interval_z') }} as ci_low_pooled,
        {{ wilson_high('n_below_pooled', 'n_participants_pooled', 'interval_z') }} as ci_high_pooled
    from set_beside as method
    where years_back = 0

),

-- Whether many of those who could sit did: by the form's number of pupils where it is not smaller than the number of
-- participants, else by the pupils that the file of results lists.
attended as (

    select
        measured.*,
        case
            when enrolment.n_pupils >= measured.n_participants then enrolment.n_pupils
            when measured.n_enrolled_listed >= measured.n_participants then measured.n_enrolled_listed
        end as n_enrolled,
        case
            when enrolment.n_pupils >= measured.n_participants then 'context_form'
            when measured.n_enrolled_listed >= measured.n_participants then 'listed'
        end as enrolment_source,
        probability.shrunk_share,
        probability.probability_low,
        school.school_code,
        school.school_name,
        school.school_label,
        school.municipality_code,
        school.municipality_name,
        school.school_kind
    from measured
    left join school
        on
            measured.year = school.year
            and measured.school_id = school.school_id
    left join enrolment
        on
            measured.year = enrolment.year
            and measured.school_id = enrolment.school_id
            and measured.enrolled_grade = enrolment.grade
    left join probability
        on
            measured.year = probability.year
            and measured.school_id = probability.school_id
            and measured.procedure_code = probability.procedure_code
            and measured.attempt = probability.attempt
            and measured.threshold_numerator = probability.threshold_numerator
            and measured.threshold_denominator = probability.threshold_denominator

)

select
    year,
    school_id,
    school_code,
    school_name,
    school_label,
    municipality_code,
    municipality_name,
    school_kind,
    method_code,
    method_version,
    method_title,
    procedure_code,
    procedure_title,
    n_participants,
    n_below_min,
    share_below_min,
    threshold,
    is_excluded,
    is_low,
    n_participants_last_year,
    n_below_min_last_year,
    is_low_last_year,
    is_low and is_low_last_year as is_repeated,
    case
        when is_low then n_below_min > 0 and not is_low_with_one_fewer
        else coalesce(n_below_min < n_participants, false) and is_low_with_one_more
    end as one_pupil_flips,
    ci_low,
    ci_high,
    regional_share,
    shrunk_share,
    probability_low,
    cast(n_participants_pooled as integer) as n_participants_pooled,
    cast(n_below_pooled as integer) as n_below_pooled,
    cast(n_below_pooled as double precision) / nullif(n_participants_pooled, 0) as share_pooled,
    ci_low_pooled,
    ci_high_pooled,
    cast(n_enrolled as integer) as n_enrolled,
    enrolment_source,
    cast(n_participants as double precision) / nullif(n_enrolled, 0) as participation_rate,
    coalesce(n_participants * 100 < min_participation_percent * n_enrolled, false) as is_low_participation,
    case
        when n_below_min is null or n_participants = 0 or is_excluded then 'D'
        when n_participants >= grade_a_min_participants and ci_low > regional_share then 'A'
        when n_participants >= grade_b_min_participants then 'B'
        when n_participants_pooled >= grade_c_min_pooled then 'C'
        else 'D'
    end as evidence_grade,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from attended
