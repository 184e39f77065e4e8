"""``ravenstvo schools decide``: what people decided about keys of schools comes back as a workbook and is kept.

Decisions are only ever added: the last one on a key is in force, «отменить» takes it back. The next run validates the
rows concerned anew and recalculates the years in whose files the keys stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import DictCursor

from ravenstvo import school_keys
from ravenstvo.calculation.decision_workbook import DecisionWorkbookError, Form, read_rows
from ravenstvo.calculation.lifecycle import turn
from ravenstvo.fingerprints import file_digest
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.words import counted

_FORM = Form(school_keys.SHEET, school_keys.REQUIRED, school_keys.REQUIRED, "ravenstvo schools review")
_SHOWN = 20

# A school may be named by any code or login that the rules know and that is one school's.
_TARGETS = """
select lower(school_key) from core.int_school_key
where key_kind in ('code', 'login') and school_id is not null and how <> 'decision'
group by school_key having count(distinct school_id) = 1
"""
_ADD = """
insert into ops.school_decision
  (key_kind, school_key, municipality, key_written, municipality_written, decision, target_key, years, decided_by,
   reason, file_name, file_sha256)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class SchoolDecision:
    """A decision on one key: ``target`` is the code or login of the school, for decisions of that kind."""

    number: str
    decision: str
    target: str | None
    by: str
    reason: str


@dataclass(frozen=True)
class Decided:
    """What was accepted: new decisions, those that were in force already, and the years concerned (None: all)."""

    n_new: int
    n_same: int
    years: list[int] | None


def decide(settings: Settings, path: Path, by: str) -> Decided:
    """Accept the filled rows of a review workbook: all of them, or none when one is wrong.

    Args:
        settings: where the warehouse is.
        path: the workbook of ``ravenstvo schools review``, filled.
        by: who decides, where a row does not say.

    Raises:
        DecisionWorkbookError: the workbook cannot be read, or rows are wrong; the message names each.
        CalculationError: a calculation is at work.
    """
    sheet, rows = read_rows(path, settings, _FORM)
    with turn(settings), connect(settings) as connection, connection.cursor(cursor_factory=DictCursor) as cursor:
        cursor.execute("select to_regclass('core.int_key_use') is not null")
        if cursor.fetchone()[0] is not True:  # type: ignore[index]
            raise DecisionWorkbookError("Ключей школ ещё нет: сначала выполните ravenstvo run.")
        cursor.execute(school_keys.OPEN_KEYS)
        known = {row["number"]: row for row in cursor.fetchall()}
        cursor.execute(_TARGETS)
        found = _Reading(known, {key for (key,) in cursor.fetchall()}, by.strip())
        for row in rows:
            found.add(*row)
        if found.problems:
            raise DecisionWorkbookError(_told_problems(path, sheet, found.problems))
        new = [one for one in found.decisions.values() if not _is_in_force(one, known[one.number])]
        digest = file_digest(path)
        for one in new:
            _keep(cursor, one, known[one.number], path.name, digest)
        return Decided(len(new), len(found.decisions) - len(new), _years([known[one.number] for one in new]))


def told(done: Decided) -> list[str]:
    """What to tell the person who did it."""
    said = [f"Принято решений: {done.n_new}" + (f", действовали и раньше: {done.n_same}" if done.n_same else "") + "."]
    if done.n_new:
        concerned = "все годы" if done.years is None else "годы " + ", ".join(map(str, done.years))
        said.append(f"Затронуты {concerned}. Витрины изменит следующий расчёт: ravenstvo run")
    return said


class _Reading:
    """Reads rows of the workbook into decisions, and notes what is wrong with them."""

    def __init__(self, known: dict[str, Any], targets: set[str], by: str) -> None:
        self.known, self.targets, self.by = known, targets, by
        self.decisions: dict[str, SchoolDecision] = {}
        self.problems: list[str] = []

    def add(self, row_no: int, number: str, key: str, decision: str, by: str, reason: str) -> None:
        """Take a row; one without a decision says nothing."""
        place = f"строка {row_no}"
        if not decision:
            if reason or by:
                self.problems.append(f"{place}: есть «{school_keys.BY}» или «{school_keys.REASON}», а решения нет")
            return
        problem = self._problem(number, key, decision, by, reason)
        if problem:
            self.problems.append(f"{place} («{key}»): {problem}")
            return
        kind = school_keys.WORDS.get(_folded(decision), school_keys.SCHOOL)
        target = _code(decision).lower() if kind == school_keys.SCHOOL else None
        read = SchoolDecision(number, kind, target, by or self.by, reason)
        before = self.decisions.setdefault(number, read)
        if (before.decision, before.target) != (read.decision, read.target):
            self.problems.append(f"{place} («{key}»): о том же ключе выше решено иначе")

    def _problem(self, number: str, key: str, decision: str, by: str, reason: str) -> str | None:
        row = self.known.get(number)
        if row is None:
            return "такого ключа среди нерешённых нет: возьмите новую книгу (ravenstvo schools review)"
        if _folded(key) != _folded(row["key_written"]):
            return f"под этим номером стоит другой ключ: «{row['key_written']}»"
        word = school_keys.WORDS.get(_folded(decision))
        if word is None and _code(decision).lower() not in self.targets:
            return f"решение «{decision}» непонятно: нужен код или логин известной школы, {_words()}"
        if word == school_keys.UNDONE and row["decision"] in (None, school_keys.UNDONE):
            return "отменять нечего: решения об этом ключе нет"
        if not (by or self.by):
            return "не сказано, кем решено"
        return None if reason else "не сказано, почему"


def _words() -> str:
    return ", ".join(f"«{word}»" for word in school_keys.WORDS)


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("ё", "е").split())


def _code(text: str) -> str:
    """A code that a spreadsheet has taken for a number has its zeros again."""
    return text.zfill(6) if text.isdigit() else text


def _is_in_force(one: SchoolDecision, row: Any) -> bool:
    return bool((one.decision, one.target) == (row["decision"], row["target_key"]))


def _keep(cursor: Cursor, one: SchoolDecision, row: Any, file_name: str, digest: str) -> None:
    """Write the decision down, and have the rows that name the key validated anew."""
    cursor.execute(
        _ADD,
        (
            *(row["key_kind"], row["key_folded"], row["municipality_folded"], row["key_written"], row["municipality"]),
            *(one.decision, one.target, None if row["is_in_any_year"] else row["years"], one.by, one.reason),
            *(file_name, digest),
        ),
    )
    cursor.execute("update ops.source_part set validated_at = null where part_id = any(%s)", (row["parts"],))


def _years(rows: list[Any]) -> list[int] | None:
    if any(row["is_in_any_year"] for row in rows):
        return None
    return sorted({year for row in rows for year in row["years"]})


def _told_problems(path: Path, sheet: str, problems: list[str]) -> str:
    more = len(problems) - _SHOWN
    listed = "\n".join(f"  {problem}" for problem in problems[:_SHOWN]) + (f"\n  … и ещё {more}" if more > 0 else "")
    n_problems = counted(len(problems), "ошибка", "ошибки", "ошибок")
    return f"В книге {path.name}, лист «{sheet}», {n_problems}; не принято ничего:\n{listed}"
