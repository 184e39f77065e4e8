-- Which procedures have results in which years, and what lacks beside the year before. Built anew each time.

with

taken as (

    select
        result.year,
        result.procedure_code,
        result.school_id,
        result.n_participants,
        registered.municipality_code,
        registered.municipality_name
    from {{ ref('fct_school_procedure') }} as result
    left join {{ ref('int_register_school') }} as registered
        on result.year = registered.year and result.school_id = registered.school_id
    where result.n_participants > 0

),

counted as (

    select
        year,
        procedure_code,
        count(*) as n_schools,
        sum(n_participants) as n_participants
    from taken
    group by year, procedure_code

),

kind as (

    select
        procedure_code,
        min(year) as first_year
    from counted
    group by procedure_code

),

year_known as (

    select distinct year from counted

),

-- Municipalities with participants in the year before and none in this.
municipality as (

    select distinct
        year,
        procedure_code,
        municipality_code,
        municipality_name
    from taken
    where municipality_code is not null

),

missing as (

    select
        before.year + 1 as year,
        before.procedure_code,
        count(*) as n_municipalities,
        string_agg(before.municipality_name, ', ' order by before.municipality_name) as municipalities
    from municipality as before
    left join municipality as now
        on
            before.year + 1 = now.year
            and before.procedure_code = now.procedure_code
            and before.municipality_code = now.municipality_code
    where now.year is null
    group by before.year, before.procedure_code

),

compared as (

    select
        year_known.year,
        kind.procedure_code,
        coalesce(now.n_schools, 0) as n_schools,
        coalesce(now.n_participants, 0) as n_participants,
        before.n_schools as n_schools_last_year,
        before.n_participants as n_participants_last_year,
        case when now.year is not null then coalesce(missing.n_municipalities, 0) end as n_municipalities_missing,
        case when now.year is not null then missing.municipalities end as municipalities_missing,
        cancelled.year is not null as is_not_held
    from year_known
    inner join kind on year_known.year >= kind.first_year
    left join counted as now on year_known.year = now.year and kind.procedure_code = now.procedure_code
    left join counted as before on year_known.year - 1 = before.year and kind.procedure_code = before.procedure_code
    left join missing on year_known.year = missing.year and kind.procedure_code = missing.procedure_code
    left join {{ ref('procedure_not_held') }} as cancelled
        on year_known.year = cancelled.year and kind.procedure_code = cancelled.procedure_code

),

judged as (

    select
        compared.*,
        case
            when compared.n_schools = 0 and compared.is_not_held then 'not_held'
            when compared.n_schools = 0 and compared.n_schools_last_year is not null then 'missing_came_last_year'
            when compared.n_schools = 0 then 'not_expected'
            when
                compared.n_municipalities_missing > 0
                or coalesce(
                    compared.n_schools * 100 < parameter.partial_below_percent * compared.n_schools_last_year, false
                )
                then 'partial'
            else 'received'
        end as state
    from compared
    cross join {{ ref('source_presence') }} as parameter

)

select
    judged.year,
    judged.procedure_code,
    procedure.title_ru as procedure_title,
    judged.state,
    case judged.state
        when 'received' then 'есть'
        when 'partial' then 'есть не все'
        when 'missing_came_last_year' then 'нет, в прошлом году были'
        when 'not_held' then 'процедуры не было'
        else 'не ожидаются'
    end as state_title,
    cast(judged.n_schools as integer) as n_schools,
    cast(judged.n_schools_last_year as integer) as n_schools_last_year,
    cast(judged.n_participants as integer) as n_participants,
    cast(judged.n_participants_last_year as integer) as n_participants_last_year,
    cast(judged.n_municipalities_missing as integer) as n_municipalities_missing,
    judged.municipalities_missing
from judged
inner join {{ ref('procedure') }} as procedure on judged.procedure_code = procedure.procedure_code
