"""The decision workbook to fill in: the proposed list, what was computed beside it, and how to decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from ravenstvo import decisions
from ravenstvo.publishing.sheets import Column, workbook

_WORD_OF = {status: word for word, status in decisions.WORDS.items()}
_COLUMNS = (
    *(Column(decisions.KEY, 16), Column(decisions.NAME, 44), Column(decisions.DECISION, 16)),
    *(Column(decisions.REASON, 40), Column(decisions.DOCUMENT, 34)),
    *(Column("Муниципалитет", 26), Column("Вывод метода", 16), Column("Процедуры", 60), Column("Участников", 12)),
    *(Column("Надёжность", 12), Column("Неустойчив", 12), Column("Лет подряд", 10)),
)
_INPUTS = frozenset({decisions.KEY, decisions.NAME, decisions.DECISION, decisions.REASON, decisions.DOCUMENT})
# Rows below the list that are ready for schools to be added.
_SPARE = 200
_HOW = (
    ("Как заполнять", ""),
    ("1", f"На листе «{decisions.SHEET}» — школы, которые метод относит к перечню. Решение выберите из списка."),
    ("2", "включить — школа в утверждённом перечне; не включать — не в нём; отложить — решение будет принято позже."),
    ("3", "Решение, которое расходится с выводом метода, требует основания и документа. «Отложить» расходится всегда."),
    ("4", "Чтобы добавить школу, впишите её код ОО или логин под списком; коды — на листе «Все школы»."),
    ("5", "Строка, которой нет, решения не меняет: школа перечня без строки включается, как посчитано."),
    ("6", "Если в книге есть ошибка, не принимается ничего, и названы все ошибки сразу."),
    ("Что дальше", ""),
    ("Командой", "ravenstvo approve --year ГОД --by «кто» --document «документ» --decisions ЭТОТ_ФАЙЛ.xlsx"),
    ("В Airflow", "положите файл в папку decisions и назовите его при утверждении в DAG list_approval"),
    ("Что сохраняется", "Вывод метода и решение стоят в разных столбцах; решение вывода не меняет."),
)


class _School(Protocol):
    """What the sheet shows of a school."""

    school_code: str | None
    login: str | None
    school_id: str
    name: str | None
    municipality: str | None
    is_low_results: bool | None
    is_fragile: bool
    evidence_grade: str | None
    n_participants: int
    years_identified: int | None
    evidence: tuple[str, ...]


def write_template(target: Path, year: int, method: str, schools: list[Any]) -> Path:
    """Write the workbook for the schools of a method, those that it lists ready to be decided on."""
    listed = [school for school in schools if school.is_low_results]
    with workbook(target, f"Решения по перечню {year} года") as book:
        book.lines("Инструкция", f"Решения по перечню {year} года, метод: {method}", _HOW, (20, 120))
        sheet, n_rows = book.table(decisions.SHEET, _COLUMNS, map(_cells, listed), _INPUTS)
        last = n_rows + _SPARE
        for row in range(n_rows + 1, last + 1):
            for place in range(len(_INPUTS)):
                sheet.write_blank(row, place, None, book.input)
        place = [column.title for column in _COLUMNS].index(decisions.DECISION)
        sheet.data_validation(
            *(1, place, last, place),
            {
                "validate": "list",
                "source": list(decisions.WORDS),
                "error_title": "Неизвестное решение",
                "error_message": "Выберите: " + ", ".join(decisions.WORDS),
            },
        )
        book.table("Все школы", _COLUMNS, map(_cells, schools))
    return target


def _cells(school: _School) -> list[Any]:
    verdict = {True: "низкие", False: "не низкие", None: "нет вывода"}[school.is_low_results]
    return [
        *(school.school_code or school.login or school.school_id, school.name),
        *(_WORD_OF[decisions.as_computed(school.is_low_results)], None, None),
        *(school.municipality, verdict, "; ".join(school.evidence), school.n_participants),
        *(school.evidence_grade, "да" if school.is_fragile else "нет", school.years_identified),
    ]
