"""What senders are told of their files: a workbook and a letter for each, and an index of whom to send what."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ravenstvo.fingerprints import digest
from ravenstvo.publishing.senders.book import shown, write_book
from ravenstvo.publishing.senders.collect import Report, collect
from ravenstvo.publishing.senders.letter import Letter, letter
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

NO_YEAR = "без года"
FOLDER = "errors"
INDEX = "index.html"
_STATE = ".state.json"
_WORKBOOK, _LETTER = " — замечания.xlsx", " — письмо.txt"
_UNSAFE = re.compile(r"[\\/:*?\"<>|\x00-\x1f\x7f]+")
_NAME_LENGTH = 80

__all__ = ["FOLDER", "INDEX", "NO_YEAR", "Told", "letters", "told", "write_reports"]


@dataclass(frozen=True)
class Told:
    """What a sender was told about a year: counts, and the name of the workbook in the year's folder."""

    sender: str
    mail: str
    workbook: str
    letter: str
    subject: str
    n_files: int
    n_accepted: int
    n_rejected: int
    n_warned: int
    n_remarks: int
    digest: str


def write_reports(settings: Settings, campaign: int | None = None) -> list[Path]:
    """Bring the workbooks and letters of all senders up to date with what the warehouse says.

    Args:
        settings: where the warehouse and the reports are.
        campaign: the year that files without a year are told about; without it the latest year of a file.

    Returns:
        Workbooks that were written. One about which nothing has changed is left alone; one whose sender has nothing to
        correct any more is removed.
    """
    with connect(settings) as connection, connection.cursor() as cursor:
        campaign = campaign or _latest(cursor)
        reports = collect(cursor, campaign)
    by_folder: dict[Path, list[Report]] = {folder: [] for folder in settings.reports_dir.glob(f"*/{FOLDER}")}
    for report in reports:
        by_folder.setdefault(settings.reports_dir / str(report.year or NO_YEAR) / FOLDER, []).append(report)
    written: list[Path] = []
    for folder, of_year in sorted(by_folder.items()):
        written += _write_year(settings, folder, of_year)
    return written


def told(settings: Settings, year: int | None) -> list[Told]:
    """What the senders were told about a year when that was last written."""
    state = settings.reports_dir / str(year or NO_YEAR) / FOLDER / _STATE
    if not state.exists():
        return []
    return [Told(**one) for one in json.loads(state.read_text(encoding="utf-8"))]


def letters(settings: Settings, year: int | None) -> list[Letter]:
    """The e-mails of a year, as they were last written: to whom, subject, text, and the workbook to attach."""
    folder = settings.reports_dir / str(year or NO_YEAR) / FOLDER
    return [
        Letter(one.mail, one.subject, _body(folder / one.letter), folder / one.workbook) for one in told(settings, year)
    ]


def _body(path: Path) -> str:
    """The text of a letter, without the heading above it."""
    return path.read_text(encoding="utf-8").partition("\n\n")[2]


def _latest(cursor: Any) -> int | None:
    cursor.execute("select max(year) from ops.source_part where status = 'landed'")
    row = cursor.fetchone()
    return row[0] if row else None


