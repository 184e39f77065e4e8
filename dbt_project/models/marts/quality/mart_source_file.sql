-- Every part of every file, whatever became of it. A view: files come and are refused between calculations.
{{ config(materialized='view') }}

with

file as (

    select * from {{ source('ops', 'source_file') }}

),

part as (

    select * from {{ source('ops', 'source_part') }}

),

problem as (

    select
        file_id,
        coalesce(path, '') as path,
        coalesce(sheet, '') as sheet,
        message,
        advice,
        found_at
    from {{ source('ops', 'file_problem') }}
    where severity = 'error'

),

title as (

    {{ source_titles() }}

),

-- What is wrong with a file as a whole, or with a sheet of it.
told as (

    select
        file_id,
        sheet,
        string_agg(distinct message, '; ' order by message) as problem,
        string_agg(distinct advice, '; ' order by advice) as advice
    from problem
    where file_id is not null
    group by file_id, sheet

),

told_of_file as (

    select
        file_id,
        string_agg(distinct message, '; ' order by message) as problem,
        string_agg(distinct advice, '; ' order by advice) as advice
    from problem
    where file_id is not null
    group by file_id

),

-- Files that could not be read far enough to be known by their content.
unreadable as (

    select
        path,
        max(found_at) as found_at,
        string_agg(distinct message, '; ' order by message) as problem,
        string_agg(distinct advice, '; ' order by advice) as advice
    from problem
    where file_id is null
    group by path

),

listed as (

    select
        file.file_id,
        part.part_id,
        part.year,
        part.source,
        file.name as file_name,
        part.sheet,
        part.block_no,
        part.layout,
        part.grade,
        part.subject,
        part.version,
        -- A refused file may have been read in part before it was refused.
        case when file.status = 'refused' then 'refused' else coalesce(part.status, file.status) end as status,
        coalesce(part.in_force, false) as in_force,
        part.superseded_by is not null as is_superseded,
        file.first_seen_at,
        part.landed_at,
        part.n_rows_read,
        part.n_rows_accepted,
        part.n_rows_rejected,
        part.n_rows_dropped,
        part.n_warnings,
        case
            when part.part_id is null or file.status = 'refused' then coalesce(told_of_file.problem, file.message)
            else told.problem
        end as problem,
        case when part.part_id is null or file.status = 'refused' then told_of_file.advice else told.advice end
            as advice
    from file
    left join part on file.file_id = part.file_id
    left join told_of_file on file.file_id = told_of_file.file_id
    left join told on part.file_id = told.file_id and part.sheet = told.sheet
    union all
    select
        cast(null as bigint) as file_id,
        cast(null as bigint) as part_id,
        cast(null as integer) as year,
        cast(null as text) as source,
        regexp_replace(path, '^.*/', '') as file_name,
        cast(null as text) as sheet,
        cast(null as integer) as block_no,
        cast(null as text) as layout,
        cast(null as integer) as grade,
        cast(null as text) as subject,
        cast(null as integer) as version,
        'refused' as status,
        false as in_force,
        false as is_superseded,
        found_at as first_seen_at,
        cast(null as timestamp with time zone) as landed_at,
        cast(null as integer) as n_rows_read,
        cast(null as integer) as n_rows_accepted,
        cast(null as integer) as n_rows_rejected,
        cast(null as integer) as n_rows_dropped,
        cast(null as integer) as n_warnings,
        problem,
        advice
    from unreadable

)

select
    listed.file_id,
    listed.part_id,
    listed.year,
    listed.source,
    title.source_title,
    listed.file_name,
    listed.sheet,
    listed.block_no,
    listed.layout,
    listed.grade,
    listed.subject,
    listed.version,
    listed.status,
    case
        when listed.status = 'landed' and listed.in_force then 'действует'
        when listed.status = 'landed' and listed.is_superseded then 'заменён более поздним'
        when listed.status = 'landed' then 'загружен, не действует'
        when listed.status = 'refused' then 'отклонён целиком'
        when listed.status = 'waiting' then 'ждёт своего года'
        when listed.status = 'withdrawn' then 'отозван'
        else 'не данные'
    end as status_title,
    listed.in_force,
    listed.is_superseded,
    listed.first_seen_at,
    listed.landed_at,
    listed.n_rows_read,
    listed.n_rows_accepted,
    listed.n_rows_rejected,
    listed.n_rows_dropped,
    listed.n_warnings,
    listed.problem,
    listed.advice
from listed
left join title on listed.source = title.source
