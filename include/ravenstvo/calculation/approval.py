"""A person decides: a proposed list is approved, with changes or without, and frozen.

Decisions stand beside what was computed and change none of it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from ravenstvo import decisions
from ravenstvo.calculation.decision_workbook import DecisionRow, DecisionWorkbook, read_decisions
from ravenstvo.calculation.lifecycle import turn
from ravenstvo.calculation.proposal import ApprovalError, Proposal, propose
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

_NEAREST, _NEAR_ENOUGH = 3, 60.0

_KNOWN = """
select school_id, school_code, login, name, municipality_name from core.dim_school where is_current
order by school_id
"""
# A school may be named by any code or login that it ever had.
_KEYS = """
select distinct school_key, school_id from core.int_school_key
where key_kind in ('code', 'login') and school_id is not null
order by school_key, school_id
"""
_PUBLISH = """
insert into ops.publication
    (publication_id, year, method_code, calculation_id, approved_by, document, workbook_sha256, n_listed,
    approved_at)
overriding system value values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_DECIDE = """
insert into core.decision
    (publication_id, year, school_id, school_code, login, school_name, municipality_name, method_code, decided_status,
     decided_by, decided_at, decision_document, reason, is_low_results_computed)
values %s
"""
# The mart says so at once, without a calculation; the next one joins the same decisions.
_REFRESH = """
update marts.mart_identification as mart
set decided_status = decision.decided_status, decided_by = decision.decided_by, decided_at = decision.decided_at,
    decision_document = decision.decision_document
from (
    select school.school_id, decided.decided_status, decided.decided_by, decided.decided_at, decided.decision_document
    from marts.mart_identification as school
    left join core.decision as decided
        on decided.publication_id = %(publication)s and decided.school_id = school.school_id
    where school.year = %(year)s and school.method_code = %(method)s
) as decision
where mart.year = %(year)s and mart.method_code = %(method)s and mart.school_id = decision.school_id
"""


@dataclass(frozen=True)
class Decision:
    """A decision on one school, with what was computed beside it."""

    school_id: str
    school_code: str | None
    login: str | None
    name: str | None
    municipality: str | None
    is_low_results: bool | None
    status: str
    reason: str | None
    document: str


@dataclass(frozen=True)
class Approved:
    """What an approval froze. ``n_changed``: decisions that differ from the verdict of the method."""

    publication_id: int
    year: int
    method_code: str
    calculation_id: str
    n_listed: int
    n_changed: int
    replaced: int | None


def approve(
    settings: Settings,
    year: int,
    by: str,
    document: str,
    *,
    method_code: str | None = None,
    workbook: Path | None = None,
    replace: bool = False,
    calculation_id: str | None = None,
) -> Approved:
    """Freeze the list of a year: all of it in one transaction, or nothing.

    Every school that the method puts on the list is included, unless the workbook decides otherwise; the workbook
    can also include others.

    Args:
        settings: where the warehouse is.
        year: campaign year.
        by: who approves.
        document: the document that the approval stands on.
        method_code: whose list; without it that of the seed ``approval_method``.
        workbook: decisions on single schools, as ``ravenstvo decisions-template`` writes them.
        replace: approve anew a calculation whose list is approved already.
        calculation_id: the calculation that the person has looked at; another one in its place is an error.

    Raises:
        ApprovalError: with all that is in the way, one thing a line.
        DecisionWorkbookError: the workbook cannot be read at all.
        CalculationError: a calculation is at work on the marts.
    """
    by, document = by.strip(), document.strip()
    if not by or not document:
        raise ApprovalError("Укажите, кто утверждает перечень (--by) и на каком документе (--document).")
    book = None if workbook is None else read_decisions(workbook, settings)
    with turn(settings), connect(settings) as connection, connection.cursor() as cursor:
        proposal = propose(cursor, year, method_code)
        _check_calculation(proposal, replace, calculation_id)
        decided = _decide(cursor, proposal, document, book)
        publication_id = _freeze(cursor, proposal, decided, by, document, book)
    return Approved(
        publication_id=publication_id,
        year=year,
        method_code=proposal.method_code,
        calculation_id=proposal.calculation_id,
        n_listed=_n_listed(decided),
        n_changed=sum(one.status != decisions.as_computed(one.is_low_results) for one in decided),
        replaced=proposal.publication.publication_id if proposal.publication else None,
    )


