-- columns: score, n, total
with result as (
    select * from marts.fct_result
    where
        year = %(year)s
        and is_first_attempt and is_participant and is_own_pupil
        and score is not null and school_id is not null
        and procedure_code = (
            select procedure_code from marts.mart_funnel_limit
            group by procedure_code
            order by max(year) desc, max(n_total) filter (where year = %(year)s) desc
            limit 1
        )
)

select
    whole.score,
    count(result.score),
    (select count(*) from result)
from generate_series(0, (select max(score) from result)) as whole (score)
left join result on whole.score = result.score
group by whole.score
