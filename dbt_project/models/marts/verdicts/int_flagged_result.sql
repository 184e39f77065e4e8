-- Results that some marker flags: a method may leave them out.
select
    year,
    school_id,
    procedure_code,
    array_agg(marker order by marker collate "C") as markers
from {{ source('estimates', 'estimate_marker') }}
where is_flagged
group by year, school_id, procedure_code
