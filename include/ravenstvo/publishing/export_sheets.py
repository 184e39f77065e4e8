"""Which sheets a workbook has, which columns of which marts stand on them, and in which order their rows come."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ravenstvo.code_words import told, told_period, word_list, words_of
from ravenstvo.decisions import INCLUDED
from ravenstvo.publishing.export_data import NOTHING, Record, Territory, YearData, in_russian
from ravenstvo.publishing.sheets import NUMBER, SHARE, WHOLE, Amount, Column
from ravenstvo.sources import load_sources

_FORMATS = {"share": SHARE, "number": NUMBER, "score": NUMBER}
_UNITS = {
    **{"share": "доля, %", "percent": "%", "count": "целое число", "score": "балл", "number": "число", "year": "год"},
    **{"date": "дата", "timestamp with time zone": "дата", "boolean": "да/нет"},
}
# Units of indicators, as the seeds have them.
_SHARE_UNITS, _FLAG_UNIT = ("доля", "разность долей"), "да/нет"


@dataclass(frozen=True)
class Row:
    """A row of a sheet: the rows of marts that it joins, and whose it is. A regional one is in every workbook."""

    parts: Mapping[str, Record]
    territory: str | None = None
    is_regional: bool = False

    def value(self, mart: str, column: str) -> Any:
        """A value of one of the joined rows; None when there is no such row."""
        return self.parts.get(mart, NOTHING).get(column)


@dataclass(frozen=True)
class Field:
    """A column of a sheet: a column of a mart; ``shown`` names the way to show what is not shown as it is."""

    mart: str
    column: str
    width: int
    shown: str | None = None
    has_bar: bool = False

    def title(self, data: YearData) -> str:
        """The heading, from the documents of the mart."""
        return data.columns[self.mart, self.column].title

    def heading(self, data: YearData) -> Column:
        """Heading, width and colours of the column."""
        words = {} if self.shown else words_of(self.mart, self.column) or {}
        looks = {word.word: word.look for word in words.values() if word.look}
        return Column(self.title(data), self.width, looks, self.has_bar)

    def look(self, row: Row) -> str | None:
        """How the word of the cell looks; None when it is plain or no word."""
        words = None if self.shown else words_of(self.mart, self.column)
        value = row.value(self.mart, self.column)
        shown = {word.word: word.look for word in (words or {}).values()}
        return shown.get(told(self.mart, self.column, value)) if shown and not isinstance(value, list) else None

    def unit(self, data: YearData) -> str:
        """What the column holds, in words."""
        document = data.columns[self.mart, self.column]
        if self.shown == "amount":
            return "в единице показателя"
        if words := (None if self.shown else words_of(self.mart, self.column)):
            return " / ".join(word.word for word in words.values())
        return _UNITS.get(document.unit or "") or _UNITS.get(document.data_type, "текст")

    def cell(self, data: YearData, row: Row, territory: Territory) -> Any:
        """The value as the cell holds it: a number with its format, a day, or a text."""
        value = row.value(self.mart, self.column)
        if self.shown:
            return _SHOWN[self.shown](data, row, territory, value)
        value = told(self.mart, self.column, value)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, list):
            return "; ".join(map(str, value))
        document = data.columns[self.mart, self.column]
        if document.data_type in ("integer", "bigint"):
            return Amount(value, WHOLE)
        if document.data_type in ("double precision", "numeric"):
            if not math.isfinite(value):
                return None
            return Amount(float(value), _FORMATS.get(document.unit or "", NUMBER))
        return value


# -- what is not shown as it is ----------------------------------------------------------------------------------------


def _titles(kind: str) -> Callable[[YearData, Row, Territory, Any], str]:
    def show(data: YearData, row: Row, territory: Territory, codes: Any) -> str:
        known = data.titles[kind]
        return "; ".join(known.get(code, code) for code in ([codes] if isinstance(codes, str) else codes or ()))

    return show


def _code(data: YearData, row: Row, territory: Territory, value: Any) -> str:
    """The code of a school, or what is known in its place."""
    known = next((row.value(mart, "login") for mart in row.parts if row.value(mart, "login")), None)
    return value or known or next(row.value(mart, "school_id") for mart in row.parts)


def _short_name(data: YearData, row: Row, territory: Territory, value: Any) -> str:
    return value or next((row.value(mart, "school_name") for mart in row.parts if row.value(mart, "school_name")), "")


def _partners(data: YearData, row: Row, territory: Territory, names: Any) -> str:
    """Partners by name; of a partner elsewhere a municipality is told only where it is."""
    keys = row.value("mart_partnership_school", "partner_keys") or ()
    return "; ".join(_partner(data, territory, key, name) for key, name in zip(keys, names or (), strict=False))


def _partner(data: YearData, territory: Territory, key: str, name: str) -> str:
    home = data.territory_of.get(key)
    if territory.key is None or (home is not None and home.key == territory.key) or key not in data.schools:
        return name
    return f"школа другого муниципалитета ({home.name})" if home else "школа другого муниципалитета"


def _agreements(data: YearData, row: Row, territory: Territory, keys: Any) -> str:
    """Agreements by number and day: the mart joins them by a bar."""
    shown = []
    for key in keys or ():
        number, _, day = key.partition("|")
        shown.append(f"№ {number} от {'.'.join(reversed(day.split('-')))}" if day else f"№ {number}")
    return "; ".join(shown)


def _sources(data: YearData, row: Row, territory: Territory, names: Any) -> str:
    """Sources by the titles of their documents; a bar parts those of which any will do."""
    known = load_sources()
    return "; ".join(
        " или ".join(known[one].title if one in known else one for one in name.split("|")) for name in names or ()
    )


def _period(data: YearData, row: Row, territory: Territory, period: Any) -> str:
    return told_period(period, row.value("mart_programme_indicator", "period_kind"))


def _amount(data: YearData, row: Row, territory: Territory, value: Any) -> Any:
    """A value or a target in the unit of its indicator."""
    if value is None:
        return None
    unit = row.value("mart_programme_indicator", "unit")
    if unit == _FLAG_UNIT:
        return word_list("yes_no")["true" if value >= 1 else "false"].word
    return Amount(float(value), SHARE if unit in _SHARE_UNITS else _plain(value))


def _count(data: YearData, row: Row, territory: Territory, value: Any) -> Any:
    return None if value is None else Amount(float(value), _plain(value))


def _plain(value: Any) -> str:
    return WHOLE if value == int(value) else NUMBER


_SHOWN: dict[str, Callable[[YearData, Row, Territory, Any], Any]] = {
    "procedures": _titles("procedure"),
    "methods": _titles("method"),
    "programmes": _titles("programme"),
    "code": _code,
    "short_name": _short_name,
    "partners": _partners,
    "agreements": _agreements,
    "sources": _sources,
    "period": _period,
    "amount": _amount,
    "count": _count,
}


# -- rows --------------------------------------------------------------------------------------------------------------


def school_rows(data: YearData) -> list[Row]:
    """Every school with results: those of the list first, then those without a verdict, then the others, by name."""
    identified, cards = data.by("mart_identification"), data.by("mart_school_card")
    changes, contexts = data.by("mart_identification_change"), data.by("mart_school_context")
    rows = []
    for methods in data.marts["mart_identification_methods"]:
        school = methods["school_id"]
        parts = {
            "mart_identification_methods": methods,
            "mart_identification": identified.get(school, NOTHING),
            "mart_school_card": cards.get(school, NOTHING),
            "mart_identification_change": changes.get(school, NOTHING),
            "mart_school_context": contexts.get(school, NOTHING),
            "dim_school": data.schools.get(school, NOTHING),
        }
        rows.append(_of_school(data, school, parts))
    return sorted(rows, key=_list_order)


def is_listed(row: Row) -> bool:
    """Whether the school is on the list: by the decision, and by the method as long as nobody has decided."""
    decided = row.value("mart_identification", "decided_status")
    return decided == INCLUDED if decided else bool(row.value("mart_identification", "is_low_results"))


def _list_order(row: Row) -> tuple[Any, ...]:
    verdict = row.value("mart_identification", "is_low_results")
    kind = 0 if is_listed(row) else 1 if verdict else 2 if verdict is None else 3
    return (kind, *_by_name(row, "mart_identification_methods"))


def _by_name(row: Row, mart: str) -> tuple[Any, ...]:
    names = (row.value(mart, "municipality_name"), row.value(mart, "school_name"))
    return (*map(in_russian, names), row.value(mart, "school_id"))


def _of_school(data: YearData, school: str | None, parts: Mapping[str, Record], code: str | None = None) -> Row:
    home = data.territory_of.get(school) if school else None
    return Row(parts, home.key if home else code)


def evidence_rows(data: YearData) -> list[Row]:
    """Procedures of the default method, school by school in the order of the list."""
    evidence, procedures = data.grouped("mart_identification_evidence"), data.by("dim_procedure", "procedure_code")
    rows = []
    for school in school_rows(data):
        found = evidence.get(school.value("mart_identification_methods", "school_id"), [])
        for one in sorted(found, key=lambda row: procedure_order(procedures.get(row["procedure_code"], NOTHING))):
            procedure = procedures.get(one["procedure_code"], NOTHING)
            parts = {**school.parts, "mart_identification_evidence": one, "dim_procedure": procedure}
            rows.append(Row(parts, school.territory))
    return rows


def procedure_order(procedure: Record) -> tuple[Any, ...]:
    """By examination, then grade, then title."""
    exams = list(word_list("exam"))
    exam = procedure.get("exam")
    return (
        exams.index(exam) if exam in exams else len(exams),
        procedure.get("grade") or 0,
        procedure.get("title_ru") or "",
    )


def context_rows(data: YearData) -> list[Row]:
    """Schools by their index, from the hardest conditions; those whose index is not known come last."""
    known = [row for row in school_rows(data) if row.parts["mart_school_context"]]

    def order(row: Row) -> tuple[Any, ...]:
        index = row.value("mart_school_context", "context_index")
        return (index is None, index or 0, *_by_name(row, "mart_identification_methods"))

    return sorted(known, key=order)


def indicator_rows(data: YearData) -> list[Row]:
    """Values of the indicators: programmes in force first; the region's value before those of the municipalities."""
    programmes = data.by("dim_programme", "programme_code")
    rows = []
    for value in data.marts["mart_programme_indicator"]:
        programme = programmes.get(value["programme_code"], NOTHING)
        is_regional = value["territory_kind"] == "region"
        parts = {"mart_programme_indicator": value, "dim_programme": programme}
        rows.append(Row(parts, None if is_regional else value["territory_code"], is_regional))

    def order(row: Row) -> tuple[Any, ...]:
        value = row.parts["mart_programme_indicator"]
        return (
            *_programme_order(data, row),
            *(in_russian(value["indicator_code"]), value["version"] or "", value["period"]),
            *(not row.is_regional, in_russian(value["territory_name"]), value["territory_code"]),
        )

    return sorted(rows, key=order)


