"""Read a workbook of decisions: a file from outside, so in a process of its own with limits on memory and time."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import zipfile
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ravenstvo import decisions
from ravenstvo.errors import ToldError
from ravenstvo.fingerprints import file_digest
from ravenstvo.settings import Settings

SIZE_LIMIT = 10 * 2**20
UNPACKED_LIMIT = 100 * 2**20
ROWS_LIMIT = 10_000
# The heading stands among the first rows of the sheet.
_HEADING_WITHIN = 20


class DecisionWorkbookError(ToldError):
    """The file is no decision workbook; the message (Russian) says what to do."""


@dataclass(frozen=True)
class DecisionRow:
    """A filled row of the workbook: texts as written, empty where nothing stands."""

    row_no: int
    key: str
    name: str
    decision: str
    reason: str
    document: str


@dataclass(frozen=True)
class DecisionWorkbook:
    """Filled rows of the sheet with decisions, and the fingerprint of the file."""

    path: Path
    sha256: str
    sheet: str
    rows: list[DecisionRow]


@dataclass(frozen=True)
class Form:
    """What to read of a workbook: its sheet, the columns in their order, those it must have, and who writes it."""

    sheet: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    written_by: str


_LIST = Form(
    decisions.SHEET,
    (decisions.KEY, decisions.NAME, decisions.DECISION, decisions.REASON, decisions.DOCUMENT),
    decisions.REQUIRED,
    "ravenstvo decisions-template",
)


def read_decisions(path: Path, settings: Settings) -> DecisionWorkbook:
    """Read the rows of a workbook of decisions on a list without judging them. Raises as ``read_rows`` does."""
    sheet, rows = read_rows(path, settings, _LIST)
    return DecisionWorkbook(path, file_digest(path), sheet, [DecisionRow(row_no, *texts) for row_no, *texts in rows])


def read_rows(path: Path, settings: Settings, form: Form) -> tuple[str, list[list[Any]]]:
    """Name of the sheet and its filled rows: number of the row and the text of each column of the form.

    Raises DecisionWorkbookError when there is no such file, when it is not an ``.xlsx`` with the columns of the
    form, or when it does not fit the limits of size, memory and time.
    """
    _check_size(path)
    command = [sys.executable, "-m", __name__, str(path), str(settings.read_memory_mb), json.dumps(asdict(form))]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=settings.read_seconds, check=False
        )
        answer: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    except (subprocess.TimeoutExpired, ValueError):
        answer = {}
    if "rows" not in answer:
        raise DecisionWorkbookError(
            answer.get(
                "error",
                f"Книга решений {path.name} не читается: она повреждена или слишком велика. "
                "Откройте её в Excel, сохраните заново как «Книга Excel (.xlsx)» и повторите.",
            )
        )
    return answer["sheet"], answer["rows"]


def _check_size(path: Path) -> None:
    if not path.is_file():
        raise DecisionWorkbookError(f"Книги решений {path} нет: проверьте путь.")
    if path.stat().st_size > SIZE_LIMIT:
        raise DecisionWorkbookError(
            f"Книга решений {path.name} больше {SIZE_LIMIT // 2**20} МБ. Оставьте в ней только строки с решениями."
        )


def _read(path: Path, form: Form) -> tuple[str, list[list[Any]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    advice = f"Заполните книгу, которую пишет «{form.written_by}», и сохраните её как .xlsx."
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > UNPACKED_LIMIT:
                raise DecisionWorkbookError(f"Книга решений {path.name} после распаковки слишком велика. {advice}")
        book = CalamineWorkbook.from_path(str(path))
        sheet = form.sheet if form.sheet in book.sheet_names else book.sheet_names[0]
        cells = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except (zipfile.BadZipFile, CalamineError, IndexError, OSError, ValueError) as error:
        raise DecisionWorkbookError(f"Файл {path.name} — не книга Excel (.xlsx). {advice}") from error
    heading, places = _heading(cells, form, path.name, sheet, advice)
    rows: list[list[Any]] = []
    for row_no, row in enumerate(cells[heading + 1 :], start=heading + 2):
        texts = [_text(row[places[name]]) if name in places else "" for name in form.columns]
        if any(texts):
            rows.append([row_no, *texts])
    if len(rows) > ROWS_LIMIT:
        raise DecisionWorkbookError(f"В книге решений {path.name} больше {ROWS_LIMIT} строк. {advice}")
    return sheet, rows


def _heading(cells: list[list[Any]], form: Form, name: str, sheet: str, advice: str) -> tuple[int, dict[str, int]]:
    """Index of the heading row and the place of each column."""
    wanted = {_folded(title): title for title in form.columns}
    best: dict[str, int] = {}
    for index, row in enumerate(cells[:_HEADING_WITHIN]):
        places: dict[str, int] = {}
        for place, cell in enumerate(row):
            if (title := wanted.get(_folded(_text(cell)))) is not None:
                places.setdefault(title, place)
        if set(form.required) <= set(places):
            return index, places
        best = max(best, places, key=len)
    missing = ", ".join(f"«{title}»" for title in form.required if title not in best)
    raise DecisionWorkbookError(f"В книге решений {name} на листе «{sheet}» нет колонок: {missing}. {advice}")


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("ё", "е").split())


def _text(cell: Any) -> str:
    """A cell as a person sees it: a code is often a number, a document's date a date."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, date):
        return f"{cell:%d.%m.%Y}"
    return " ".join(str(cell).split())


def _main(path: Path, memory_mb: int, form: Form) -> None:
    limit = memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        sheet, rows = _read(path, form)
        answer: dict[str, Any] = {"sheet": sheet, "rows": rows}
    except DecisionWorkbookError as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), Form(**json.loads(sys.argv[3])))
