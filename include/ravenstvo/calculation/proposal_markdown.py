"""The proposed list as the page on which a person decides: markdown with tables, what matters first.

The page cannot fold anything, so that a long list is cut and the whole of it lies behind a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ravenstvo.calculation.proposal import Proposal, School, grade_counts
from ravenstvo.words import counted, number

SCHOOLS_SHOWN = 60
NAMES_SHOWN = 12
_NAME_LENGTH = 110

_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>#|~!&$"})
# An address becomes a link without any mark; a joiner that is not seen keeps it text.
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
# «Муниципальное … учреждение «Школа № 2»»: on a page of schools only the name tells them apart.
_LEGAL_FORM = re.compile(r"^[^«\"]*учреждение[^«\"]*[«\"](.+?)[»\"]?$", re.IGNORECASE)
_NO_MUNICIPALITY = "Муниципалитет не указан"
_SPACE = "\N{NO-BREAK SPACE}"
_LEGEND = (
    "Вероятность — что правило выполняется и для истинных долей, а не только для тех, кто писал в этот раз. "
    "Неустойчив — один участник изменил бы вывод."
)
_GRADES = "A и B — участников достаточно; C — только за несколько лет вместе; D — мало"

Row = Sequence[str]


def proposal_markdown(proposal: Proposal, links: Sequence[tuple[str, str]] = ()) -> Iterator[str]:
    """Lines of the page. What comes from data cannot mark anything up; ``links`` are (title, address) of ours."""
    yield from _table(("Что", "Сколько"), _summary(proposal))
    yield from _links(links)
    yield from _publication(proposal)
    yield from _changes(proposal)
    yield from _municipalities(proposal)
    yield from _schools(proposal, links)
    yield from _near(proposal)


def inert(text: str) -> str:
    """Text of data as text of the page: no markup, no link, one line."""
    return _ADDRESS.sub("\N{WORD JOINER}", " ".join(text.split()).translate(_MARKS))


def short_name(name: str) -> str:
    """A school's name without its legal form, cut to a length that a table bears."""
    found = _LEGAL_FORM.match(" ".join(name.split()))
    short = found[1] if found else " ".join(name.split())
    return short if len(short) <= _NAME_LENGTH else f"{short[: _NAME_LENGTH - 1].rstrip()}…"


def _named(title: str) -> str:
    """A title «name (key)» made short: the key stays."""
    name, bracket, key = title.rpartition(" (")
    return inert(f"{short_name(name)}{bracket}{key}" if name else title)


def _summary(proposal: Proposal) -> Iterator[Row]:
    listed, judged = proposal.listed, proposal.judged
    share = f" — {number(100 * len(listed) / len(judged), 1)} % школ с выводом" if judged else ""
    yield "**В предлагаемом перечне**", f"**{counted(len(listed), 'школа', 'школы', 'школ')}**{share}"
    yield "Школ с выводом метода", f"{len(judged)} из {len(proposal.schools)} с результатами"
    grades = ", ".join(f"{inert(grade)} — {count}" for grade, count in grade_counts(proposal).items())
    yield "Надёжность выводов перечня", f"{grades or 'выводов нет'} ({_GRADES})"
    yield (
        "Неустойчивые выводы: один участник изменил бы вывод",
        f"в перечне {proposal.n_fragile_inside}, вне перечня {proposal.n_fragile_outside}",
    )
    last = proposal.last_year
    if last is None:
        yield "Прошлый год", f"сравнить нельзя: вывода за {proposal.year - 1} год нет"
    else:
        yield (
            f"По сравнению с {last.year} годом ({last.kind}, школ: {len(last.names)})",
            f"вошли {len(proposal.entered)}, вышли {len(proposal.left)}, остались {proposal.n_stayed}",
        )
    yield "Метод", f"{inert(proposal.method_title)} ({inert(proposal.method_code)})"
    yield "Расчёт", f"{inert(proposal.calculation_id)}, закончен {proposal.calculated_at:%d.%m.%Y %H:%M}"


def _links(links: Sequence[tuple[str, str]]) -> Iterator[str]:
    if links:
        yield " · ".join(f"[{title}]({address})" for title, address in links)
        yield ""


def _publication(proposal: Proposal) -> Iterator[str]:
    """What approving as computed would change in the list that is approved already."""
    publication = proposal.publication
    if publication is None:
        return
    same = publication.calculation_id == proposal.calculation_id
    basis = "на этом же расчёте" if same else f"на расчёте {inert(publication.calculation_id)}, с тех пор пересчитано"
    yield f"## Перечень {proposal.year} года уже утверждён"
    yield ""
    yield f"Утвердил {inert(publication.told)}; {basis}; школ в перечне: {publication.n_listed}."
    yield ""
    not_computed, not_approved = proposal.differs_from_approved
    yield from _names("Утверждены, но по расчёту не в перечне", not_computed)
    yield from _names("В перечне по расчёту, но не утверждены", not_approved)