def _programme_order(data: YearData, row: Row) -> tuple[Any, ...]:
    first, last = row.value("dim_programme", "year_from"), row.value("dim_programme", "year_to")
    is_in_force = first is not None and first <= data.year <= last
    return (not is_in_force, -(last or 0), row.value("dim_programme", "programme_code") or "")


def road_map_rows(data: YearData) -> list[Row]:
    """Items of the road maps of the programmes in force that have begun by the end of the year."""
    programmes = data.by("dim_programme", "programme_code")
    rows = []
    for item in data.marts["mart_programme_roadmap"]:
        programme = programmes.get(item["programme_code"], NOTHING)
        is_in_force = bool(programme) and programme["year_from"] <= data.year <= programme["year_to"]
        if not is_in_force or (item["due_from"] is not None and item["due_from"].year > data.year):
            continue
        parts = {"mart_programme_roadmap": item, "dim_programme": programme}
        is_regional = item["school_id"] is None and item["municipality_code"] is None
        home = _of_school(data, item["school_id"], parts, item["municipality_code"])
        rows.append(Row(parts, home.territory, is_regional))

    def order(row: Row) -> tuple[Any, ...]:
        item = row.parts["mart_programme_roadmap"]
        return (
            *_programme_order(data, row),
            *(
                in_russian(item["item_code"]),
                item["due_to"] is None,
                str(item["due_to"]),
                in_russian(item["school_name"]),
            ),
            *(item["school_id"] or "", str(item["done_on"]), item["row_no"] or 0, item["part_id"] or 0),
        )

    return sorted(rows, key=order)


