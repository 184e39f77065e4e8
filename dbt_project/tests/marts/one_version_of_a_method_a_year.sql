-- What: no year has two versions of one method in force, nor two default methods of a kind that has a default.
-- When it matters: when a row is added to the seed `method`; with two, a school would get two verdicts.
-- How to resolve: give the older row its valid_to_year, or set is_default of one of them to false.
{{ config(meta={'tells': true}) }}

with

method as (

    select
        method_code,
        method_version,
        kind,
        valid_from_year,
        valid_to_year,
        coalesce(cast(parameters ->> 'is_default' as boolean), false) as is_default
    from {{ ref('dim_method') }}

)

select
    older.method_code,
    older.method_version,
    case
        when older.method_code = newer.method_code
            then 'действует в те же годы, что и редакция ' || newer.method_version
        else 'основной в те же годы, что и ' || newer.method_code
    end as problem
from method as older
inner join method as newer
    on
        (older.method_code = newer.method_code and older.method_version < newer.method_version)
        or (
            older.kind = newer.kind
            and older.is_default
            and newer.is_default
            and older.method_code < newer.method_code
        )
where
    newer.valid_from_year <= coalesce(older.valid_to_year, newer.valid_from_year)
    and older.valid_from_year <= coalesce(newer.valid_to_year, older.valid_from_year)
