"""The sheet of a template that says how to fill it in: what is asked, what is rejected, how to correct."""

from __future__ import annotations

from typing import Any

from ravenstvo.publishing.sheets import Book
from ravenstvo.publishing.template_fields import Field, Template, load_hints, load_templates
from ravenstvo.publishing.template_lists import Choice
from ravenstvo.row_height import row_height

SHEET = "Как заполнять"
HEAD = ("Столбец", "Что писать", "Обязательно", "Допустимые значения", "Пример")
_WIDTHS = (30, 52, 16, 44, 30)
_TAB_COLOUR = "#70AD47"
_NEEDS = {
    "required": "обязательно в каждой строке",
    "one_of": "достаточно одного из таких столбцов",
    "optional": "если есть что написать",
}


def write_instructions(book: Book, template: Template, choices: dict[str, Choice]) -> None:
    """Write the sheet: a title, a line for each column, general rules."""
    sheet = book.book.add_worksheet(SHEET)
    for place, width in enumerate(_WIDTHS):
        sheet.set_column(place, place, width)
    sheet.hide_gridlines(2)
    sheet.set_tab_color(_TAB_COLOUR)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, f"{template.title}: как заполнять", book.title)
    row = _write_lines(book, sheet, 1, _about(template))
    row = _write_legend(book, sheet, row + 1, template)
    row = _write_table(book, sheet, row + 1, template, choices)
    sheet.write_string(row + 1, 0, "Общие правила", book.title)
    _write_lines(book, sheet, row + 2, [f"{n}. {rule}" for n, rule in enumerate(_rules(template), start=1)])


def _write_lines(book: Book, sheet: Any, row: int, lines: list[str]) -> int:
    """Texts over the whole width, one under another; gives the row after them."""
    for row, text in enumerate(lines, start=row):  # noqa: B020
        sheet.set_row(row, row_height([text], [sum(_WIDTHS)]))
        sheet.merge_range(row, 0, row, len(_WIDTHS) - 1, text, book.text)
    return row + 1


def _about(template: Template) -> list[str]:
    grain = template.source.grain
    return [
        f"Для чего: {template.use.purpose}.",
        f"Кто заполняет: {template.use.who}.",
        f"Одна строка таблицы: {grain[0].lower()}{grain[1:]}. Заполняйте лист «{template.title}».",
    ]


def _write_legend(book: Book, sheet: Any, row: int, template: Template) -> int:
    """What the colours of the headings mean."""
    used = {field.need for field in template.fields}
    for need, meaning in _NEEDS.items():
        if need in used:
            sheet.write_string(row, 0, "Цвет заголовка", book.head_of(need))
            sheet.write_string(row, 1, meaning, book.text)
            row += 1
    return row


def _write_table(book: Book, sheet: Any, row: int, template: Template, choices: dict[str, Choice]) -> int:
    for place, title in enumerate(HEAD):
        sheet.write_string(row, place, title, book.head)
    for row, field in enumerate(template.fields, start=row + 1):  # noqa: B020
        cells = (field.title, advice(field), _need(field, template), _allowed(field, choices), _example(field, choices))
        sheet.set_row(row, row_height(cells, _WIDTHS))
        for place, cell in enumerate(cells):
            sheet.write_string(row, place, cell, book.cell)
    return row + 1


def advice(field: Field) -> str:
    """What to write in a column: the shape of the value, then what the document says of it."""
    write = load_hints().kinds[field.kind].write
    plain = field.kind in ("text", "code") and field.description
    pieces = [field.description] if plain else [write, field.description]
    told = ". ".join(dict.fromkeys(piece for piece in pieces if piece))
    return f"{told}."


def bounds(field: Field) -> tuple[str, str]:
    """First and last value that a date or a year may have, as people write them."""
    if field.kind == "year":
        years = load_hints().years
        return str(years.first), str(years.last)
    return f"{field.first_date:%d.%m.%Y}", f"{field.last_date:%d.%m.%Y}"


def _need(field: Field, template: Template) -> str:
    if field.need != "one_of":
        return "да" if field.need == "required" else "нет"
    others = [title for group in template.source.any_of for title in template.titles(group) if title != field.title]
    return f"да, если нет: {', '.join(others)}"