def _programme_rows(mart: str) -> Callable[[YearData], list[Row]]:
    """Schools of the programmes in a mart of one row for each of them, programme by programme."""

    def rows_of(data: YearData) -> list[Row]:
        programmes = data.by("dim_programme", "programme_code")
        rows = []
        for one in data.marts[mart]:
            parts = {mart: one, "dim_programme": programmes.get(one["programme_code"], NOTHING)}
            rows.append(_of_school(data, one["school_id"], parts, one["municipality_code"]))
        return sorted(rows, key=lambda row: (*_programme_order(data, row), *_by_name(row, mart)))

    return rows_of


def rule_rows(data: YearData) -> list[Row]:
    """Methods of the year, the default one first."""
    default = data.method.get("method_code")
    rows = [Row({"dim_method": one}, None, True) for one in data.marts["dim_method"]]
    return sorted(rows, key=lambda row: (row.value("dim_method", "method_code") != default, _method_order(row)))


def _method_order(row: Row) -> tuple[Any, ...]:
    kinds = list(word_list("method_kind"))
    kind, code = row.value("dim_method", "kind"), row.value("dim_method", "method_code")
    return (kinds.index(kind) if kind in kinds else len(kinds), code)


# -- sheets ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """A sheet of rows: what it answers, its columns, and what it says when it has none.

    The first ``n_frozen`` columns stay in sight, the first ``n_printed`` are wide enough to be read on paper.
    ``more`` gives columns that only the data know: (heading, what it means, words → look, row → cell).
    """

    name: str
    question: str
    fields: tuple[Field, ...]
    rows: Callable[[YearData], list[Row]]
    empty: str
    n_frozen: int = 3
    n_printed: int | None = None
    more: Callable[[YearData], list[Extra]] | None = None
    more_marts: tuple[str, ...] = ()

    @property
    def marts(self) -> tuple[str, ...]:
        """Names of the marts that the sheet shows."""
        return tuple(sorted({field.mart for field in self.fields} | set(self.more_marts)))

    def extras(self, data: YearData) -> list[Extra]:
        """The columns that only the data know."""
        return self.more(data) if self.more else []

    def columns(self, data: YearData) -> list[Column]:
        """Headings of all columns."""
        extras = [Column(one.title, one.width, one.looks) for one in self.extras(data)]
        return [*(field.heading(data) for field in self.fields), *extras]

    def cells(self, data: YearData, rows: Iterable[Row], territory: Territory) -> Iterator[list[Any]]:
        """Cells of each row."""
        extras = self.extras(data)
        for row in rows:
            shown = [field.cell(data, row, territory) for field in self.fields]
            yield [*shown, *(one.cell(row) for one in extras)]


@dataclass(frozen=True)
class Extra:
    """A column that only the data know, a method's verdict."""

    title: str
    description: str
    source: str
    width: int
    looks: Mapping[str, str]
    cell: Callable[[Row], Any]