def _write_year(settings: Settings, folder: Path, reports: list[Report]) -> list[Path]:
    state = folder / _STATE
    past = {one["workbook"]: one["digest"] for one in json.loads(state.read_text("utf-8"))} if state.exists() else {}
    made, written = [], []
    names = _names(reports)
    for report in reports:
        target = folder / f"{names[id(report)]}{_WORKBOOK}"
        mail = letter(report, target, settings.reports_contact, settings.corrections_until)
        text = target.with_name(f"{names[id(report)]}{_LETTER}")
        one = Told(
            shown(report.sender.title),
            mail.to,
            target.name,
            text.name,
            mail.subject,
            len(report.files),
            report.n_accepted,
            report.n_rejected,
            report.n_warned,
            len(report.remarks),
            _digest(report, mail),
        )
        made.append(one)
        if past.get(target.name) == one.digest and target.exists() and text.exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        seeds = settings.project_root / "dbt_project" / "seeds"
        write_book(target, report, seeds, datetime.now(UTC).replace(tzinfo=None))
        head = [f"Кому: {mail.to}"] if mail.to else []
        head += [f"Тема: {mail.subject}", f"Приложить: {target.name}"]
        text.write_text("\n".join(head) + "\n\n" + mail.body, encoding="utf-8")
        written.append(target)
    _remove_past(folder, {name for one in made for name in (one.workbook, one.letter)})
    if made:
        state.write_text(json.dumps([asdict(one) for one in made], ensure_ascii=False), encoding="utf-8")
        (folder / INDEX).write_text(_index(made, reports[0].year), encoding="utf-8")
    return written


def _names(reports: Iterable[Report]) -> dict[int, str]:
    """A file name for each sender: safe, short, and no two alike where names fold into one."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for report in reports:
        base = " ".join(_UNSAFE.sub(" ", shown(report.sender.title)).split()).strip(" .")[:_NAME_LENGTH].strip(" .")
        base = base or "Отправитель"
        name, number = base, 1
        while name.lower() in taken:
            number += 1
            name = f"{base} ({number})"
        taken.add(name.lower())
        names[id(report)] = name
    return names


def _digest(report: Report, mail: Letter) -> str:
    """Changes when the workbook or the letter would."""
    said: list[Any] = [mail.subject, mail.body, report.n_unlisted, report.remarks, report.findings]
    said += [(one.key, sorted(one.values.items())) for one in report.rejected.values()]
    return digest(map(repr, [*said, sorted((path, repr(one)) for path, one in report.files.items())]))


def _remove_past(folder: Path, names: set[str]) -> None:
    """Remove what says of a sender what is no longer so; the folder itself when nothing is left to say."""
    for path in folder.glob("*"):
        if path.name.endswith((_WORKBOOK, _LETTER)) and path.name not in names:
            path.unlink()
    if not names and folder.exists():
        (folder / INDEX).unlink(missing_ok=True)
        (folder / _STATE).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()


def _index(made: list[Told], year: int | None) -> str:
    """A page of whom to send what."""
    title = f"Кому отправить замечания, {year} год" if year else "Кому отправить замечания"
    rows = "".join(
        f"<tr><td>{html.escape(one.sender)}</td><td>{html.escape(one.mail)}</td><td class=n>{one.n_files}</td>"
        f"<td class=n>{one.n_rejected}</td><td class=n>{one.n_warned}</td>"
        f'<td><a href="{quote(one.workbook)}">книга</a></td><td><a href="{quote(one.letter)}">письмо</a></td></tr>\n'
        for one in sorted(made, key=lambda one: (-one.n_rejected, one.sender))
    )
    return _PAGE.format(title=html.escape(title), rows=rows)


_PAGE = """<!DOCTYPE html>
<html lang="ru"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 16px/1.5 "Segoe UI", "DejaVu Sans", Arial, sans-serif; color: #1c2733; margin: 0 auto; padding: 20px 28px;
  max-width: 1000px; }}
table {{ border-collapse: collapse; width: 100%; }} th, td {{ padding: 6px 12px 6px 0; text-align: left;
  border-bottom: 1px solid #d5dbe3; vertical-align: top; overflow-wrap: anywhere; }} .n {{ text-align: right; }}
a {{ color: #0b5cad; }}
</style></head><body><h1>{title}</h1>
<p>Каждому — письмо и книга: в ней исправляют строки и присылают её же обратно. Полученные книги положите в папку с
файлами и запустите расчёт.</p>
<table><thead><tr><th>Отправитель</th><th>Почта</th><th class=n>Файлов</th><th class=n>Отклонено строк</th>
<th class=n>С предупреждением</th><th></th><th></th></tr></thead><tbody>
{rows}</tbody></table></body></html>
"""