def _changes(proposal: Proposal) -> Iterator[str]:
    if proposal.last_year is None:
        return
    yield f"## По сравнению с {proposal.last_year.year} годом"
    yield ""
    yield from _names("Вошли", proposal.entered)
    yield from _names("Вышли", proposal.left)


def _municipalities(proposal: Proposal) -> Iterator[str]:
    """Where the schools of a long list are; a short one says it itself."""
    if len(proposal.listed) <= SCHOOLS_SHOWN:
        return
    yield "## Перечень по муниципалитетам"
    yield ""
    rows = []
    for name, schools in _by_municipality(proposal.schools):
        listed = [school for school in schools if school.is_low_results]
        fragile = sum(school.is_fragile for school in listed)
        rows.append((inert(name), str(len(listed)), str(fragile), str(_n_judged(schools))))
    shown = [row for row in rows if row[1] != "0"]
    yield from _table(("Муниципалитет", "В перечне", "Из них неустойчивых", "Школ с выводом"), shown)
    without = len(rows) - len(shown)
    if without:
        yield f"Муниципалитетов без школ в перечне: {without}."
        yield ""


def _schools(proposal: Proposal, links: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"## Школы перечня ({len(proposal.listed)})"
    yield ""
    yield _LEGEND
    yield ""
    yield from _table(
        ("Школа", "Низкие процедуры: ниже минимума из участников", "Надёжность вывода", "История"),
        _school_rows(proposal),
    )
    more = len(proposal.listed) - SCHOOLS_SHOWN
    if more > 0:
        whole = f"[{links[0][0]}]({links[0][1]})" if links else "Перечень целиком — в книге решений"
        yield f"**И ещё {counted(more, 'школа', 'школы', 'школ')}.** {whole}."
        yield ""


def _school_rows(proposal: Proposal) -> Iterator[Row]:
    """A row for each municipality, and below it one for each school."""
    before = None if proposal.last_year is None else set(proposal.last_year.names)
    schools_of = dict(_by_municipality(proposal.schools))
    for name, schools in _by_municipality(proposal.listed[:SCHOOLS_SHOWN]):
        n_listed = sum(bool(school.is_low_results) for school in schools_of[name])
        yield f"**{inert(name)}** — {n_listed} из {_n_judged(schools_of[name])} с выводом", "", "", ""
        yield from (_school_row(school, before) for school in schools)


def _n_judged(schools: Iterable[School]) -> int:
    return sum(school.is_low_results is not None for school in schools)


def _school_row(school: School, before: set[str] | None) -> Row:
    firm = [inert(school.evidence_grade or "нет разряда")]
    if school.probability is not None:
        firm.append(f"вероятность{_SPACE}{number(100 * school.probability)}{_SPACE}%")
    if school.is_fragile:
        firm.append(f"⚠{_SPACE}**неустойчив**")
    years = max(school.years_identified or 1, 1)
    history = [] if before is None else ["была" if school.school_id in before else "**вошла**"]
    history.append(f"{counted(years, 'год', 'года', 'лет')} подряд".replace(" ", _SPACE))
    return (
        f"{inert(short_name(school.name or 'Школа без названия'))} ({inert(school.key)})",
        "; ".join(map(inert, school.evidence)) or "процедур нет",
        ", ".join(firm),
        ", ".join(history),
    )


def _near(proposal: Proposal) -> Iterator[str]:
    """Schools that one participant keeps off the list."""
    near = [school for school in proposal.schools if school.is_fragile and not school.is_low_results]
    if near:
        yield "## Вне перечня, но вывод неустойчив"
        yield ""
        yield from _names("Один участник изменил бы вывод", [school.title for school in near])


def _by_municipality(schools: Iterable[School]) -> Iterator[tuple[str, list[School]]]:
    for name, group in groupby(schools, key=lambda school: school.municipality or _NO_MUNICIPALITY):
        yield name, list(group)


def _names(title: str, names: list[str]) -> Iterator[str]:
    shown = "; ".join(map(_named, names[:NAMES_SHOWN]))
    more = f"; … и ещё {len(names) - NAMES_SHOWN}" if len(names) > NAMES_SHOWN else ""
    yield f"- **{title}: {len(names)}**" + (f" — {shown}{more}" if names else "")
    yield ""


def _table(heading: Row, rows: Iterable[Row]) -> Iterator[str]:
    yield f"| {' | '.join(heading)} |"
    yield f"|{' --- |' * len(heading)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
