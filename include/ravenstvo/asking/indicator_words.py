"""Codes, units, targets, statuses and row numbers of indicators as a person writes and reads them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from decimal import Decimal

from ravenstvo.asking.reading import number, percent
from ravenstvo.code_words import told
from ravenstvo.sources import load_sources

ITEMS_SHOWN = 12
"""So many schools, rows or ranges of a list are told; of the others only how many there are."""
MORE = "и ещё"
"""What begins the rest of a list."""

# Letters that look or sound like those of the codes: «Т17», «Р1.8а», «П1.8б».
_LATIN = str.maketrans("артомлпбвс", "aptomlpbbc")
_STATUSES = {
    "met": "выполнено",
    "not_met": "не выполнено",
    "no_data": "нет данных",
    "not_applicable": "неприменимо: знаменатель 0",
    "ambiguous": "текст прочитан по-разному, оценка не выносится",
    "tracked": "отслеживается",
}
_SETS = {
    "all": "действующие школы на 20 сентября",
    "member": "участники программы",
    "mentor": "наставники",
    "cohort": "школы первого списка программы",
    "low": "школы с низкими результатами по методике списка",
    "adverse": "школы в неблагоприятных условиях",
    "identified": "выявленные: низкие результаты или неблагоприятные условия",
    "with_verdict": "школы с выводом методики",
    "analysed": "школы с выводом и принятой формой условий",
    "all_sources": "школы со всеми применимыми источниками",
    "leader": "школы-лидеры и инновационные площадки",
    "has_vpr": "школы с результатами ВПР",
    "biased": "школы с признаком необъективности ВПР",
    "moved": "перешедшие в эффективный режим",
    "declared_moved": "перешедшие, как сказано в реестре",
}


def folded_code(code: str) -> str:
    """A code without case, blanks, a last dot and the difference between Cyrillic and Latin letters."""
    return code.strip().rstrip(".").replace(" ", "").casefold().translate(_LATIN)


def nearest(code: str, known: Iterable[str], n: int = 5) -> list[str]:
    """The known codes that are spelled most like a code, the nearest first."""
    by_folded = {folded_code(one): one for one in sorted(set(known))}
    found = difflib.get_close_matches(folded_code(code), list(by_folded), n=n, cutoff=0.3)
    return [by_folded[one] for one in found]


def value_text(value: float | None, unit: str) -> str:
    """A value in its unit: shares in percent, differences of shares in percentage points."""
    if value is None:
        return "—"
    if unit == "доля":
        return percent(value)
    if unit == "да/нет":
        return "да" if value >= 1 else "нет"
    if unit == "разность долей":
        return f"{number(100 * value, 1)} п. п."
    if unit == "количество":
        return plain(value)
    return f"{number(value)} {unit}"


def plain(value: float | Decimal | None) -> str:
    """A count without needless zeros, with a decimal comma."""
    if value is None:
        return "—"
    text = f"{Decimal(str(value)):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", ",")


def target_text(target: Decimal | None, comparator: str | None, unit: str) -> str:
    """What the text asks for, in words."""
    if target is None:
        return "в тексте нет"
    if unit == "да/нет":
        return value_text(float(target), unit)
    asked = f"{plain(100 * target)} %" if unit == "доля" else value_text(float(target), unit)
    return f"{told('mart_programme_indicator', 'comparator', comparator) or ''} {asked}".strip()


def status_text(status: str, why_tracked: str = "") -> str:
    """A status in words; what is only tracked is told why."""
    said = _STATUSES.get(status, status)
    return f"{said}: {why_tracked}" if status == "tracked" and why_tracked else said


def sources_text(missing: Sequence[str] | None) -> str:
    """Sources by the titles of their documents; a bar parts those of which any will do."""
    return "; ".join(" или ".join(map(_source_title, names.split("|"))) for names in missing or ())


def _source_title(name: str) -> str:
    source = load_sources().get(name)
    return f"«{source.title}»" if source else f"«{name}» (формы такого реестра нет)"


def sets_text(sets: Iterable[str]) -> str:
    """Sets of schools in words; a school has to be in all of them."""
    return ", и ".join(_SETS.get(one, one) for one in sets)


def row_numbers(rows: Iterable[int], limit: int = ITEMS_SHOWN) -> str:
    """Row numbers as ranges: «строки 2–4, 7»."""
    ranges: list[list[int]] = []
    for row in sorted(set(rows)):
        if ranges and row == ranges[-1][1] + 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    one = len(ranges) == 1 and ranges[0][0] == ranges[0][1]
    return ("строка " if one else "строки ") + shortened(
        [f"{first}" if first == last else f"{first}–{last}" for first, last in ranges],
        limit,
        ", ",
    )


def shortened(items: Sequence[str], limit: int = ITEMS_SHOWN, separator: str = "; ") -> str:
    """The first items of a list, and how many more there are."""
    told = separator.join(items[:limit])
    return told if len(items) <= limit else f"{told}{separator}{MORE} {len(items) - limit}"


def shown_period(period: str, kind: str) -> str:
    """A period in words."""
    if kind == "quarter":
        year, quarter = period.split("-Q")
        return f"{quarter} квартал {year} года"
    if kind == "stage":
        return f"Этап {period.removeprefix('stage-')}"
    return "Вся программа" if kind == "programme" else f"{period} год"
