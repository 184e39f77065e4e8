-- columns: before, now, entered, left, stayed
with listed as (
    select
        year,
        school_id
    from marts.mart_school_card
    where is_low_results and year in (%(year)s - 1, %(year)s)
)

select
    count(*) filter (where earlier.school_id is not null) as n_before,
    count(*) filter (where later.school_id is not null) as n_now,
    count(*) filter (where earlier.school_id is null) as entered,
    count(*) filter (where later.school_id is null and verdict.is_low_results = false) as gone,
    count(*) filter (where earlier.school_id is not null and later.school_id is not null) as stayed
from (select school_id from listed where year = %(year)s - 1) as earlier
full outer join (select school_id from listed where year = %(year)s) as later on earlier.school_id = later.school_id
left join marts.mart_school_card as verdict
    on verdict.year = %(year)s and coalesce(earlier.school_id, later.school_id) = verdict.school_id
