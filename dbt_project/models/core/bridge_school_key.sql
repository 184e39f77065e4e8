{#-
    Every key by which files and registers name a school, with its validity: whose it is, in which campaign years, and
    how that is known. A key that is nobody's is here too, without a school.
-#}
{{ config(pre_hook="{{ join_by_hash() }}") }}

with resolved as (
    select * from {{ ref('int_school_key') }}
),

known as (
    select
        key_kind,
        school_key as key_written,
        {{ fold_key('key_kind', 'school_key') }} as key_normalised,
        municipality,
        school_id,
        how,
        valid_from,
        valid_to,
        year_from,
        year_to
    from resolved
),

-- A code of a register has the time of its records.
code_period as (
    select
        school_code,
        case when bool_and(valid_from is not null) then min(valid_from) end as valid_from,
        case when bool_and(valid_to is not null) then max(valid_to) end as valid_to
    from {{ ref('int_register_key') }}
    where origin = 'school' and school_code is not null
    group by school_code
),

-- What stood in the files before the zeros that a spreadsheet lost were restored.
restored as (
    select distinct
        written.code as key_written,
        {{ school_code('written.code') }} as key_normalised
    from {{ source('ops', 'source_part') }} as part
    cross join lateral unnest(part.restored_codes) as written (code)
    where part.in_force and part.status = 'landed'
),

-- Names of registers, whether a result uses them or not.
registered_name as (
    select distinct
        register.school_name as key_written,
        {{ fold_name('register.school_name') }} as key_normalised,
        register.municipality,
        {{ fold_name('register.municipality') }} as municipality_folded
    from {{ ref('int_register_key') }} as register
    where register.school_name is not null and register.municipality is not null
),

-- Branches have one taxpayer number: it tells a school only where one school alone has it.
inn as (
    select
        inn as key_written,
        case when count(distinct school_code) = 1 then 'C' || min(school_code) end as school_id,
        case when bool_and(valid_from is not null) then min(valid_from) end as valid_from,
        case when bool_and(valid_to is not null) then max(valid_to) end as valid_to
    from {{ ref('int_register_key') }}
    where origin = 'school' and school_code is not null and inn ~ '^([0-9]{10}|[0-9]{12})$'
    group by inn
),

united as (
    select
        known.key_kind,
        known.key_written,
        known.key_normalised,
        known.municipality,
        known.school_id,
        known.how,
        coalesce(known.valid_from, code_period.valid_from) as valid_from,
        coalesce(known.valid_to, code_period.valid_to) as valid_to,
        known.year_from,
        known.year_to
    from known
    left join code_period
        on known.key_kind = 'code' and known.how = 'register' and known.key_normalised = code_period.school_code
    union all
    select
        'code',
        restored.key_written,
        restored.key_normalised,
        '',
        resolved.school_id,
        case when resolved.school_id is null then 'unknown' else 'restored_zeros' end,
        code_period.valid_from,
        code_period.valid_to,
        cast(null as integer),
        cast(null as integer)
    from restored
    left join resolved
        on resolved.key_kind = 'code' and restored.key_normalised = resolved.school_key
    left join code_period
        on restored.key_normalised = code_period.school_code
    where
        not exists (
            select 1 from known
            where known.key_kind = 'code' and known.key_written = restored.key_written
        )
    union all
    select
        'name',
        named.key_written,
        named.key_normalised,
        named.municipality,
        case when not owner.is_shared then owner.school_id end,
        case when owner.is_shared then 'shared' else owner.origin end,
        case when not owner.is_shared then owner.valid_from end,
        case when not owner.is_shared then owner.valid_to end,
        case when not owner.is_shared then owner.year_from end,
        case when not owner.is_shared then owner.year_to end
    from registered_name as named
    inner join {{ ref('int_key_owner') }} as owner
        on
            owner.key_kind = 'name'
            and named.municipality_folded = owner.key_group
            and named.key_normalised = owner.key_value
    where
        not exists (
            select 1 from known
            where
                known.key_kind = 'name'
                and known.key_written = named.key_written
                and known.municipality = named.municipality
        )
    union all
    select
        'inn' as key_kind,
        key_written,
        key_written as key_normalised,
        '',
        school_id,
        case when school_id is null then 'shared' else 'register' end,
        case when school_id is not null then valid_from end,
        case when school_id is not null then valid_to end,
        cast(null as integer),
        cast(null as integer)
    from inn
)

select distinct
    concat_ws(':', key_kind, key_written, municipality, cast(year_from as text)) as school_key_id,
    key_kind,
    key_written,
    key_normalised,
    municipality,
    school_id,
    how,
    valid_from,
    valid_to,
    year_from,
    year_to
from united
