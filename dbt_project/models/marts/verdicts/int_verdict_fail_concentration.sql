-- Verdicts of kind fail_concentration: the smallest set of schools that holds more than a share of the region's
-- failures.
{{ config(materialized='table') }}

with

method as (

    select
        year,
        method_code,
        method_version,
        parameters ->> 'exam' as exam,
        cast(parameters ->> 'share_numerator' as integer) as share_numerator,
        cast(parameters ->> 'share_denominator' as integer) as share_denominator,
        grade_b_min_participants,
        grade_c_min_pooled
    from {{ ref('int_method_in_year') }}
    where kind = 'fail_concentration'

),

procedure as (

    select
        procedure_code,
        exam
    from {{ ref('dim_procedure') }}

),

counts as (

    select * from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }} and n_participants > 0 and n_below_min is not null

),

of_school as (

    select
        counts.year,
        counts.school_id,
        method.method_code,
        count(*) as n_procedures,
        sum(counts.n_participants) as n_participants,
        sum(counts.n_below_min) as n_below_min,
        coalesce(
            array_agg(counts.procedure_code order by counts.procedure_code collate "C")
            filter (where counts.n_below_min > 0),
            '{}'
        ) as low_procedures
    from counts
    inner join procedure on counts.procedure_code = procedure.procedure_code
    inner join method on counts.year = method.year and procedure.exam = method.exam
    group by counts.year, counts.school_id, method.method_code

),

-- Most failures first; of two with as many, the larger share, then the key.
running as (

    select
        of_school.*,
        sum(n_below_min) over in_order as n_below_so_far,
        row_number() over in_order as place,
        sum(n_below_min) over (partition by year, method_code) as n_below_region
    from of_school
    window
        in_order as (
            partition by year, method_code
            order by n_below_min desc, cast(n_below_min as numeric) / n_participants desc, school_id collate "C"
            rows between unbounded preceding and current row
        )

)

select
    school.year,
    school.school_id,
    method.method_code,
    method.method_version,
    -- In the set as long as the schools before do not hold more than the share yet.
    running.n_below_min > 0
    and (running.n_below_so_far - running.n_below_min) * method.share_denominator
    <= method.share_numerator * running.n_below_region as is_low_results,
    cast(coalesce(running.n_procedures, 0) as integer) as n_procedures,
    cast(coalesce(cardinality(running.low_procedures), 0) as integer) as n_low_procedures,
    coalesce(running.low_procedures, '{}') as low_procedures,
    cast(coalesce(running.n_participants, 0) as integer) as n_participants_total,
    case
        when running.n_participants >= method.grade_b_min_participants then 'B'
        when running.n_participants >= method.grade_c_min_pooled then 'C'
        else 'D'
    end as evidence_grade,
    jsonb_build_object(
        'n_below_min', running.n_below_min,
        'n_below_so_far', running.n_below_so_far,
        'n_below_region', running.n_below_region,
        'place', running.place
    ) as details
from {{ ref('int_school_of_year') }} as school
inner join method on school.year = method.year
left join running
    on
        school.year = running.year
        and school.school_id = running.school_id
        and method.method_code = running.method_code
where school.has_results
