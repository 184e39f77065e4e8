-- Pupils of each grade by the context form of the year: one row for a school, year and grade that the form fills.
{{ config(materialized='view') }}

with context as (
    select * from {{ ref('fct_school_context') }}
),

final as (
    select
        context.year,
        context.school_id,
        listed.grade,
        listed.n_pupils
    from context
    cross join
        lateral (
            values
            {%- for grade in range(1, 13) %}
                ({{ grade }}, context.pupils_grade_{{ grade }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) as listed (grade, n_pupils)
    where listed.n_pupils > 0
)

select * from final
