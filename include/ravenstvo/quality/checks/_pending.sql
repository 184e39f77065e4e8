-- The rows to check, without those in whose place corrected rows stand. ``whole_id`` is the part that a row was sent in
-- at first: a corrected row has the number that it had there, and is compared with the other rows of that part.
drop view if exists pending_row;
create temp view pending_row as
select landed.*, coalesce(part.corrects, part.part_id) as whole_id
from landing.{source} as landed
inner join ops.source_part as part using (part_id)
where landed.part_id = any(%(part_ids)s) and not exists (
    select 1 from ops.superseded_row as past
    where past.part_id = landed.part_id and past.row_no = landed.row_no and past.record_key = {record}
);