def _verdicts(data: YearData) -> list[Extra]:
    """A column for each method that judges schools, the default one first."""
    rows = data.marts["mart_identification_methods"]
    codes = sorted({code for row in rows for code in row["verdicts"] or {}})
    known = {row.value("dim_method", "method_code"): (place, row) for place, row in enumerate(rule_rows(data))}
    words = word_list("verdict")
    looks = {word.word: word.look for word in words.values() if word.look}

    def verdict_of(code: str) -> Callable[[Row], str]:
        def cell(row: Row) -> str:
            verdicts = row.value("mart_identification_methods", "verdicts") or {}
            verdict = verdicts.get(code)
            return words["null" if verdict is None else str(verdict).lower()].word

        return cell

    return [
        Extra(
            data.titles["method"].get(code, code),
            known[code][1].value("dim_method", "title_ru") if code in known else code,
            f"mart_identification_methods.verdicts → {code}",
            *(17, looks, verdict_of(code)),
        )
        for code in sorted(codes, key=lambda code: known[code][0] if code in known else len(known))
    ]


def _fields(mart: str, *columns: tuple[Any, ...]) -> tuple[Field, ...]:
    return tuple(Field(mart, *column) for column in columns)


_M, _I, _E = "mart_identification_methods", "mart_identification", "mart_identification_evidence"
_CARD, _CONTEXT, _CHANGE = "mart_school_card", "mart_school_context", "mart_identification_change"
_INDICATOR, _ROAD, _PARTNER = "mart_programme_indicator", "mart_programme_roadmap", "mart_partnership_school"
_COURSE, _METHOD = "mart_pd_completion", "dim_method"
_WHO = _fields(_M, ("municipality_name", 22), ("school_code", 9, "code"), ("school_name", 42))
_WHO_SHORT = (
    *_fields(_M, ("municipality_name", 21), ("school_code", 9, "code")),
    Field("dim_school", "short_name", 45, "short_name"),
)

