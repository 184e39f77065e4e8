-- What: no year has two versions of one method in force.
-- When it matters: when a new version is added to the seed `method`; with two, a school would get two verdicts.
-- How to resolve: give the older row its valid_to_year.
select
    older.method_code,
    older.method_version,
    newer.method_version as other_version
from {{ ref('dim_method') }} as older
inner join {{ ref('dim_method') }} as newer
    on
        older.method_code = newer.method_code
        and older.method_version < newer.method_version
where
    newer.valid_from_year <= coalesce(older.valid_to_year, newer.valid_from_year)
    and older.valid_from_year <= coalesce(newer.valid_to_year, older.valid_from_year)
