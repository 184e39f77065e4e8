"""What is told of an indicator once its rows are known: words, numbers, parts, schools, remarks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ravenstvo.asking.indicator_words import (
    MORE,
    plain,
    sets_text,
    shortened,
    sources_text,
    status_text,
    target_text,
    value_text,
)

# Measures whose schools are of sets, and whose denominators are not all members.
_OF_SETS = frozenset(("set_share", "set_count", "set_flag"))
_WHOLE = {
    "named_share": "названные в документе школы",
    "score_share": "участники с оценкой",
    "person_share": "работники участников, по одному на школу",
    "roster_share": "работники участников, по одному на школу",
}


def head_lines(versions: list[Any]) -> Iterator[str]:
    """Programme, words, target, term, sources and how each reading of an indicator is counted (``dim_indicator``)."""
    about = versions[0]
    years = f"{about['year_from']}–{about['year_to']}" if about["year_to"] > about["year_from"] else about["year_from"]
    yield f"Программа «{about['short_title']}» ({about['programme_code']}): {about['territory']}, {years}"
    yield f"{about['indicator_code']}. {about['title']}"
    for quote in (about["quote"], *about["more_quotes"]):
        yield f"  «{quote}» — {about['quote_source']}"
    yield f"  Единица: {about['unit']}; цель: {target_text(about['target'], about['comparator'], about['unit'])}"
    yield from _term_lines(about)
    yield f"  Нужные источники: {sources_text(about['sources']) or 'не нужны'}"
    for row in versions:
        named = f" ({row['version']})" if row["version"] else ""
        yield f"  Как считается{named}: {row['formula']}"
        if row["reading"]:
            yield f"  Как прочитано{named}: {row['reading']}"


def _term_lines(about: Any) -> Iterator[str]:
    said = []
    if about["due_from"]:
        said.append(f"с {about['due_from']:%d.%m.%Y}")
    if about["due_to"]:
        said.append(f"по {about['due_to']:%d.%m.%Y}")
    if said:
        yield f"  Исполнение засчитывается {' '.join(said)}"
    if about["scored_to"]:
        yield f"  Оценивается по {about['scored_to']} год"


def why_tracked(about: Any, row: Any) -> str:
    """Why a value is not judged: what ``fct_indicator_value`` asks for before it judges, in the same order."""
    year = row["year"]
    if about["target"] is None:
        return "цели в тексте нет"
    if not about["year_from"] <= year <= about["year_to"]:
        return "год вне срока программы, цель не применяется"
    if about["scored_to"] and year > about["scored_to"]:
        return f"оценивается по {about['scored_to']} год"
    if about["due_to"] and year < about["due_to"].year:
        return "срок ещё не наступил"
    return "" if row["territory_kind"] == "region" else "цель задана для региона в целом"


def numbers(row: Any, unit: str) -> str:
    """A value with what it is made of: numerator, denominator."""
    if row["numerator"] is None and row["value"] is None:
        known = f"; знаменатель {plain(row['denominator'])}" if row["denominator"] is not None else ""
        return f"значения нет{known}"
    value = value_text(row["value"], unit)
    if row["denominator"] is None or row["numerator"] is None:
        return value
    return f"{plain(row['numerator'])} из {plain(row['denominator'])}: {value}"


def completeness_lines(row: Any) -> Iterator[str]:
    """Whether every source that the value needs has come."""
    missing = sources_text(row["missing_sources"])
    if not missing and row["status"] == "no_data":
        yield "    Источники: пришли все, но сведений для расчёта в них нет"
        return
    yield "    Источники: " + (
        f"пришли не все ({plain(round(100 * row['completeness'], 1))} %), нет: {missing}" if missing else "пришли все"
    )


def municipality_lines(rows: list[Any], unit: str) -> Iterator[str]:
    """Values of the municipalities; nothing where there are none."""
    if rows:
        yield "    По муниципалитетам:"
    for row in rows:
        status = status_text(row["status"]) if row["status"] in ("met", "not_met") else ""
        yield f"      {row['place']} ({row['territory_code']}): {numbers(row, unit)}" + (status and f" — {status}")


def _named(row: Any) -> str:
    return f"{row['place']} ({row['territory_code']})" if row["place"] != row["territory_code"] else row["place"]


def school_lines(rows: list[Any], about: Any, limit: int) -> Iterator[str]:
    """Schools of the numerator and the denominator; where people or pupils are counted, how many of each school."""
    if not rows:
        return
    parameters = about["parameters"]
    if all(row["denominator"] is None for row in rows):
        yield from _counted_schools(rows, about, limit)
    elif all((row["denominator"] or 0) <= 1 for row in rows):
        whole = [row for row in rows if row["denominator"]]
        of = _WHOLE.get(about["measure"], "участники")
        if parameters.get("among"):
            of = "участники, среди которых считается"
        if about["measure"] in _OF_SETS:
            of = sets_text(parameters.get("denominator") or [])
            yield f"    Числитель — {sets_text(parameters.get('numerator') or [])}"
        if any(row["numerator"] is None for row in whole):
            yield f"    Знаменатель — {of}: {len(whole)}: {shortened([_named(row) for row in whole], limit)}"
            return
        done = [_named(row) for row in whole if row["numerator"]]
        undone = [_named(row) for row in whole if not row["numerator"]]
        yield f"    Знаменатель — {of}: {len(whole)}"
        yield f"      выполнено: {len(done)}" + (f": {shortened(done, limit)}" if done else "")
        yield f"      не выполнено: {len(undone)}" + (f": {shortened(undone, limit)}" if undone else "")
    else:
        yield f"    По школам ({len(rows)}):"
        told = [f"      {_named(row)}: {numbers(row, about['unit'])}" for row in rows]
        yield from told[:limit]
        if len(told) > limit:
            yield f"      {MORE} школ: {len(told) - limit}"


def _counted_schools(rows: list[Any], about: Any, limit: int) -> Iterator[str]:
    counted = [row for row in rows if row["numerator"] or (row["numerator"] is None and row["value"] is not None)]
    if about["measure"] in _OF_SETS:
        yield f"    Считаются {sets_text(about['parameters'].get('set') or [])}"
    if counted:
        with_value = [
            _named(row) + ("" if about["measure"] in _OF_SETS else f": {numbers(row, about['unit'])}")
            for row in counted
        ]
        yield f"    Школы ({len(counted)}): {shortened(with_value, limit)}"


def is_about(remark: Any, about: Any) -> bool:
    """Whether a remark names an indicator, by its code or by the number of its item, or quotes its words."""
    code = about["indicator_code"]
    names = [code, code[1:]] if about["section"] == "road_map" else [code]
    if any(re.search(rf"(?<![\w.])(?<!раздел ){re.escape(name)}(?![\w]|\.\d)", remark["remark"]) for name in names):
        return True
    return any(remark["quote"] and remark["quote"] in quote for quote in (about["quote"], *about["more_quotes"]))


def remark_lines(remarks: list[Any], about: Any, limit: int) -> Iterator[str]:
    """Remarks to the indicator, then those to the rest of its programme (``mart_programme_remark``)."""
    own: list[str] = []
    others: list[str] = []
    for row in remarks:
        (own if is_about(row, about) else others).append(row["remark"])
    for title, told in (("Замечания к показателю", own), ("Другие замечания к программе", others)):
        if not told:
            continue
        yield ""
        yield title
        for remark in told[:limit]:
            yield f"  {remark}"
        if len(told) > limit:
            yield f"  {MORE} {len(told) - limit}"