LIST, EVIDENCE, CARDS, DICTIONARY = "Перечень школ", "Основания", "Карточки школ", "Словарь"
SHEETS: tuple[Sheet, ...] = (
    Sheet(
        LIST,
        "Какие школы в перечне, насколько надёжен вывод о каждой и что решено. Школы перечня стоят первыми.",
        (
            *_WHO,
            *_fields(_I, ("is_low_results", 12), ("decided_status", 12), ("evidence_grade", 13)),
            Field(_I, "probability_low", 14, None, True),
            *_fields(_I, ("is_fragile", 13), ("low_procedures", 34, "procedures"), ("n_participants_total", 13)),
            *_fields(_I, ("years_identified", 10)),
            *_fields(_CHANGE, ("change", 13)),
            *_fields(_M, ("n_methods_low", 14), ("n_methods", 11)),
            *_fields(_I, ("n_low_procedures", 11), ("exit_state", 13)),
            Field(_CARD, "school_kind", 12),
            *_fields(_M, ("is_adverse_context", 18)),
            *_fields(_CARD, ("programmes", 36, "programmes")),
            *_fields(_I, ("decided_by", 24), ("decided_at", 12), ("decision_document", 28)),
        ),
        school_rows,
        "Школ с результатами за этот год нет.",
        n_printed=14,
    ),
    Sheet(
        EVIDENCE,
        "На каких процедурах стоит вывод: сколько участников, сколько ниже минимума, что изменил бы один ученик.",
        (
            *_WHO_SHORT,
            Field("dim_procedure", "title_ru", 32),
            *_fields(_E, ("n_participants", 12), ("n_below_min", 11), ("share_below_min", 11), ("threshold", 9)),
            *_fields(_E, ("is_low", 11), ("one_pupil_flips", 13), ("ci_low", 11), ("ci_high", 11)),
            *_fields(_E, ("regional_share", 12), ("shrunk_share", 11)),
            Field(_E, "probability_low", 14, None, True),
            *_fields(_E, ("evidence_grade", 12), ("is_repeated", 11)),
            *_fields(_E, ("n_participants_last_year", 12), ("n_below_min_last_year", 12)),
            *_fields(_E, ("n_participants_pooled", 12), ("share_pooled", 12)),
            *_fields(_E, ("participation_rate", 11), ("is_low_participation", 10), ("is_excluded", 11)),
        ),
        evidence_rows,
        "Процедур метода перечня за этот год нет.",
        4,
        16,
    ),
    Sheet(
        "Методы",
        "Что говорит о каждой школе каждый метод: где методы согласны, а где расходятся.",
        (*_WHO_SHORT, *_fields(_M, ("n_methods_low", 13), ("n_methods", 11), ("is_adverse_context", 17))),
        school_rows,
        "Выводов методов за этот год нет.",
        more=_verdicts,
        more_marts=("dim_method",),
    ),
    Sheet(
        "Условия",
        "В каких условиях работает школа и выше или ниже её результат, чем ожидается в таких условиях.",
        (
            *_WHO_SHORT,
            *_fields(_CONTEXT, ("school_kind", 12), ("is_rural", 10), ("pupils", 13), ("teachers", 10)),
            *_fields(_CONTEXT, ("context_index", 11), ("context_quartile", 11)),
            *_fields(_M, ("is_adverse_context", 17)),
            *_fields(_CONTEXT, ("outcome_score", 12), ("expected_score", 12), ("residual_z", 12)),
            *_fields(_CONTEXT, ("n_participants_total", 12), ("n_missing_inputs", 16)),
            *_fields(_CONTEXT, ("low_income_share", 15), ("single_parent_share", 12), ("large_family_share", 14)),
            *_fields(_CONTEXT, ("both_parents_higher_education_share", 13), ("parents_unemployed_share", 13)),
            *_fields(
                _CONTEXT, ("russian_not_native_share", 12), ("special_needs_share", 13), ("on_register_share", 10)
            ),
            *_fields(_CONTEXT, ("under_guardianship_share", 10), ("distance_km", 12), ("teacher_vacancies_share", 12)),
        ),
        context_rows,
        "Сведений об условиях за этот год не поступало.",
        n_printed=15,
    ),
    Sheet(
        "Показатели",
        "Как выполняются показатели программ поддержки: значение, цель, оценка, дословный текст программы.",
        (
            *_fields(
                _INDICATOR, ("programme_title", 20), ("indicator_code", 12), ("title", 44), ("period", 16, "period")
            ),
            *_fields(_INDICATOR, ("territory_name", 21), ("status", 16), ("value", 12, "amount")),
            *_fields(_INDICATOR, ("comparator", 12), ("target", 10, "amount"), ("unit", 13)),
            *_fields("dim_programme", ("year_from", 10), ("year_to", 11)),
            *_fields(_INDICATOR, ("numerator", 12, "count"), ("denominator", 13, "count"), ("completeness", 11)),
            *_fields(_INDICATOR, ("missing_sources", 28, "sources"), ("section", 14), ("version", 12)),
            *_fields(_INDICATOR, ("formula", 48), ("reading", 40), ("quote", 60)),
        ),
        indicator_rows,
        "Показателей программ за этот год нет.",
        n_printed=10,
    ),
    Sheet(
        "Дорожная карта",
        "Какие пункты дорожных карт действующих программ исполнены, опоздали или просрочены.",
        (
            Field("dim_programme", "short_title", 20),
            *_fields(_ROAD, ("item_code", 9), ("title", 56), ("school_code", 9), ("school_name", 34)),
            *_fields(_ROAD, ("state", 17), ("due_from", 12), ("due_to", 12), ("done_on", 12), ("days_late", 12)),
            *_fields(_ROAD, ("frequency", 16), ("document", 30), ("indicator_code", 12), ("told_on", 13)),
            *_fields(_ROAD, ("is_in_register", 10), ("is_known_item", 12)),
        ),
        road_map_rows,
        "Программ с дорожными картами, действующих в этом году, нет.",
        n_printed=10,
    ),
    Sheet(
        "Партнёрство",
        "У каких школ программ есть договор со школой-лидером или инновационной площадкой.",
        (
            Field("dim_programme", "short_title", 20),
            *_fields(_PARTNER, ("school_code", 9), ("school_name", 46), ("municipality_name", 21), ("is_covered", 13)),
            *_fields(_PARTNER, ("n_agreements", 11), ("agreement_keys", 30, "agreements"), ("n_partners", 11)),
            *_fields(_PARTNER, ("partner_names", 54, "partners"), ("first_day", 13)),
        ),
        _programme_rows(_PARTNER),
        "Участников программ за этот год нет.",
    ),
    Sheet(
        "Курсы",
        "Сколько работников школ программ закончило курсы и достаточно ли этого.",
        (
            Field("dim_programme", "short_title", 20),
            *_fields(_COURSE, ("school_code", 9), ("school_name", 46), ("municipality_name", 21), ("is_complete", 13)),
            *_fields(_COURSE, ("is_complete_adjusted", 15), ("n_persons_completed", 11), ("required", 10)),
            *_fields(_COURSE, ("headcount", 12), ("completion_share", 12), ("n_directors", 12), ("n_deputies", 13)),
            *_fields(_COURSE, ("n_teachers", 10), ("hours", 8), ("n_unfinished", 11), ("n_expelled", 11)),
            *_fields(_COURSE, ("n_not_listed", 13)),
        ),
        _programme_rows(_COURSE),
        "Участников программ за этот год нет.",
        n_printed=11,
    ),
)
RULES = Sheet(
    "Правила",
    "По каким правилам судят методы и откуда каждое взято; что предложено и ничьим официальным правилом не является.",
    (
        *_fields(_METHOD, ("title_ru", 46), ("method_code", 20), ("label_ru", 28), ("kind", 24), ("is_proposal", 13)),
        *_fields(_METHOD, ("threshold_numerator", 11), ("threshold_denominator", 12), ("condition", 24)),
        *_fields(_METHOD, ("min_procedures", 11), ("min_repeated", 13), ("procedures", 44, "procedures")),
        *_fields(_METHOD, ("valid_from_year", 11), ("valid_to_year", 11), ("source", 90)),
    ),
    rule_rows,
    "Методов, действующих в этом году, нет.",
    1,
)
"""The methods; it stands last."""
# What the first sheet and the cards tell.
COVER_MARTS = (
    *("dim_method", "dim_method_label", "dim_municipality", "mart_calculation", "mart_data_quality"),
    *("mart_identification", "mart_identification_published"),
)
CARD_FIELDS = {
    "Вывод": (
        *_fields(_I, ("is_low_results", 0), ("decided_status", 0), ("evidence_grade", 0), ("probability_low", 0)),
        *_fields(_I, ("is_fragile", 0), ("years_identified", 0)),
        *_fields(_CHANGE, ("change", 0)),
        *_fields(_CARD, ("n_markers", 0)),
    ),
    "Условия": (
        *_fields(_CARD, ("context_index", 0), ("context_quartile", 0), ("is_adverse_context", 0)),
        *_fields(_CONTEXT, ("outcome_score", 0), ("expected_score", 0), ("residual_z", 0)),
        *_fields(_CONTEXT, ("pupils", 0), ("teachers", 0)),
    ),
    "Методы и поддержка": (
        *_fields(_M, ("n_methods_low", 0), ("methods_low", 0, "methods")),
        *_fields(_CARD, ("programmes", 0, "programmes"), ("has_partner", 0), ("n_persons_completed", 0)),
        *_fields(_CARD, ("headcount", 0), ("is_pd_complete", 0), ("has_moved", 0), ("history", 0)),
    ),
}
CARD_EVIDENCE = (
    Field("dim_procedure", "title_ru", 0),
    *_fields(_E, ("n_participants", 0), ("n_below_min", 0), ("share_below_min", 0), ("ci_low", 0), ("ci_high", 0)),
    *_fields(_E, ("regional_share", 0), ("is_low", 0)),
)


def marts_of_workbooks() -> tuple[str, ...]:
    """Names of all marts that the workbooks are made of."""
    fields: Iterable[Field] = [*CARD_EVIDENCE, *(one for group in CARD_FIELDS.values() for one in group)]
    shown = [mart for sheet in (*SHEETS, RULES) for mart in sheet.marts]
    return tuple(sorted({*shown, *COVER_MARTS, *(field.mart for field in fields)}))


def of_territory(rows: Sequence[Row], territory: Territory) -> list[Row]:
    """Rows of one municipality and those of the whole region; all rows for the region."""
    if territory.key is None:
        return list(rows)
    return [row for row in rows if row.is_regional or row.territory == territory.key]