def _allowed(field: Field, choices: dict[str, Choice]) -> str:
    if field.values:
        return "; ".join(choices[field.values].told)
    if field.kind in ("date", "year"):
        first, last = bounds(field)
        return f"от {first} до {last}"
    if field.kind in ("whole", "number"):
        return "0 и больше"
    return ""


def _example(field: Field, choices: dict[str, Choice]) -> str:
    return choices[field.values].example if field.kind == "programme" and field.values else field.example


# -- general rules -----------------------------------------------------------------------------------------------------


def _rules(template: Template) -> list[str]:
    kinds = {field.kind for field in template.fields}
    rules = [
        "Не переименовывайте и не удаляйте столбцы, не добавляйте своих: по заголовкам программа узнаёт форму.",
        "Строку, которая начинается со слова «Пример:», можно удалить, а можно и оставить: она не загружается. "
        "Пустые строки между заполненными не мешают.",
        "\n".join(
            [
                "Не загружается или не участвует в расчёте строка:",
                *(f"    — {reason}" for reason in _rejections(template)),
            ]
        ),
        "На такие строки центр пришлёт книгу с замечаниями: лист, строка, столбец, что не так и что сделать; исправить "
        "строки можно прямо в ней. Остальные строки файла будут учтены.",
        "Чтобы исправить или дополнить, измените свой файл и пришлите его снова целиком: новый файл заменяет прежний "
        f"файл {_about_the_same(template)}, и строк, которых в нём нет, больше не будет.",
        "Файл можно назвать как угодно. Пароль на него не ставьте.",
    ]
    if template.has_people:
        people = [field.title for field in template.fields if field.name.startswith("person.")]
        rules.append(
            f"{', '.join(people)} — для связи сведений между собой: при чтении файла от них остаётся только "
            "необратимый код или отметка, есть они или нет. Сами они в хранилище и в отчёты не попадают. "
            "Пересылайте заполненный файл только по защищённому каналу."
        )
    else:
        rules.append("Имена, телефоны и номера документов людей в эту форму не вписывайте.")
    if kinds & {"school", "municipality", "snils", "code"}:
        rules.append("Коды пишите как текст: ячейки уже настроены, и нули в начале не пропадут.")
    return rules


def _about_the_same(template: Template) -> str:
    """What a file and its correction have in common, as the source document has it."""
    source = template.source
    words = {"year": "за тот же год", "programme": "по той же программе", "stage": "на том же этапе"}
    told = [words[name] for name in (fact.rpartition(".")[2] for fact in source.content) if name in words]
    return " ".join(["тех же школ" if "school_code" in source.school else "о том же", *told])


def _rejections(template: Template) -> list[str]:
    """What stops a row, as the source document has it."""
    source, kinds = template.source, {field.kind for field in template.fields}
    reasons = ["в которой пуст обязательный столбец"]
    for group in source.any_of:
        reasons.append(f"в которой не заполнен ни один из столбцов: {', '.join(template.titles(group))}")
    if kinds & {"list", "flag", "programme"}:
        reasons.append("в которой значение не из списка допустимых")
    if kinds & {"date", "whole", "number", "year"}:
        reasons.append("в которой дата или число записаны не так, как просит столбец")
    reasons += [f"с кодом, которого нет {place}" for place in _registers(template)]
    if "snils" in kinds:
        reasons.append("в которой СНИЛС — не 11 цифр или не сходится его контрольное число")
    for earlier, later in source.periods:
        first, last = template.titles((earlier,)) + template.titles((later,))
        reasons.append(f"в которой «{last}» раньше, чем «{first}»")
    if source.key:
        reasons.append(f"которая повторяет другую строку файла: те же {', '.join(template.titles(source.key))}")
    return reasons


def _registers(template: Template) -> list[str]:
    """Where the codes of a row must be known."""
    places = []
    if template.source.name not in ("school", "municipality"):
        kinds = {field.kind for field in template.fields}
        places += [f"в реестре {what}" for kind, what in (("school", "ОО"), ("municipality", "МСУ")) if kind in kinds]
    for other in load_templates().values():
        named = {field.name for field in template.fields if field.kind == "code"}
        if other.source.name != template.source.name and set(other.source.key) & named and len(other.source.key) == 1:
            places.append(f"в присланной форме «{other.title}»")
    return places
