"""A message in words, as a letter (text and HTML) and as a line for a chat."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_SUBJECT_LENGTH = 140
# СНИЛС, documents, telephone numbers: nothing that a person is known by leaves the house in a system's own words.
_LONG_NUMBER = re.compile(r"\d(?:[\s-]?\d){8,}")
# What a database quotes of a row.
_QUOTED = re.compile(r'"[^"]*"')
_LINE_LENGTH = 600


@dataclass(frozen=True)
class Part:
    """A heading and what stands under it, an item a line."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Paper:
    """What is told. ``lead`` stands above and is all that a chat gets: counts, no names of files."""

    subject: str
    lead: tuple[str, ...]
    parts: tuple[Part, ...] = ()

    def text(self) -> str:
        """The letter as plain text."""
        said = ["\n".join(self.lead)]
        said += ["\n".join([f"{part.title}:", *(f"  • {line}" for line in part.lines)]) for part in self.parts]
        return "\n\n".join(said) + "\n"

    def html(self) -> str:
        """The letter as HTML without anything that is fetched from elsewhere."""
        lead = "".join(f"<p>{html.escape(line)}</p>" for line in self.lead)
        parts = "".join(
            f"<h2>{html.escape(part.title)}</h2><ul>"
            + "".join(f"<li>{html.escape(line)}</li>" for line in part.lines)
            + "</ul>"
            for part in self.parts
        )
        return _PAGE.format(title=html.escape(self.subject), lead=lead, parts=parts)

    def brief(self) -> str:
        """What a chat gets below the subject."""
        return "\n".join(self.lead)


def subject(text: str) -> str:
    """A subject on one line and not too long; every one begins alike, so that a mail program can sort them."""
    line = f"Равенство: {' '.join(text.split())}"
    return line if len(line) <= _SUBJECT_LENGTH else f"{line[: _SUBJECT_LENGTH - 1]}…"


def clean(text: str) -> str:
    """Words of a system without long numbers and quoted values, on one line, shortened."""
    line = _QUOTED.sub('"…"', _LONG_NUMBER.sub("…", " ".join(text.split())))
    return line if len(line) <= _LINE_LENGTH else f"{line[: _LINE_LENGTH - 1]}…"


def listed(lines: list[str], most: int) -> tuple[str, ...]:
    """The first lines, and how many more there are."""
    return (*lines[:most], *([f"… и ещё {len(lines) - most}"] if len(lines) > most else []))


_PAGE = """<!DOCTYPE html>
<html lang="ru"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
</head><body style="margin:0;padding:24px;background:#f4f6f8">
<div style="max-width:680px;margin:0 auto;padding:24px 28px;background:#ffffff;border:1px solid #d5dbe3;
font:16px/1.5 'Segoe UI','DejaVu Sans',Arial,sans-serif;color:#1c2733;overflow-wrap:anywhere">
<style>h1 {{ font-size:20px; line-height:1.3; margin:0 0 12px }} h2 {{ font-size:16px; margin:20px 0 6px }}
p {{ margin:0 0 8px }} ul {{ margin:0; padding-left:20px }} li {{ margin:0 0 6px }}</style>
<h1>{title}</h1>{lead}{parts}</div></body></html>
"""
