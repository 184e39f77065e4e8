"""``ravenstvo layout``: what a file is taken for, and a document for a form that is not known yet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ravenstvo.intake.facts import FACT_TITLES
from ravenstvo.intake.opening import KNOWN
from ravenstvo.intake.pool import Request, read_all
from ravenstvo.layouts import LayoutError, load_layouts
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.words import counted

_FOLDERS_THAT_SPEAK = 4
_LISTED = 12
_KINDS = {"ignored": "не берётся", "unknown": "не известен форме"}
_DROPPED = {
    "blank": "пустых",
    "footer": "итоговых",
    "header": "шапка",
    "not_data": "не данные",
    "subtotal": "подытогов",
    "title": "заголовок",
}


def _examined(settings: Settings, file: Path, task: str, source: str | None = None) -> dict[str, Any]:
    """Have a reading process describe the file.

    Raises:
        LayoutError: there is no such file, it is of no kind that can be read, the source is unknown, or a document of
            a form is wrong.
    """
    load_layouts()
    path = file.expanduser().absolute()
    if not path.is_file():
        raise LayoutError(f"Нет файла {path}")
    if path.suffix.lower() not in KNOWN:
        raise LayoutError(f"Файл {path.name}: читаются {', '.join(KNOWN)}")
    if source is not None and source not in load_sources():
        raise LayoutError(f"Нет вида сведений «{source}». Есть: {', '.join(load_sources())}")
    settings.make_home()
    named = "/".join(path.parts[-_FOLDERS_THAT_SPEAK:]).lstrip("/")
    return read_all([Request(named, str(path), "", task, source)], settings)[0]


def check(settings: Settings, file: Path, terminal: Terminal) -> int:
    """Tell which form each sheet is and what each column becomes. Returns 0, or 1 where something does not fit."""
    answer = _examined(settings, file, "check")
    for sheet in answer.get("sheets", []):
        _show_sheet(sheet, terminal)
    _show_problems(answer["problems"], terminal)
    if answer["refused"]:
        terminal.say()
        terminal.say("Файл не загрузится целиком. Документ для новой формы: ravenstvo layout propose ФАЙЛ")
        return 1
    terminal.say()
    terminal.say("Файл загрузится.")
    return 0


def _show_sheet(sheet: dict[str, Any], terminal: Terminal) -> None:
    terminal.heading(f"Лист «{sheet['sheet']}»: {sheet['title']}")
    terminal.say(f"  Форма {sheet['layout']}; сведения: {sheet['source']}; шапка в строке {sheet['header_row']}")
    if not sheet["is_data"]:
        terminal.say("  Лист знаком, данных для загрузки в нём нет.")
        return
    if sheet["facts"]:
        told = ", ".join(f"{FACT_TITLES.get(name, name)} — {value}" for name, value in sheet["facts"].items())
        terminal.say(f"  Из заголовков, имён и папок: {told}")
    dropped = ", ".join(f"{_DROPPED.get(reason, reason)} {n}" for reason, n in sheet["dropped"].items())
    terminal.say(
        f"  Строк прочитано {sheet['n_rows_read']}: данных {sheet['n_rows_landed']}"
        + (f", не данные: {dropped}" if dropped else "")
    )
    rows, items = [], [column for column in sheet["columns"] if column["kind"] == "item"]
    for column in sheet["columns"]:
        if column["kind"] == "item":
            if column is items[0]:
                labels = ", ".join(item["becomes"][0] for item in items[:_LISTED])
                more = f" и ещё {len(items) - _LISTED}" if len(items) > _LISTED else ""
                rows.append(
                    [f"{column['column']}…{items[-1]['column']}", column["header"], f"баллы за задания: {labels}{more}"]
                )
            continue
        became = ", ".join(_told(name, sheet["titles"]) for name in column["becomes"]) or _KINDS[column["kind"]]
        rows.append([column["column"], column["header"], became])
    terminal.table(["Столбец", "Заголовок", "Чем стал"], rows)
    if sheet["not_found"]:
        told = "; ".join(_told(name, sheet["titles"]) for name in sheet["not_found"])
        terminal.say(f"  В форме есть, в файле нет (не обязательны): {told}")


def _told(column: str, titles: dict[str, str]) -> str:
    return f"{titles[column]} ({column})" if column in titles else column


def _show_problems(problems: list[dict[str, Any]], terminal: Terminal) -> None:
    for problem in problems:
        place = ", ".join(
            f"{title} {problem[key]}"
            for key, title in (("sheet", "лист"), ("row", "строка"), ("column", "столбец"))
            if problem[key]
        )
        terminal.heading(
            f"{'Ошибка' if problem['severity'] == 'error' else 'Замечание'}{f' ({place})' if place else ''}"
        )
        terminal.say(f"  {problem['message']}")
        terminal.say(f"  {problem['advice']}")


def propose(settings: Settings, file: Path, source: str | None) -> int:
    """Print a layout document for each shape of sheet that no form fits. Returns 0, or 1 where none could be made."""
    answer = _examined(settings, file, "propose", source)
    notes = Terminal(sys.stderr)
    if not answer["refused"]:
        titles = sorted({f"{sheet['layout']} ({sheet['title']})" for sheet in answer["sheets"]})
        notes.say(f"Форма уже описана: {', '.join(titles)}. Подробнее: ravenstvo layout check")
        return 0
    proposals = answer.get("proposals", [])
    for proposal in proposals:
        sys.stdout.write(proposal["text"])
        notes.heading(f"Лист «{proposal['sheet']}», шапка в строке {proposal['header_row']}: форма {proposal['name']}")
        notes.say(
            f"  Столбцов узнано: {proposal['n_sure']} уверенно, {proposal['n_unsure']} с вопросом; "
            f"не узнано {len(proposal['unknown'])}"
        )
        for note in [*proposal["notes"], *(f"Не узнан столбец {text}" for text in proposal["unknown"][:_LISTED])]:
            notes.say(f"  {note}")
        notes.say(f"  Проверьте строки с «?» и сохраните как include/ravenstvo/layouts/{proposal['name']}.yml")
    if not proposals:
        _show_problems(answer["problems"], notes)
        notes.say()
        notes.say("Предложить нечего: ни на одном листе нет шапки, похожей на известные сведения.")
        return 1
    if len(proposals) > 1:
        notes.say()
        notes.say(f"Документов: {counted(len(proposals), 'форма', 'формы', 'форм')}; каждый — отдельный файл.")
    return 0
