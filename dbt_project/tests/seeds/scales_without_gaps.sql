-- What is this: in every mark scale each mark starts right after the one below ends, and the lowest starts at 0.
-- When is it important: a score that falls into a gap gets no mark, and its whole school × procedure loses its
-- count.
-- How to resolve: correct seeds/mark_scale.csv by the document that its column source names.
with scale as (
    select
        *,
        lag(score_to) over lower_marks as lower_score_to,
        lag(mark) over lower_marks as lower_mark
    from {{ ref('mark_scale') }}
    window lower_marks as (partition by procedure_code, year_from order by mark)
)

select
    procedure_code,
    year_from,
    mark,
    score_from,
    score_to
from scale
where
    (lower_mark is null and score_from <> 0)
    or (lower_mark is not null and (mark <> lower_mark + 1 or coalesce(lower_score_to, -1) + 1 <> score_from))
    or score_to < score_from
