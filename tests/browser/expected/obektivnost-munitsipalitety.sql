-- columns: municipality_name, flagged
with school as (
    select
        school_id,
        max(municipality_name) as municipality_name
    from marts.mart_objectivity
    where year = %(year)s and is_flagged
    group by school_id
)

select
    null as municipality_name,
    count(*) as flagged
from school
union all
select
    card.municipality_name,
    count(school.school_id)
from marts.mart_school_card as card
left join school on card.school_id = school.school_id
where card.year = %(year)s
group by card.municipality_name
