"""The list that is proposed for approval: what the method says, how firm it is, and what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import NamedTupleCursor

from ravenstvo import decisions
from ravenstvo.errors import ToldError
from ravenstvo.words import number

_DEFAULT_METHOD = """
select method_code from seeds.approval_method
where %(year)s between year_from and coalesce(year_to, %(year)s)
"""
_METHOD = """
select title_ru from core.dim_method
where method_code = %(method)s and %(year)s between valid_from_year and coalesce(valid_to_year, %(year)s)
"""
_CALCULATION = """
select distinct calculation.calculation_id, calculation.status, calculation.finished_at,
    exists (
        select 1 from core.history_identification as history
        where history.calculation_id = mart.calculation_id and history.year = mart.year
    ) as is_kept
from marts.mart_identification as mart
left join ops.calculation using (calculation_id)
where mart.year = %(year)s and mart.method_code = %(method)s
"""
_SCHOOLS = """
select school_id, school_code, login, school_name, municipality_name, is_low_results, is_fragile, evidence_grade,
    probability_low, n_participants_total, years_identified, n_low_procedures, low_procedures
from marts.mart_identification
where year = %(year)s and method_code = %(method)s
order by municipality_name collate "C" nulls last, school_name collate "C" nulls last, school_id collate "C"
"""
_EVIDENCE = """
select school_id, procedure_code, n_participants, n_below_min
from marts.mart_identification_evidence
where year = %(year)s and method_code = %(method)s
"""
_TITLES = "select procedure_code, title_ru from core.dim_procedure where title_ru is not null"
_PUBLICATION = """
select publication_id, calculation_id, approved_by, approved_at, document, n_listed
from ops.publication
where year = %(year)s and method_code = %(method)s and superseded_by is null
"""
_DECIDED = """
select school_id, decided_status, coalesce(school_name, school_id) as name, coalesce(school_code, login) as key
from core.decision where publication_id = %s
order by school_id collate "C"
"""
_COMPUTED_LIST = """
select school_id, coalesce(school_name, school_id) as name, coalesce(school_code, login) as key
from marts.mart_identification
where year = %(year)s and method_code = %(method)s and is_low_results
"""
_HAS_YEAR = """
select exists (
    select 1 from marts.mart_identification
    where year = %(year)s and method_code = %(method)s and is_low_results is not null
)
"""


class ApprovalError(ToldError):
    """A list cannot be proposed or approved; the message (Russian) says everything that is in the way."""


@dataclass(frozen=True)
class School:
    """What the method says of a school. ``evidence`` names its low procedures with counts.

    ``probability`` is that of the rule holding for the true shares, from 0 to 1; null where it is not computed.
    """

    school_id: str
    school_code: str | None
    login: str | None
    name: str | None
    municipality: str | None
    is_low_results: bool | None
    is_fragile: bool
    evidence_grade: str | None
    n_participants: int
    years_identified: int | None
    evidence: tuple[str, ...]
    probability: float | None = None

    @property
    def key(self) -> str:
        """Code or login, by which people know the school."""
        return self.school_code or self.login or self.school_id

    @property
    def title(self) -> str:
        """Name and key, as people know the school."""
        return f"{self.name or 'Школа без названия'} ({self.key})"


@dataclass(frozen=True)
class Publication:
    """An approved list in force and what it decided: ``school_id`` → decision."""

    publication_id: int
    calculation_id: str
    approved_by: str
    approved_at: datetime
    document: str | None
    n_listed: int
    decided: dict[str, str]
    names: dict[str, str]

    @property
    def told(self) -> str:
        """Who approved, when and on which document."""
        return f"{self.approved_by}, {self.approved_at:%d.%m.%Y}, документ: {self.document or 'не указан'}"


@dataclass(frozen=True)
class LastYear:
    """The list of the year before: its schools and whether people approved it."""

    year: int
    is_approved: bool
    names: dict[str, str]

    @property
    def kind(self) -> str:
        """What list it is, in Russian."""
        return "утверждённый перечень" if self.is_approved else "перечень по расчёту, он не утверждён"


@dataclass(frozen=True)
class Proposal:
    """Everything that a person needs to approve a list. ``schools`` are all schools of the method, in order."""

    year: int
    method_code: str
    method_title: str
    calculation_id: str
    calculated_at: datetime
    schools: list[School]
    last_year: LastYear | None
    publication: Publication | None

    @property
    def listed(self) -> list[School]:
        """Schools that the method puts on the list."""
        return [school for school in self.schools if school.is_low_results]

    @property
    def judged(self) -> list[School]:
        """Schools of which the method says anything."""
        return [school for school in self.schools if school.is_low_results is not None]

    @property
    def n_fragile_inside(self) -> int:
        """Schools of the list whose verdict one participant would change."""
        return sum(school.is_fragile for school in self.listed)

    @property
    def n_fragile_outside(self) -> int:
        """Schools not on the list whose verdict one participant would change."""
        return sum(school.is_fragile for school in self.schools if not school.is_low_results)

    @property
    def entered(self) -> list[str]:
        """Schools that were not on the list of the year before, by name; none without such a list."""
        before = set() if self.last_year is None else set(self.last_year.names)
        return [] if self.last_year is None else self._named(self._listed_ids - before)

    @property
    def left(self) -> list[str]:
        """Schools of the list of the year before that are not on this one, by name."""
        before = {} if self.last_year is None else self.last_year.names
        return sorted(name for school, name in before.items() if school not in self._listed_ids)

    @property
    def n_stayed(self) -> int:
        """Schools on the lists of both years."""
        return 0 if self.last_year is None else len(self._listed_ids & set(self.last_year.names))

    @property
    def differs_from_approved(self) -> tuple[list[str], list[str]]:
        """Schools approved but not computed, and computed but not approved, by name; none when nothing is approved."""
        if self.publication is None:
            return [], []
        approved = {one for one, status in self.publication.decided.items() if status == decisions.INCLUDED}
        return self._named(approved - self._listed_ids), self._named(self._listed_ids - approved)

    @property
    def _listed_ids(self) -> set[str]:
        return {school.school_id for school in self.listed}

    def _named(self, ids: set[str]) -> list[str]:
        names = {school.school_id: school.title for school in self.schools}
        if self.publication is not None:
            names |= self.publication.names
        return sorted(names[one] for one in ids)


def propose(cursor: Cursor, year: int, method_code: str | None = None) -> Proposal:
    """The list of a year by a method; without a method, by the one of the seed ``approval_method``.

    Raises ApprovalError when the marts hold no finished calculation of it.
    """
    _require_marts(cursor)
    method = method_code or _default_method(cursor, year)
    scope: dict[str, Any] = {"year": year, "method": method}
    title = _one(cursor, _METHOD, scope)
    if title is None:
        known = _rows(cursor, "select distinct method_code from core.dim_method order by 1", {})
        names = ", ".join(row.method_code for row in known)
        raise ApprovalError(f"Метода {method} в {year} году нет. Есть: {names}.")
    calculation = _calculation(cursor, scope)
    return Proposal(
        year=year,
        method_code=method,
        method_title=title.title_ru,
        calculation_id=calculation.calculation_id,
        calculated_at=calculation.finished_at,
        schools=_schools(cursor, scope),
        last_year=_last_year(cursor, year - 1, method),
        publication=publication_in_force(cursor, year, method),
    )


def last_year(cursor: Cursor) -> int:
    """The last year with results. Raises ApprovalError when there is none."""
    _require_marts(cursor)
    year = _one(cursor, "select max(year) as year from marts.mart_identification", {}).year
    if year is None:
        raise ApprovalError("Результатов ещё нет: утверждать нечего. Выполните «ravenstvo run».")
    return int(year)


def publication_in_force(cursor: Cursor, year: int, method_code: str) -> Publication | None:
    """The approved list of a year and method that no later one has replaced."""
    found = _one(cursor, _PUBLICATION, {"year": year, "method": method_code})
    if found is None:
        return None
    decided = _rows(cursor, _DECIDED, (found.publication_id,))
    return Publication(
        publication_id=found.publication_id,
        calculation_id=found.calculation_id,
        approved_by=found.approved_by,
        approved_at=found.approved_at,
        document=found.document,
        n_listed=found.n_listed,
        decided={row.school_id: row.decided_status for row in decided},
        names={row.school_id: f"{row.name} ({row.key or row.school_id})" for row in decided},
    )


def _require_marts(cursor: Cursor) -> None:
    missing = _one(
        cursor,
        "select 1 from unnest(array['marts.mart_identification', 'core.dim_method', 'seeds.approval_method']) as name "
        "where to_regclass(name) is null",
        {},
    )
    if missing is not None:
        raise ApprovalError("Расчёта ещё нет: утверждать нечего. Выполните «ravenstvo run» и повторите.")


def _default_method(cursor: Cursor, year: int) -> str:
    found = _one(cursor, _DEFAULT_METHOD, {"year": year})
    if found is None:
        raise ApprovalError(
            f"Для {year} года в справочнике approval_method не сказано, по какому методу утверждается перечень. "
            "Назовите метод: --method."
        )
    return str(found.method_code)


def _calculation(cursor: Cursor, scope: dict[str, Any]) -> Any:
    """The one finished calculation that made the rows of the mart."""
    found = _rows(cursor, _CALCULATION, scope)
    year, method = scope["year"], scope["method"]
    if not found:
        raise ApprovalError(
            f"За {year} год по методу {method} результатов нет. Выполните «ravenstvo run --year {year}» и повторите."
        )
    if len(found) > 1 or found[0].status != "done":
        raise ApprovalError(
            f"Последний расчёт {year} года не закончен: витрины заполнены не до конца. "
            f"Выполните «ravenstvo run --year {year}» и повторите."
        )
    if not found[0].is_kept:
        raise ApprovalError(
            f"Расчёт {found[0].calculation_id} сделан прежней версией программы, его выводы не сохранены. "
            f"Выполните «ravenstvo run --year {year}» и повторите."
        )
    return found[0]


def _schools(cursor: Cursor, scope: dict[str, Any]) -> list[School]:
    titles = {row.procedure_code: row.title_ru for row in _rows(cursor, _TITLES, {})}
    told: dict[str, dict[str, str]] = {}
    for row in _rows(cursor, _EVIDENCE, scope):
        below = "минимум неизвестен" if row.n_below_min is None else f"{row.n_below_min} из {row.n_participants}"
        title = titles.get(row.procedure_code, row.procedure_code)
        told.setdefault(row.school_id, {})[row.procedure_code] = f"{title} — {below}"
    schools = []
    for row in _rows(cursor, _SCHOOLS, scope):
        evidence = told.get(row.school_id, {})
        schools.append(
            School(
                school_id=row.school_id,
                school_code=row.school_code,
                login=row.login,
                name=row.school_name,
                municipality=row.municipality_name,
                is_low_results=row.is_low_results,
                is_fragile=bool(row.is_fragile),
                evidence_grade=row.evidence_grade,
                n_participants=row.n_participants_total,
                years_identified=row.years_identified,
                evidence=tuple(evidence.get(code, titles.get(code, code)) for code in row.low_procedures),
                probability=row.probability_low,
            )
        )
    return schools


def _last_year(cursor: Cursor, year: int, method_code: str) -> LastYear | None:
    """The approved list of the year before, else the computed one; None when there was no result."""
    approved = publication_in_force(cursor, year, method_code)
    if approved is not None:
        listed = [one for one, status in approved.decided.items() if status == decisions.INCLUDED]
        return LastYear(year, True, {one: approved.names[one] for one in listed})
    scope = {"year": year, "method": method_code}
    if not _one(cursor, _HAS_YEAR, scope).exists:
        return None
    rows = _rows(cursor, _COMPUTED_LIST, scope)
    return LastYear(year, False, {row.school_id: f"{row.name} ({row.key or row.school_id})" for row in rows})


def _rows(cursor: Cursor, statement: str, values: Any) -> list[Any]:
    with cursor.connection.cursor(cursor_factory=NamedTupleCursor) as named:
        named.execute(statement, values)
        return named.fetchall()


def _one(cursor: Cursor, statement: str, values: Any) -> Any:
    return next(iter(_rows(cursor, statement, values)), None)


def proposal_lines(proposal: Proposal) -> Iterator[str]:
    """Lines that show a proposal in the terminal, in Russian."""
    yield f"Перечень школ с низкими результатами, {proposal.year} год"
    yield f"- Метод: {proposal.method_title} ({proposal.method_code})"
    yield f"- Расчёт {proposal.calculation_id}, закончен {proposal.calculated_at:%d.%m.%Y %H:%M}"
    yield from _count_lines(proposal)
    yield from _publication_lines(proposal)
    yield from _last_year_lines(proposal)
    fragile = [school for school in proposal.schools if school.is_fragile]
    if fragile:
        yield f"\nНеустойчивые выводы: один участник изменил бы вывод ({len(fragile)})"
        for school in fragile:
            stands = "в перечне" if school.is_low_results else "вне перечня"
            yield f"- {school.title} — {stands}; участников всего {school.n_participants}"
    yield f"\nПредлагаемый перечень ({len(proposal.listed)})"
    for school in proposal.listed:
        yield f"- {school.municipality or 'муниципалитет не указан'}: {school.title}"
        yield f"  {'; '.join(school.evidence) or 'процедур нет'}; {'; '.join(_firmness(school))}"


def grade_counts(proposal: Proposal) -> dict[str, int]:
    """Schools of the list by evidence grade, from the firmest."""
    grades: dict[str, int] = {}
    for school in proposal.listed:
        grades[school.evidence_grade or "нет"] = grades.get(school.evidence_grade or "нет", 0) + 1
    return dict(sorted(grades.items()))


def _firmness(school: School) -> Iterator[str]:
    yield f"надёжность {school.evidence_grade or 'не определена'}"
    if school.probability is not None:
        yield f"вероятность {number(100 * school.probability)} %"
    if school.is_fragile:
        yield "неустойчив"
    yield f"лет подряд: {school.years_identified or 0}"


def _count_lines(proposal: Proposal) -> Iterator[str]:
    judged = proposal.judged
    share = number(100 * len(proposal.listed) / len(judged), 1) if judged else "0"
    yield f"- Школ с результатами: {len(proposal.schools)}, из них с выводом метода: {len(judged)}"
    yield f"- В предлагаемом перечне: {len(proposal.listed)} ({share} % школ с выводом)"
    grades = grade_counts(proposal)
    if grades:
        yield "- Надёжность выводов: " + ", ".join(f"{grade} — {count}" for grade, count in grades.items())
    yield f"- Неустойчивых выводов: в перечне {proposal.n_fragile_inside}, вне перечня {proposal.n_fragile_outside}"


def _publication_lines(proposal: Proposal) -> Iterator[str]:
    """What approving as computed would change in the list that is approved already."""
    publication = proposal.publication
    if publication is None:
        return
    yield f"\nПеречень {proposal.year} года уже утверждён"
    yield f"- {publication.told}; школ в перечне: {publication.n_listed}"
    same = publication.calculation_id == proposal.calculation_id
    yield "- На этом же расчёте" if same else f"- На расчёте {publication.calculation_id}: с тех пор пересчитано"
    not_computed, not_approved = proposal.differs_from_approved
    yield _set_line("Утверждены, но по расчёту не в перечне", not_computed)
    yield _set_line("В перечне по расчёту, но не утверждены", not_approved)


def _last_year_lines(proposal: Proposal) -> Iterator[str]:
    last = proposal.last_year
    if last is None:
        yield f"\nСравнить с {proposal.year - 1} годом нельзя: вывода за него нет"
        return
    yield f"\nПо сравнению с {last.year} годом ({last.kind}, школ: {len(last.names)})"
    yield _set_line("Вошли", proposal.entered)
    yield _set_line("Вышли", proposal.left)
    yield f"- Остались: {proposal.n_stayed}"


def _set_line(title: str, names: list[str]) -> str:
    return f"- {title}: {len(names)}" + (f" — {'; '.join(names)}" if names else "")
