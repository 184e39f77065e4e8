"""The workbook of keys of schools that the files leave open: its sheet, its columns, what may stand there.

One stage writes the workbook for a person to fill, another reads it back.
"""

from __future__ import annotations

SHEET = "Ключи школ"
NUMBER, KEY, DECISION, BY, REASON = "Номер", "Что написано", "Решение", "Кем", "Почему"
REQUIRED = (NUMBER, KEY, DECISION, BY, REASON)

SCHOOL, NEW, NOT_SCHOOL, UNDONE = "school", "new", "not_school", "undone"
# What a person writes, besides the code of a school → what the warehouse holds.
WORDS = {"новая": NEW, "не школа": NOT_SCHOOL, "отменить": UNDONE}
KINDS = {"code": "код ОО", "login": "логин", "name": "название"}

#: Keys as rows of the files in force name them, with what the rules and the decisions make of each. A key is written in
#: many ways and decided on once, so it is told by its one spelling.
OPEN_KEYS = """
with decided as (
    select distinct on (key_kind, school_key, municipality) *
    from ops.school_decision
    order by key_kind, school_key, municipality, decision_id desc
)

select
    left(md5(concat_ws('|', used.key_kind, used.key_folded, used.municipality_folded)), 10) as number,
    used.key_kind,
    used.key_folded,
    used.municipality_folded,
    min(used.school_key) as key_written,
    min(used.municipality) as municipality,
    max(used.school_name) as school_name,
    max(used.school_municipality) as school_municipality,
    max(key.how) as how,
    array_agg(distinct used.source) as sources,
    array_agg(distinct file.path order by file.path) as files,
    array_agg(distinct used.part_id) as parts,
    array_agg(distinct used.year) filter (where used.year is not null) as years,
    bool_or(used.year is null) as is_in_any_year,
    sum(used.n_rows)::int as n_rows,
    max(decided.decision) as decision,
    max(decided.target_key) as target_key,
    max(decided.decided_by) as decided_by,
    max(decided.reason) as reason,
    max(decided.decided_at) as decided_at,
    bool_or(
        decided.decision in ('school', 'new') and key.ruled_school_id is distinct from key.school_id
        and key.ruled_school_id is not null
    ) as is_contradicted
from core.int_key_use as used
inner join core.int_school_key as key
    on used.key_kind = key.key_kind and used.school_key = key.school_key and used.municipality = key.municipality
inner join ops.source_part as part on used.part_id = part.part_id
inner join ops.source_file as file on part.file_id = file.file_id
left join decided
    on
        used.key_kind = decided.key_kind
        and used.key_folded = decided.school_key
        and used.municipality_folded = decided.municipality
where key.school_id is null or decided.decision <> 'undone'
group by used.key_kind, used.key_folded, used.municipality_folded
"""
