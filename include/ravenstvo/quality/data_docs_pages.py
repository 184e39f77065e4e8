"""Great Expectations' pages made to work without the internet, and an index that needs no script.

The pages as generated load styles and scripts from six public servers: behind a closed network they are bare and the
index is empty, and in front of an open one every reader's visit is told to strangers.
"""

from __future__ import annotations

import html
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

STYLE = """
body { font: 15px/1.45 "Segoe UI", "DejaVu Sans", Arial, sans-serif; color: #1c2733; margin: 0 auto; padding: 16px 24px;
  max-width: 1180px; }
a { color: #1d5fa8; } h1 { font-size: 24px; } h5, h6 { font-size: 16px; margin: 8px 0; }
nav.navbar { border-bottom: 1px solid #d5dbe3; margin-bottom: 16px; } ol.breadcrumb { list-style: none; padding: 0; }
ol.breadcrumb li { display: inline; } ol.breadcrumb li + li::before { content: " / "; }
table { border-collapse: collapse; width: 100%; margin: 8px 0 20px; }
th, td { border: 1px solid #d5dbe3; padding: 6px 10px; text-align: left; vertical-align: top; }
th { background: #eef2f7; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
.fa-check-circle::before { content: "✓"; } .fa-times::before { content: "✗"; }
.fa-exclamation-triangle::before { content: "!"; } i.fas { font-style: normal; font-weight: bold; }
.text-success, .good { color: #1d7a3d; } .text-danger, .bad { color: #b3261e; } .warned { color: #8a5a00; }
.card:has(.btn-group-toggle), .popover, .cooltip .top { display: none; } .sticky { position: static; }
"""

_FROM_ELSEWHERE = [
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"<script\b.*?</script>",
        r"<link\b[^>]*>",
        r"<img\b[^>]*https?://[^>]*>",
        r"<source\b[^>]*https?://[^>]*>",
        r"<footer>.*?</footer>",
        r"background:\s*url\('https?://[^;]*;",
    )
]


@dataclass(frozen=True)
class IndexLine:
    """One source of the index. ``validated_at`` is null for a source that was never validated."""

    title: str
    suite_page: Path
    result_page: Path | None
    validated_at: datetime | None
    n_checked: int
    n_expectations: int
    n_failed_critical: int
    n_failed_warning: int


def localise(folder: Path) -> None:
    """Take everything that comes from elsewhere out of the pages and give them a style of their own."""
    shutil.rmtree(folder / "static", ignore_errors=True)
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for pattern in _FROM_ELSEWHERE:
            text = pattern.sub("", text)
        page.write_text(text.replace("</head>", f"<style>{STYLE}</style></head>", 1), encoding="utf-8")


def write_index(folder: Path, lines: list[IndexLine]) -> Path:
    """Write ``index.html``: every source, when it was validated last and what was found."""
    head = "".join(
        f"<th>{title}</th>"
        for title in ("Сведения", "Проверено", "Записей", "Ожиданий", "Нарушено критических", "Нарушено прочих", "")
    )
    body = "".join(_line(folder, line) for line in lines)
    page = (
        '<!DOCTYPE html><html lang="ru"><head><meta charset="utf-8"><title>Проверка данных</title>'
        f"<style>{STYLE}</style></head><body><h1>Проверка данных</h1>"
        "<p>Последняя проверка каждого вида сведений. Записи, нарушившие критическое ожидание, отклонены; нарушившие "
        "прочие — приняты с предупреждением. Сами строки — в книгах с замечаниями.</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></body></html>"
    )
    index = folder / "index.html"
    index.write_text(page, encoding="utf-8")
    return index


def _line(folder: Path, line: IndexLine) -> str:
    def link(page: Path, text: str) -> str:
        return f'<a href="{html.escape(page.relative_to(folder).as_posix())}">{html.escape(text)}</a>'

    if line.result_page is None or line.validated_at is None:
        cells = f'<td colspan="5">ещё не проверялось</td><td>{link(line.suite_page, "ожидания")}</td>'
    else:
        cells = (
            f"<td>{line.validated_at:%d.%m.%Y %H:%M} UTC</td>"
            f'<td class="number">{line.n_checked}</td><td class="number">{line.n_expectations}</td>'
            f'<td class="number {"bad" if line.n_failed_critical else "good"}">{line.n_failed_critical}</td>'
            f'<td class="number {"warned" if line.n_failed_warning else "good"}">{line.n_failed_warning}</td>'
            f"<td>{link(line.result_page, 'итоги')}, {link(line.suite_page, 'ожидания')}</td>"
        )
    return f"<tr><td>{html.escape(line.title)}</td>{cells}</tr>"
