"""The report as one HTML page: nothing is fetched, nothing needs a script."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from ravenstvo.publishing.report.content import Picture, Raw, Report, Value
from ravenstvo.publishing.report.figures import COLOURS

_FOLDER = Path(__file__).parent
SYMBOLS = {"good": "✓", "warn": "!", "bad": "✗", "unknown": "?"}
"""Sign of each look of a word: a colour never stands alone."""


def render(report: Report, made_from: str) -> str:
    """The page. ``made_from`` is written into its head: which data and which program it was made from."""
    return str(
        _template().render(
            report=report,
            made_from=made_from,
            style=_read("report.css"),
            script=_read("report.js"),
            script_hash=script_hash(),
            symbols=SYMBOLS,
            colours=COLOURS,
        )
    )


@cache
def script_hash() -> str:
    """Fingerprint of the page's one script, by which a policy lets it run and no other."""
    return base64.b64encode(hashlib.sha256(_read("report.js").encode()).digest()).decode()


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape

    def drawn(picture: Picture, number: str) -> Any:
        """A drawing that says to assistive tools what it shows."""
        head, _, body = picture.svg.partition(">")
        # Names inside a drawing must be its own on a page with several.
        body = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{number}-", body)
        told = Markup('<title id="{0}-t">{1}</title><desc id="{0}-d">{2}</desc>').format(
            number, picture.title, picture.alt
        )
        opening = f'{head} role="img" aria-labelledby="{number}-t {number}-d">'
        return Markup(opening) + told + Markup(body)

    def attributes(value: Value) -> Any:
        """What the mart holds and where, as attributes of ``<data>``."""
        given = {
            "value": _raw(value.raw),
            "data-figure": value.name,
            "data-mart": value.mart,
            "data-column": value.column,
            "data-key": value.key,
        }
        return Markup(" ").join(
            Markup('{}="{}"').format(name, text) for name, text in given.items() if text or name == "value"
        )

    def css_string(text: str) -> Any:
        """A string of a style sheet; what could end it is written as a code."""
        return escape('"' + re.sub(r'["\\\n<>&;{}]', lambda found: f"\\{ord(found[0]):x} ", text) + '"')

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"drawn": drawn, "attributes": attributes, "css_string": css_string}
    environment.tests["number"] = lambda part: isinstance(part, Value)
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment.get_template("report.html.j2")


def _raw(value: Raw) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
