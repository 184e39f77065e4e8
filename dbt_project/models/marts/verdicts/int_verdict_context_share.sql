-- Verdicts of kind context_share: the schools at the lower end of the context index.
{{ config(materialized='table') }}

with

method as (

    select
        year,
        method_code,
        method_version,
        cast(parameters ->> 'context_numerator' as integer) as context_numerator,
        cast(parameters ->> 'context_denominator' as integer) as context_denominator,
        cast(parameters ->> 'is_default' as boolean) as is_default
    from {{ ref('int_method_in_year') }}
    where kind = 'context_share'

),

context as (

    select
        year,
        school_id,
        context_index,
        rank() over (partition by year order by context_index) as place,
        count(*) over (partition by year) as n_schools
    from {{ ref('mart_school_context') }}
    where {{ method_in_span('year') }} and context_index is not null

)

select
    school.year,
    school.school_id,
    method.method_code,
    method.method_version,
    method.is_default,
    {{ method_in_part(
        'context.place', 'context.n_schools', 'method.context_numerator', 'method.context_denominator'
    ) }} as is_adverse_context,
    jsonb_build_object(
        'context_index', context.context_index,
        'place', context.place,
        'n_schools', context.n_schools
    ) as details
from {{ ref('int_school_of_year') }} as school
inner join method on school.year = method.year
left join context
    on
        school.year = context.year
        and school.school_id = context.school_id
