"""What the benchmarks' workbooks look like, and what is counted of them; imports nothing, for every environment."""

ITEMS = 20

# The counts of the year, and which are low by the rule that the methods share: three tenths below the minimum.
COUNTS = """
with result as (
    select 'C' || register.code as school_id, 'vpr_' || work.subject || '_' || work.grade as procedure_code,
        case when work.score >= scale.mark_5_from then 5 when work.score >= scale.mark_4_from then 4
            when work.score >= scale.mark_3_from then 3 when work.score <= scale.mark_2_to then 2 end as mark,
        work.score
    from least_vpr as work
    join least_school as register on work.login = register.login
    left join core.int_mark_scale as scale
        on scale.procedure_code = 'vpr_' || work.subject || '_' || work.grade
        and scale.year_from <= {year} and coalesce(scale.year_to, {year}) >= {year}
    union all
    select 'C' || work.code, 'oge_' || work.subject, work.mark, null from least_oge as work
)
select school_id, procedure_code, count(*) as n_participants, count(*) filter (where mark < 3) as n_below_min,
    avg(score) as mean_score, avg(mark) as mean_mark, count(*) filter (where mark = 2) as n_mark_2,
    count(*) filter (where mark = 3) as n_mark_3, count(*) filter (where mark = 4) as n_mark_4,
    count(*) filter (where mark = 5) as n_mark_5, count(*) filter (where mark < 3) * 10 >= 3 * count(*) as is_low
from result
group by school_id, procedure_code
"""