def told(approved: Approved) -> str:
    """What was frozen, in one line for a person."""
    line = (
        f"Перечень {approved.year} года по методу {approved.method_code} утверждён (утверждение "
        f"{approved.publication_id}, расчёт {approved.calculation_id}): школ {approved.n_listed}, решений, которые "
        f"расходятся с выводом метода: {approved.n_changed}."
    )
    if approved.replaced is not None:
        line += f" Оно заменило утверждение {approved.replaced}, которое сохранено."
    return line


def _n_listed(decided: list[Decision]) -> int:
    return sum(one.status == decisions.INCLUDED for one in decided)


def _check_calculation(proposal: Proposal, replace: bool, seen: str | None) -> None:
    if seen is not None and seen != proposal.calculation_id:
        raise ApprovalError(
            f"Рассматривали расчёт {seen}, а тем временем закончен новый: {proposal.calculation_id}. "
            "Рассмотрите перечень заново."
        )
    publication = proposal.publication
    if publication is not None and publication.calculation_id == proposal.calculation_id and not replace:
        raise ApprovalError(
            f"Перечень {proposal.year} года по методу {proposal.method_code} на расчёте {proposal.calculation_id} уже "
            f"утверждён: {publication.told}. Чтобы утвердить его заново, добавьте --replace; прежнее утверждение "
            "сохранится."
        )


def _decide(cursor: Cursor, proposal: Proposal, document: str, book: DecisionWorkbook | None) -> list[Decision]:
    """The verdicts, and over them the rows of the workbook; all that is wrong with it is told at once."""
    computed = {
        school.school_id: Decision(
            *(school.school_id, school.school_code, school.login, school.name, school.municipality),
            *(school.is_low_results, decisions.as_computed(school.is_low_results), None, document),
        )
        for school in proposal.schools
    }
    decided = {one.school_id: one for one in computed.values() if one.status == decisions.INCLUDED}
    if book is not None:
        checked = _CheckedBook(cursor, book, computed, document)
        if checked.problems:
            heading = f"Книга решений {book.path.name} не принята, ничего не изменено. Ошибок: {len(checked.problems)}."
            raise ApprovalError("\n".join([heading, *checked.problems]))
        decided |= checked.decided
    return [decided[school_id] for school_id in sorted(decided)]


