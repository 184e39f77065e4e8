-- What: the schools that mart_pd_completion calls complete are those that the indicators count which ask for the
-- programme's own norm of people (min: pd_required).
-- When it matters: always; the page of courses and the page of indicators show the same number.
-- How to resolve: the two count from one register by two roads. Run the marts stage for the year again; if it stays,
-- compare what the two call a fitting course: hours, positions, the year of the last day.
with

indicator as (

    select
        year,
        programme_code,
        territory_code as school_code,
        max(numerator) = 1 as is_complete
    from {{ ref('fct_indicator_value') }}
    where
        {{ method_in_span('year') }}
        and (programme_code, indicator_code) in (
            select
                asked.programme_code,
                asked.indicator_code
            from {{ ref('indicator') }} as asked
            where asked.parameters ->> 'min' = 'pd_required'
        )
        and period_kind = 'year'
        and component = ''
        and territory_kind = 'school'
        and numerator is not null
    group by year, programme_code, territory_code

)

select
    indicator.year,
    indicator.programme_code,
    indicator.school_code
from indicator
left join {{ ref('mart_pd_completion') }} as completion
    on
        indicator.year = completion.year
        and indicator.programme_code = completion.programme_code
        and indicator.school_code = completion.school_code
where indicator.is_complete is distinct from completion.is_complete
