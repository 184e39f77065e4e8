"""Write reports to their places, whole or not at all; know which are out of date."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from ravenstvo.fingerprints import files_digest
from ravenstvo.publishing.report.gathering import gather
from ravenstvo.publishing.report.page import render
from ravenstvo.publishing.report.pdf import render_pdf
from ravenstvo.publishing.report.reader import Reader, reading
from ravenstvo.settings import Settings

_MADE_FROM = re.compile(r'<meta name="ravenstvo-made-from" content="([^"]*)">')
# What is read of a page to learn what it was made from.
_HEAD = 2_000


class Written(NamedTuple):
    """The two files of a report."""

    page: Path
    pdf: Path


def write_report(settings: Settings, year: int, folder: Path | None = None) -> Written:
    """Write ``report.html`` and ``report.pdf`` of a year to a folder, by default the year's own.

    A year of which the warehouse knows nothing gets a report that says so.

    Raises ReportError before the first calculation.
    """
    with reading(settings, year) as reader:
        return _write(reader, folder or settings.report_file(year).parent)


def publish_reports(settings: Settings, campaign: int) -> list[Path]:
    """Write what is owed: the report of the campaign year, and those that no longer tell what the marts hold.

    Returns the pages written; none when all are up to date.
    """
    years = {campaign} | {
        int(page.parent.name)
        for page in settings.reports_dir.glob("*/report.html")
        if re.fullmatch(r"\d{4}", page.parent.name)
    }
    written = []
    for year in sorted(years):
        with reading(settings, year) as reader:
            page = settings.report_file(year)
            if not page.with_suffix(".pdf").exists() or _written_from(page) != made_from(reader):
                written.append(_write(reader, page.parent).page)
    return written


def made_from(reader: Reader) -> str:
    """What a report rests on: calculation, approval, program."""
    publication = reader.publication.publication_id if reader.publication else "-"
    program = files_digest(Path(__file__).parent, ["**/*.py", "report.*"])[:16]
    return f"{reader.calculation_id or '-'} {publication} {program}"


def _written_from(page: Path) -> str | None:
    if not page.exists():
        return None
    with page.open(encoding="utf-8") as file:
        found = _MADE_FROM.search(file.read(_HEAD))
    return found[1] if found else None


def _write(reader: Reader, folder: Path) -> Written:
    report = gather(reader)
    folder.mkdir(parents=True, exist_ok=True)
    written = Written(folder / "report.html", folder / "report.pdf")
    # The page comes last: it is what says that both are up to date.
    _replace(written.pdf, render_pdf(report))
    _replace(written.page, render(report, made_from(reader)).encode())
    return written


def _replace(target: Path, content: bytes) -> None:
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
