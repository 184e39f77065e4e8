-- What is this: for every procedure and year at most one ЕГЭ minimum holds, and each is a score or a mark, not
-- both.
-- When is it important: two minimums for one year would count every pupil twice.
-- How to resolve: close the older row of seeds/ege_minimum.csv with year_to before the newer begins.
select
    earlier.procedure_code,
    earlier.year_from
from {{ ref('ege_minimum') }} as earlier
left join {{ ref('ege_minimum') }} as later
    on
        earlier.procedure_code = later.procedure_code
        and earlier.year_from < later.year_from
        and coalesce(earlier.year_to, later.year_from) >= later.year_from
where
    later.procedure_code is not null
    or (earlier.min_test_score is null) = (earlier.min_mark is null)
