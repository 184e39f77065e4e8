"""What titles, sheet names, file names and folders say of a sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import yaml

from ravenstvo.intake.cells import clean, iso_date
from ravenstvo.layouts import FOLDER, normalise_header
from ravenstvo.reference import subject_by_code, subject_of, subject_within
from ravenstvo.sources import Source

Facts = dict[str, str]
FACT_TITLES = {
    "year": "год",
    "grade": "класс",
    "subject": "предмет",
    "subject_code": "код предмета",
    "exam": "экзамен",
    "exam_date": "дата экзамена",
    "wave": "период",
    "declared_participants": "заявлено участников",
}
"""What the facts are called for people."""
# «Ф1 Математика 5 2023»: the grade stands right after the subject.
_GRADE_AFTER = r"[\s,(\-]*(\d{1,2})(?![\d.])"
_ORDER = ("title", "sheet", "file", "folder")


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / "facts" / "common.yml").read_text(encoding="utf-8"))
    for rule in document["patterns"]:
        rule["compiled"] = re.compile(rule["pattern"], re.IGNORECASE)
    document["words"] = {
        fact: {value: re.compile(pattern, re.IGNORECASE) for value, pattern in values.items()}
        for fact, values in document["words"].items()
    }
    return document


def title_texts(rows: Iterable[Sequence[Any]]) -> list[str]:
    """Texts of title rows: each filled cell, and the row as a whole with its cells joined by `` | ``."""
    texts = []
    for row in rows:
        filled = [text for text in map(clean, row) if text]
        texts += filled
        if len(filled) > 1:
            texts.append(" | ".join(filled))
    return texts


def _accept(fact: str, text: str) -> str | None:
    text = " ".join(text.split())
    if fact == "subject":
        return text if subject_of(text) else None
    if fact == "exam_date":
        return iso_date(text)
    if fact in ("grade", "subject_code"):
        return str(int(text)) if fact == "subject_code" or 1 <= int(text) <= 12 else None
    return text


def _match(texts: Sequence[str], where: str, facts: Facts) -> None:
    for rule in _document()["patterns"]:
        if where not in rule["where"]:
            continue
        for text in texts:
            match = rule["compiled"].search(text)
            if not match:
                continue
            found = {name: value for name, value in match.groupdict().items() if value}
            accepted = {name: _accept(name, value) for name, value in found.items()}
            if where == "title" or all(accepted.values()):
                for name, value in accepted.items():
                    if value:
                        facts.setdefault(name, value)
                break
    for text in texts:
        if "subject" not in facts and (subject := subject_within(text)):
            facts["subject"] = subject
            after = re.search(re.escape(subject) + _GRADE_AFTER, normalise_header(text))
            if after and (grade := _accept("grade", after[1])):
                facts.setdefault("grade", grade)


def gather(titles: Sequence[str], sheet: str, path: str) -> Facts:
    """Facts of a sheet or of one exam block of it.

    Args:
        titles: texts above the header.
        sheet: name of the sheet.
        path: path of the file inside the inbox, with ``/``; an archive member follows its archive.

    Returns:
        year, grade, subject, subject_code, exam_date, wave, exam, declared_participants — those that were found.
    """
    pure = PurePosixPath(path)
    texts = {
        "title": list(titles),
        "sheet": [sheet.rpartition(" · ")[2].replace("_", " ")],
        "file": [pure.stem.replace("_", " ")],
        "folder": [part.replace("_", " ") for part in reversed(pure.parts[:-1])],
    }
    facts: Facts = {}
    for where in _ORDER:
        _match(texts[where], where, facts)
    if "exam_date" in facts:
        # The day of an exam names its year better than a folder does.
        facts["year"] = facts["exam_date"][:4]
    for fact, values in _document()["words"].items():
        for where in _ORDER:
            hit = next((value for value, pattern in values.items() if any(map(pattern.search, texts[where]))), None)
            if hit and fact not in facts:
                facts[fact] = hit
    for fact, value in _document()["defaults"].items():
        facts.setdefault(fact, value)
    return facts


def keep_relevant(facts: Facts, source: Source) -> Facts:
    """Leave out what a source has no column for: a year in a register's name does not make it wait for that year.

    A subject in a title is one of all the rows only where contents are told apart by it, not where teachers have one.
    """
    kept = {*source.column_names, "exam", "declared_participants"}
    if "subject" not in source.content:
        kept.discard("subject")
    return {name: value for name, value in facts.items() if name in kept}


def complete_subject(facts: Facts, exam: str | None) -> None:
    """Fill in the subject from its code, once the exam is known; ``exam_label`` joins both for the layouts."""
    code = facts.get("subject_code", "")
    if "subject" not in facts and code and exam and (title := subject_by_code(exam, code)):
        facts["subject"] = title
    facts["exam_label"] = f"{code} {facts.get('subject', '')}".strip().lower()
