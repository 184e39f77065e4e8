"""The first sheet of a workbook: what it is, how far it is approved, what its sheets answer, how to read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ravenstvo.code_words import word_list, words_of
from ravenstvo.publishing.export_data import Record, Territory, YearData
from ravenstvo.publishing.export_sheets import Row, Sheet, is_listed
from ravenstvo.publishing.sheets import LOOKS, SHARE, Amount, Book, Link, Page, inert, print_pages
from ravenstvo.row_height import row_height
from ravenstvo.sources import load_sources

COVER = "О книге"
_WIDTHS = (46, 22, 22, 56)
_I, _CHANGE, _M = "mart_identification", "mart_identification_change", "mart_identification_methods"
_LOOK_TITLES = {
    "bad": "Требует решения",
    "warn": "Требует внимания",
    "good": "Хорошо",
    "unknown": "Неизвестно: данных нет или их мало",
}

_GRADES = (
    "A — участников в процедуре не меньше {grade_a_min_participants}, и даже нижняя граница доли выше, чем по региону; "
    "B — не меньше {grade_b_min_participants}; C — {grade_c_min_pooled} набирается только за несколько лет "
    "(сколько: {pooled_years}); D — данных недостаточно"
)


def label(data: YearData) -> str:
    """What schools of the list are called in this year."""
    return next(
        (one["label_plural_ru"] for one in data.marts["dim_method_label"] if one["label_key"] == "low_results"),
        "Школы с низкими результатами",
    )


def told_state(data: YearData) -> tuple[str, str]:
    """Whether the list is approved, in words, and the look of these words."""
    approved = next(iter(data.marts["mart_identification_published"]), None)
    if approved is None:
        return "ПРЕДЛОЖЕНИЕ: перечень никем не утверждён", "warn"
    by = f"{approved['decided_by']}, {approved['decided_at']:%d.%m.%Y}"
    told = f"УТВЕРЖДЁН: {by}, документ: {approved['publication_document'] or 'не указан'}"
    if approved["calculation_id"] == data.calculation.get("calculation_id"):
        return told, "good"
    return f"{told}. Утверждён на расчёте {approved['calculation_id']}, а здесь — более поздний", "warn"


def told_calculation(data: YearData) -> str:
    """The calculation: its number and when it ended."""
    at = data.calculated_at
    told = f"{at:%d.%m.%Y %H:%M} (UTC)" if isinstance(at, datetime) else "время неизвестно"
    return f"{data.calculation.get('calculation_id', 'неизвестен')}, закончен {told}"


def write_cover(
    book: Book,
    data: YearData,
    territory: Territory,
    rows: tuple[Sequence[Row], Sequence[Row]],
    sheets: Sequence[tuple[str, int | None, str]],
    shown: Sequence[Sheet],
    page: Page,
) -> None:
    """Write the first sheet.

    ``rows`` are the schools of the territory and those of the region; ``sheets`` the name, number of rows and question
    of each other sheet; ``shown`` the sheets whose colours are explained.
    """
    sheet = book.book.add_worksheet(COVER)
    for place, width in enumerate(_WIDTHS):
        sheet.set_column(place, place, width)
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    print_pages(sheet, page)
    cover = _Cover(book, sheet)
    cover.title(f"{label(data)}, {data.year} год")
    cover.title(territory.name if territory.key else f"{territory.name}: муниципалитетов — {len(data.territories)}")
    cover.state(*told_state(data))
    cover.facts("Что это за книга", _about(data, territory))
    cover.table("Главное", _headings(territory), _figures(data, territory, rows))
    if not territory.key:
        headings = ("Муниципалитет", "Школ с выводом", "Низкие результаты", "В перечне")
        cover.table("По муниципалитетам", headings, _by_territory(data, rows[1]))
    cover.sheets(sheets)
    cover.facts("Как читать", _reading(data))
    cover.colours(_colours(shown))
    cover.table(
        "Откуда числа: файлы, по всему региону",
        ("Вид сведений", "Файлов", "Принято строк", "Отклонено строк"),
        _sources(data),
    )


class _Cover:
    """Writes sections one under another."""

    def __init__(self, book: Book, sheet: Any) -> None:
        self.book, self.sheet, self.at = book, sheet, 0
        self.section = book.format(bold=True, font_size=12, font_color="#1F3864", bottom=2, bottom_color="#1F3864")
        self.name = book.format(bold=True)
        self.plain = book.format(align="left")
        self.link = book.format(font_color="#0B5394", underline=1)
        self.share = book.format(align="left", num_format=SHARE)
        self.big = book.format(bold=True, font_size=16, text_wrap=False)

    def title(self, text: str) -> None:
        self.sheet.set_row(self.at, 24)
        self.sheet.write_string(self.at, 0, inert(text), self.big)
        self.at += 1

    def state(self, text: str, look: str) -> None:
        self.sheet.set_row(self.at, row_height([text], [sum(_WIDTHS)]) + 6)
        self.sheet.merge_range(self.at, 0, self.at, 3, inert(text), self.book.format(**LOOKS[look], valign="vcenter"))
        self.at += 1

    def facts(self, name: str, facts: Iterator[tuple[str, str]]) -> None:
        self._section(name)
        for left, right in facts:
            self.sheet.set_row(self.at, row_height([left, right], [_WIDTHS[0], sum(_WIDTHS[1:])]))
            self.sheet.write_string(self.at, 0, inert(left), self.name)
            self.sheet.merge_range(self.at, 1, self.at, 3, inert(right), self.plain)
            self.at += 1

    def table(self, name: str, headings: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
        self._section(name)
        self.sheet.set_row(self.at, row_height(headings, _WIDTHS))
        for place, heading in enumerate(headings):
            self.sheet.write_string(self.at, place, inert(heading), self.book.head)
        self.at += 1
        for row in rows:
            self.sheet.set_row(self.at, row_height(row, _WIDTHS))
            for place, value in enumerate(row):
                look = self.share if isinstance(value, Amount) else self.plain
                self.book.write(self.sheet, self.at, place, value, look)
            self.at += 1

    def sheets(self, sheets: Sequence[tuple[str, int | None, str]]) -> None:
        self._section("Листы")
        for place, heading in enumerate(("Лист", "Строк")):
            self.sheet.write_string(self.at, place, heading, self.book.head)
        self.sheet.merge_range(self.at, 2, self.at, 3, "На что отвечает", self.book.head)
        self.at += 1
        for name, n_rows, question in sheets:
            self.sheet.set_row(self.at, row_height([question], [sum(_WIDTHS[2:])]))
            self.book.write(self.sheet, self.at, 0, Link(name, name, 0), self.link)
            self.book.write(self.sheet, self.at, 1, n_rows, self.plain)
            self.sheet.merge_range(self.at, 2, self.at, 3, inert(question), self.plain)
            self.at += 1

    def colours(self, colours: Mapping[str, Sequence[str]]) -> None:
        self._section("Цвета: слово в ячейке говорит то же самое")
        for look, words in colours.items():
            text = ", ".join(words)
            self.sheet.set_row(self.at, row_height([text], [sum(_WIDTHS[1:])]))
            self.sheet.write_string(self.at, 0, _LOOK_TITLES[look], self.book.format(**LOOKS[look]))
            self.sheet.merge_range(self.at, 1, self.at, 3, inert(text), self.plain)
            self.at += 1

    def _section(self, name: str) -> None:
        self.at += 1
        for place in range(len(_WIDTHS)):
            self.sheet.write_string(self.at, place, inert(name) if place == 0 else "", self.section)
        self.at += 1


def _about(data: YearData, territory: Territory) -> Iterator[tuple[str, str]]:
    method = data.method
    if method:
        proposal = "; метод предложен и ничьим официальным правилом не является" if method["is_proposal"] else ""
        yield (
            "Метод перечня",
            f"{method['title_ru']} ({method['method_code']}, редакция {method['method_version']}){proposal}",
        )
    else:
        yield "Метод перечня", f"для {data.year} года не назван в справочнике approval_method: перечня и оснований нет"
    yield "Расчёт", f"{told_calculation(data)}; файлов в нём: {data.calculation.get('n_files', '—')}"
    if territory.key:
        yield (
            "О ком",
            f"О школах территории «{territory.name}»; о других школах здесь нет ничего, по региону — только итоги",
        )
    yield "Чего здесь нет", "Имён, документов и отдельных результатов учеников и работников"
    yield (
        "Как пользоваться",
        "Стрелка в заголовке столбца отбирает строки; код школы в перечне ведёт к её карточке или к основаниям "
        "вывода. На печать выходят главные столбцы листа, на экране видны все. "
        "Что значит каждый столбец и из какой витрины он взят — на листе «Словарь», по каким правилам судят методы — "
        "на листе «Правила»",
    )


def _headings(territory: Territory) -> tuple[str, ...]:
    return ("Показатель", territory.name, "По региону") if territory.key else ("Показатель", "По региону")


def _figures(
    data: YearData, territory: Territory, rows: tuple[Sequence[Row], Sequence[Row]]
) -> Iterator[Sequence[Any]]:
    asked = rows if territory.key else rows[1:]
    for name, count in _counts(data):
        yield [name, *map(count, asked)]


def _counts(data: YearData) -> Iterator[tuple[str, Callable[[Sequence[Row]], Any]]]:
    yield "Школ с результатами", len
    yield "Из них с выводом метода", lambda rows: len(_judged(rows))
    yield "Низкие результаты по методу", lambda rows: len(_low(rows))
    yield (
        "Доля от школ с выводом",
        lambda rows: Amount(len(_low(rows)) / len(_judged(rows)), SHARE) if _judged(rows) else "—",
    )
    yield (
        "Из низких держатся на одном участнике",
        lambda rows: sum(row.value(_I, "is_fragile") is True for row in _low(rows)),
    )
    yield (
        "Из низких по разрядам надёжности",
        lambda rows: _spread(row.value(_I, "evidence_grade") for row in _low(rows)),
    )
    words = {code: word.word for code, word in word_list("change").items()}
    yield (
        "По сравнению с прошлым годом",
        lambda rows: _spread(words.get(code, code) for row in rows if (code := row.value(_CHANGE, "change"))),
    )
    yield "В перечне: по решению, а пока его нет — по методу", lambda rows: sum(map(is_listed, rows))
    yield "Решений о школах", lambda rows: sum(row.value(_I, "decided_status") is not None for row in rows)
    yield (
        "Низкие хотя бы по одному методу",
        lambda rows: sum(bool(row.value(_M, "is_low_by_any")) for row in rows),
    )
    yield "Неблагоприятные условия", lambda rows: sum(bool(row.value(_M, "is_adverse_context")) for row in rows)
    yield (
        "Участников в процедурах метода (ученик — в каждой своей)",
        lambda rows: sum(row.value(_I, "n_participants_total") or 0 for row in rows),
    )


def _by_territory(data: YearData, rows: Sequence[Row]) -> Iterator[Sequence[Any]]:
    """How many schools of each municipality have a verdict, are low and are on the list."""
    names = {territory.key: territory.name for territory in data.territories}
    for key in [*names, *([None] if any(row.territory is None for row in rows) else [])]:
        own = [row for row in rows if row.territory == key]
        yield [names.get(key, "Муниципалитет неизвестен"), len(_judged(own)), len(_low(own)), sum(map(is_listed, own))]


def _judged(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.value(_I, "is_low_results") is not None]


def _low(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.value(_I, "is_low_results")]


def _spread(values: Iterator[str]) -> str:
    counted = Counter(values)
    return ", ".join(f"{value} — {counted[value]}" for value in sorted(counted)) or "—"


def _reading(data: YearData) -> Iterator[tuple[str, str]]:
    method = data.method
    yield "Вывод", "Правило метода, как оно записано. Ни вероятность, ни решение человека его не меняют"
    if method and method["grade_a_min_participants"] is not None:
        yield "Разряд надёжности", _GRADES.format(**method)
    yield (
        "Вероятность низких результатов",
        "Насколько вероятно, что правило выполнено для истинных долей школы, а не для случайностей одного года. Около "
        "половины — по этим данным не решить",
    )
    yield "Держится на одном участнике", "Один ученик ниже минимума больше или меньше — и вывод был бы другим"
    yield "Границы доли", "Интервал Уилсона: где может лежать истинная доля; у школы с немногими участниками он широк"
    yield "Пустая ячейка", "Сведений нет или посчитать нельзя; это не ноль"


def _colours(shown: Sequence[Sheet]) -> dict[str, list[str]]:
    """Look → the words that have it on these sheets."""
    found: dict[str, dict[str, None]] = {look: {} for look in _LOOK_TITLES}
    plain = {word.word for word in word_list("yes_no").values()}
    for sheet in shown:
        for field in sheet.fields:
            for word in (words_of(field.mart, field.column) or {}).values():
                if word.look and word.word not in plain:
                    found[word.look][word.word] = None
    return {look: list(words) for look, words in found.items() if words}


def _sources(data: YearData) -> Iterator[Sequence[Any]]:
    known = load_sources()

    def title(row: Record) -> str:
        return known[row["source"]].title if row["source"] in known else str(row["source"])

    for row in sorted(data.marts["mart_data_quality"], key=lambda row: (row["year"] is None, title(row))):
        kind = f"{title(row)}, {row['year']} год" if row["year"] else f"{title(row)} (без года)"
        yield [kind, row["n_files"], row["n_rows_accepted"], row["n_rows_rejected"]]
