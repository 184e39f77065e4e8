-- One row per item and content element, beside the sum of the work's items.
with landed as not materialized (
    select * from pending_row
),

-- An item stands on as many rows as it tests content elements.
items as (
    select distinct whole_id, year, grade, subject, item_label, pg_temp.whole(max_score) as max_score from landed
),

sums as (
    select whole_id, year, grade, subject, sum(max_score) as item_sum from items group by whole_id, year, grade, subject
)

select
    landed.part_id, landed.whole_id, landed.file_id, landed.row_no, '' as record_key,
    landed.year, landed.grade, landed.subject, landed.item_label, landed.item_no, landed.level, landed.max_score,
    work.procedure_code, top.max_primary, sums.item_sum,
    sums.item_sum - top.max_primary as sum_difference,
    pg_temp.whole(landed.max_score) as max_number
from landed
inner join sums
    on sums.whole_id = landed.whole_id and sums.year is not distinct from landed.year
        and sums.grade is not distinct from landed.grade and sums.subject is not distinct from landed.subject
left join subject_name as named on named.exam = 'vpr' and named.spelling = pg_temp.fold(landed.subject)
left join work
    on work.exam = 'vpr' and work.procedure_subject = named.procedure_subject
        and work.grade = pg_temp.whole(landed.grade)
left join max_in_force as top
    on top.procedure_code = work.procedure_code and top.year = pg_temp.whole(landed.year)
