"""The e-mail that goes with a sender's workbook: subject, text, attachment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ravenstvo.publishing.senders.collect import ERROR, WARNING, Report
from ravenstvo.publishing.senders.who import load_rules
from ravenstvo.words import counted

_TOP = 5
_SUBJECT_LENGTH = 120


@dataclass(frozen=True)
class Letter:
    """An e-mail to a sender. ``to`` is blank where the registers give no address."""

    to: str
    subject: str
    body: str
    attachment: Path


def letter(report: Report, workbook: Path, contact: str | None, deadline: date | None) -> Letter:
    """The e-mail to a sender.

    Args:
        report: what the sender is told.
        workbook: the attachment.
        contact: whom to ask, in the words of the centre.
        deadline: until when the corrections are waited for.
    """
    title = " ".join(report.sender.title.split())
    of_year = f" за {report.year} год" if report.year else ""
    subject = f"{_asked(report)}{of_year}: {title}"
    return Letter(
        report.sender.mail,
        subject if len(subject) <= _SUBJECT_LENGTH else f"{subject[: _SUBJECT_LENGTH - 1]}…",
        "\n".join(_body(report, title, of_year, workbook, contact, deadline)) + "\n",
        workbook,
    )


def _asked(report: Report) -> str:
    if any(one.kind != WARNING for one in report.remarks):
        return "Исправьте сведения"
    return "Проверьте сведения"


def _body(
    report: Report, title: str, of_year: str, workbook: Path, contact: str | None, deadline: date | None
) -> Iterator[str]:
    yield load_rules().greetings[report.sender.kind].format(title=title)
    yield ""
    yield f"Мы проверили сведения{of_year}, которые от вас пришли. {about(report)}"
    yield ""
    pressing = [one for one in report.remarks if one.kind != WARNING]
    if pressing:
        yield "Что исправить в первую очередь:"
    else:
        yield "Что проверить:"
    told = pressing or report.remarks
    for number, remark in enumerate(told[:_TOP], start=1):
        rows = f" — {counted(remark.n_rows, 'строка', 'строки', 'строк')}" if remark.n_rows else f" — {remark.where}"
        yield f"{number}. {remark.what.rstrip('.')}{rows}. {remark.advice}".rstrip()
    if len(told) > _TOP:
        yield f"Всего разных замечаний: {len(told)}, все — в книге."
    yield ""
    yield from _how(report, workbook)
    if deadline is not None:
        yield f"Ждём исправления до {deadline:%d.%m.%Y}."
    if contact:
        yield f"Вопросы: {contact}."


def _how(report: Report, workbook: Path) -> Iterator[str]:
    if report.rejected:
        yield (
            f"Как исправить: откройте приложенную книгу «{workbook.name}», исправьте выделенные ячейки на листах после "
            "листа «Что исправить» и пришлите нам эту же книгу. Исправленные строки встанут на место отклонённых; весь "
            "файл заново присылать не нужно."
        )
        if report.has_people:
            yield "СНИЛС, имён и документов в книге нет. Если вписываете их, пересылайте её по защищённому каналу."
    else:
        yield f"Подробно — в приложенной книге «{workbook.name}»."
    if any(one.kind == ERROR for one in report.remarks):
        yield "Файлы, которые не загрузились, исправьте и пришлите целиком."
    if not any(one.kind != WARNING for one in report.remarks):
        yield "Эти строки приняты: если всё верно, ничего присылать не нужно."


def about(report: Report) -> str:
    """What came of a sender and what became of it, in numbers."""
    files = list(report.files.values())
    said = [f"Файлов с замечаниями: {len(files)}."]
    if any(one.n_accepted or one.n_rejected for one in files):
        rejected = counted(report.n_rejected, "строка", "строки", "строк")
        said.append(f"В них ваших строк принято: {report.n_accepted} (с предупреждением: {report.n_warned}),")
        said.append(f"отклонено: {rejected}.")
        if report.n_rejected:
            said.append("Отклонённые строки в показатели не входят, пока не исправлены.")
    n_refused = sum(one.kind == ERROR for one in report.remarks)
    if n_refused:
        said.append(f"Не загружено: {counted(n_refused, 'замечание', 'замечания', 'замечаний')} к файлам в целом.")
    return " ".join(said)
