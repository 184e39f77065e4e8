-- columns: programme_title, n_included, n_partnered, n_trained
-- The programme that the dashboard opens with: the one that ends last.
select
    programme.short_title as programme_title,
    count(*) as n_included,
    sum(case when partnered.is_covered then 1 else 0 end) as n_partnered,
    sum(case when trained.is_complete then 1 else 0 end) as n_trained
from marts.mart_partnership_school as partnered
inner join marts.dim_programme as programme on partnered.programme_code = programme.programme_code
left join marts.mart_pd_completion as trained
    on
        partnered.year = trained.year
        and partnered.programme_code = trained.programme_code
        and partnered.school_id = trained.school_id
where
    partnered.year = %(year)s
    and partnered.programme_code = (select programme_code from marts.dim_programme order by year_to desc limit 1)
group by programme.short_title