class _CheckedBook:
    """Rows of a decision workbook as decisions, and everything that is wrong with them."""

    def __init__(self, cursor: Cursor, book: DecisionWorkbook, computed: dict[str, Decision], document: str) -> None:
        self.decided: dict[str, Decision] = {}
        self.problems: list[str] = []
        self._sheet = book.sheet
        self._computed, self._document = computed, document
        cursor.execute(_KNOWN)
        self._known = {row[0]: row for row in cursor.fetchall()}
        cursor.execute(_KEYS)
        self._keys: dict[str, set[str]] = {}
        for key, school_id in cursor.fetchall():
            self._keys.setdefault(key.casefold(), set()).add(school_id)
        for school_id, code, login, *_ in self._known.values():
            for key in filter(None, (school_id, code, login)):
                self._keys.setdefault(key.casefold(), set()).add(school_id)
        rows_of: dict[str, int] = {}
        for row in book.rows:
            school_id = self._school(row)
            status = self._status(row)
            if school_id is not None and rows_of.setdefault(school_id, row.row_no) != row.row_no:
                self._wrong(
                    row,
                    decisions.KEY,
                    f"школа «{row.key}» уже стоит в строке {rows_of[school_id]}. Оставьте одну строку.",
                )
            if school_id is not None and status is not None:
                self.decided[school_id] = self._decision(row, school_id, status)

    def _wrong(self, row: DecisionRow, column: str, message: str) -> None:
        self.problems.append(f"Лист «{self._sheet}», строка {row.row_no}, колонка «{column}»: {message}")

    def _school(self, row: DecisionRow) -> str | None:
        if not row.key:
            self._wrong(row, decisions.KEY, "школа не названа. Впишите код ОО или логин.")
            return None
        found = self._keys.get(row.key.casefold(), set())
        if len(found) == 1:
            return next(iter(found))
        if found:
            titles = "; ".join(sorted(self._title(one) for one in found))
            self._wrong(row, decisions.KEY, f"«{row.key}» подходит к нескольким школам: {titles}. Впишите код ОО.")
        else:
            self._wrong(
                row,
                decisions.KEY,
                f"школы «{row.key}» в хранилище нет. {self._near(row)}Исправьте код ОО или логин или уберите строку.",
            )
        return None

    def _status(self, row: DecisionRow) -> str | None:
        status = decisions.WORDS.get(row.decision.casefold())
        if status is None:
            words = ", ".join(f"«{word}»" for word in decisions.WORDS)
            said = f"решение «{row.decision}» неизвестно" if row.decision else "решения нет"
            self._wrong(row, decisions.DECISION, f"{said}. Выберите одно из: {words}.")
        return status

    def _decision(self, row: DecisionRow, school_id: str, status: str) -> Decision:
        before = self._computed.get(school_id)
        is_low = before.is_low_results if before else None
        if status != decisions.as_computed(is_low):
            verdict = {True: "низкие результаты", False: "не низкие результаты", None: "вывода нет"}[is_low]
            for column, text in ((decisions.REASON, row.reason), (decisions.DOCUMENT, row.document)):
                if not text:
                    self._wrong(
                        row,
                        column,
                        f"пусто, а решение «{row.decision}» о школе «{row.key}» расходится с выводом метода "
                        f"({verdict}). Впишите, на чём оно стоит.",
                    )
        if before is None:  # the method has nothing to say of this school: it is taken from the register
            _, code, login, name, municipality = self._known[school_id]
            before = Decision(school_id, code, login, name, municipality, is_low, status, None, self._document)
        return dataclasses.replace(
            before, status=status, reason=row.reason or None, document=row.document or self._document
        )

    def _title(self, school_id: str) -> str:
        _, code, login, name, _ = self._known.get(school_id, (school_id, None, None, None, None))
        return f"{name or 'школа без названия'} ({code or login or school_id})"

    def _near(self, row: DecisionRow) -> str:
        """Schools with a key or a name like those of the row."""
        from rapidfuzz import fuzz, process, utils

        near: dict[str, float] = {}
        names = {one: school[3] for one, school in self._known.items() if school[3]}
        for text in filter(None, (row.name, row.key)):
            for _, score, one in process.extract(
                text, names, scorer=fuzz.token_set_ratio, processor=utils.default_process, limit=_NEAREST
            ):
                near[one] = max(score, near.get(one, 0.0))
        for key, score, _ in process.extract(row.key.casefold(), list(self._keys), scorer=fuzz.ratio, limit=_NEAREST):
            for one in self._keys[key]:
                near[one] = max(score, near.get(one, 0.0))
        best = sorted((one for one in near if near[one] >= _NEAR_ENOUGH), key=lambda one: (-near[one], one))[:_NEAREST]
        return f"Похожие: {'; '.join(map(self._title, best))}. " if best else ""


def _freeze(
    cursor: Cursor,
    proposal: Proposal,
    decided: list[Decision],
    by: str,
    document: str,
    book: DecisionWorkbook | None,
) -> int:
    """Write the publication and its decisions, put them in force, and show them in the mart."""
    cursor.execute("select nextval(pg_get_serial_sequence('ops.publication', 'publication_id')), ops.moment()")
    publication_id, at = cursor.fetchone() or (0, None)
    year, method = proposal.year, proposal.method_code
    cursor.execute(
        "update ops.publication set superseded_by = %s where year = %s and method_code = %s and superseded_by is null",
        (publication_id, year, method),
    )
    sha256 = None if book is None else book.sha256
    cursor.execute(
        _PUBLISH,
        (publication_id, year, method, proposal.calculation_id, by, document, sha256, _n_listed(decided), at),
    )
    execute_values(
        cursor,
        _DECIDE,
        [
            (
                *(publication_id, year, one.school_id, one.school_code, one.login, one.name, one.municipality),
                *(method, one.status, by, at, one.document, one.reason, one.is_low_results),
            )
            for one in decided
        ],
        page_size=max(len(decided), 1),
    ) if decided else None
    cursor.execute(_REFRESH, {"publication": publication_id, "year": year, "method": method})
    return int(publication_id)
