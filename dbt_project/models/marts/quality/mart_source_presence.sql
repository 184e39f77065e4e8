-- Which sources came in which years, and of how many schools. Built anew each time: it is small.

with

part as (

    select * from {{ source('ops', 'source_part') }}
    where in_force and status = 'landed' and source is not null

),

parameter as (

    select * from {{ ref('source_presence') }}

),

procedure as (

    select
        procedure_code,
        exam,
        count(*) over (partition by exam) as n_procedures
    from {{ ref('procedure') }}

),

title as (

    {{ source_titles() }}

),

-- Years in which nothing of an exam was held.
not_held as (

    select
        cancelled.year,
        procedure.exam
    from {{ ref('procedure_not_held') }} as cancelled
    inner join procedure on cancelled.procedure_code = procedure.procedure_code
    group by cancelled.year, procedure.exam, procedure.n_procedures
    having count(distinct cancelled.procedure_code) = procedure.n_procedures

),

kind as (

    select
        source,
        bool_or(year is not null) as is_yearly,
        min(year) as first_year,
        max(exam) as exam
    from part
    group by source

),

year_known as (

    select distinct year from part
    where year is not null

),

asked as (

    select
        year_known.year,
        kind.source,
        kind.is_yearly,
        not_held.exam is not null as is_not_held
    from year_known
    inner join kind on not kind.is_yearly or year_known.year >= kind.first_year
    left join not_held on year_known.year = not_held.year and kind.exam = not_held.exam

),

file as (

    select
        source,
        year,
        count(distinct file_id) as n_files,
        sum(n_rows_accepted) as n_rows_accepted
    from part
    group by source, year

),

registered as (

    select * from {{ ref('int_register_school') }}

),

register_size as (

    select
        year,
        count(*) as n_schools_register
    from registered
    group by year

),

school as (

    select
        asked.year,
        asked.source,
        count(*) as n_schools,
        count(registered.school_id) as n_schools_in_register
    from asked
    inner join {{ ref('int_source_school') }} as seen
        on
            asked.source = seen.source
            and asked.is_yearly = (seen.year is not null)
            and coalesce(asked.year = seen.year, true)
    left join registered on asked.year = registered.year and seen.school_id = registered.school_id
    group by asked.year, asked.source

),

-- Whether rows of a source name a school at all.
by_school as (

    select distinct source from {{ ref('int_source_school') }}

),

counted as (

    select
        asked.*,
        coalesce(file.n_files, 0) as n_files,
        coalesce(file.n_rows_accepted, 0) as n_rows_accepted,
        case when by_school.source is not null then coalesce(school.n_schools, 0) end as n_schools,
        case when by_school.source is not null then coalesce(school.n_schools_in_register, 0) end
            as n_schools_in_register,
        register_size.n_schools_register
    from asked
    left join file
        on
            asked.source = file.source
            and asked.is_yearly = (file.year is not null)
            and coalesce(asked.year = file.year, true)
    left join school on asked.year = school.year and asked.source = school.source
    left join by_school on asked.source = by_school.source
    left join register_size on asked.year = register_size.year

),

compared as (

    select
        counted.*,
        coalesce(before.n_files, 0) > 0 as is_received_last_year,
        case when before.n_files > 0 then before.n_schools end as n_schools_last_year
    from counted
    left join counted as before on counted.source = before.source and counted.year - 1 = before.year

),

judged as (

    select
        compared.*,
        case
            when compared.n_files = 0 and compared.is_not_held then 'not_held'
            when compared.n_files = 0 and compared.is_received_last_year then 'missing_came_last_year'
            when compared.n_files = 0 then 'not_expected'
            when
                compared.n_rows_accepted = 0
                or coalesce(
                    compared.n_schools * 100 < parameter.partial_below_percent * compared.n_schools_last_year, false
                )
                then 'partial'
            else 'received'
        end as state
    from compared
    cross join parameter

)

select
    judged.year,
    judged.source,
    title.source_title,
    judged.is_yearly,
    judged.n_files > 0 as is_received,
    judged.is_received_last_year,
    judged.state,
    case judged.state
        when 'received' then 'пришёл'
        when 'partial' then 'пришёл не весь'
        when 'missing_came_last_year' then 'не пришёл, в прошлом году был'
        when 'not_held' then 'процедуры не было'
        else 'не ожидается'
    end as state_title,
    cast(judged.n_files as integer) as n_files,
    cast(judged.n_rows_accepted as integer) as n_rows_accepted,
    cast(judged.n_schools as integer) as n_schools,
    cast(judged.n_schools_last_year as integer) as n_schools_last_year,
    cast(judged.n_schools_in_register as integer) as n_schools_in_register,
    cast(judged.n_schools_register as integer) as n_schools_register,
    cast(judged.n_schools_in_register as double precision) / nullif(judged.n_schools_register, 0) as coverage_share
from judged
left join title on judged.source = title.source
