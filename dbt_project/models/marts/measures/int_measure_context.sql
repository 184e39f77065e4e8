-- What the schools' forms and independent ratings say of a programme's schools; how its categories are named.
with

asked as (

    select * from {{ ref('int_indicator_period') }}
    where measure in ('context_share', 'score_share', 'label')

),

school as (

    select * from {{ ref('int_programme_school') }}
    where is_member

),

form as (

    select
        year,
        school_id,
        pupils,
        to_jsonb(form) as answers
    from {{ ref('fct_school_context') }} as form
    where {{ method_in_span('year') }}

),

of_form as (

    select
        {{ measure_key('asked') }},
        school.municipality_code,
        school.school_code,
        cast(form.answers ->> (asked.parameters ->> 'column') as numeric) as n_counted,
        cast(form.pupils as numeric) as n_all
    from asked
    inner join school on asked.programme_code = school.programme_code and asked.period = school.period
    inner join form on asked.year = form.year and school.school_id = form.school_id
    -- A part without its whole, or the other way round, would bend the share of all.
    where
        asked.measure = 'context_share'
        and form.answers ->> (asked.parameters ->> 'column') is not null
        and form.pupils is not null

),

rating as (

    select distinct on (asked.programme_code, asked.indicator_code, asked.version, asked.period, school.school_id)
        {{ measure_key('asked') }},
        school.municipality_code,
        school.school_code,
        cast(cast(rating.score >= cast(asked.parameters ->> 'threshold' as numeric) as integer) as numeric)
            as n_counted,
        cast(1 as numeric) as n_all
    from asked
    inner join school on asked.programme_code = school.programme_code and asked.period = school.period
    inner join {{ ref('fct_satisfaction') }} as rating
        on school.school_id = rating.school_id and asked.as_of >= rating.surveyed_on
    where asked.measure = 'score_share'
    order by
        asked.programme_code asc,
        asked.indicator_code asc,
        asked.version asc,
        asked.period asc,
        school.school_id asc,
        rating.surveyed_on desc,
        rating.score asc

),

summed as (

    select * from of_form
    union all
    select * from rating

),

found as (

    select
        {{ measure_key() }},
        {{ territory_kind() }} as territory_kind,
        {{ territory_code() }} as territory_code,
        sum(n_counted) as numerator,
        sum(n_all) as denominator
    from summed
    group by {{ territory_sets(measure_key()) }}

),

-- The programme's own name of a category wins over the common one.
label as (

    select distinct on (asked.programme_code, asked.indicator_code, asked.version, asked.period, named.label_key)
        {{ measure_key('asked') }},
        strpos({{ fold('named.label_ru') }}, {{ fold("asked.parameters ->> 'forbidden'") }}) > 0 as is_forbidden
    from asked
    inner join {{ ref('method_label') }} as named
        on
            asked.programme_code = coalesce(named.programme_code, asked.programme_code)
            and asked.year between coalesce(named.year_from, asked.year) and coalesce(named.year_to, asked.year)
    where asked.measure = 'label'
    order by
        asked.programme_code asc,
        asked.indicator_code asc,
        asked.version asc,
        asked.period asc,
        named.label_key asc,
        named.programme_code asc nulls last

),

forbidden as (

    select
        {{ measure_key() }},
        cast(count(*) filter (where is_forbidden) as numeric) as n_forbidden
    from label
    group by {{ measure_key() }}

)

select
    {{ measured_territory('asked', 'found') }},
    found.numerator,
    coalesce(found.denominator, 0) as denominator,
    found.numerator / nullif(found.denominator, 0) as value
from asked
left join found on {{ same_measure('asked', 'found') }}
where asked.measure <> 'label'
union all
select
    {{ measure_key() }},
    '',
    'region',
    'region',
    n_forbidden,
    null,
    n_forbidden as value
from forbidden
