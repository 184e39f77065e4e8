"""The files of ``include/bi``: read, checked, and written back only where what they say has changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ravenstvo.publishing.bi import charts, dashboards, style
from ravenstvo.publishing.bi.charts import Chart, Document, DocumentError
from ravenstvo.publishing.bi.dashboards import Dashboard
from ravenstvo.publishing.bi.links import Link
from ravenstvo.publishing.dictionary import Mart

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_CYRILLIC = "а б в г д е ё ж з и й к л м н о п р с т у ф х ц ч ш щ ъ ы ь э ю я"
_LATIN = "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya"
_LETTERS = dict(zip(_CYRILLIC.split(), _LATIN.split(), strict=True))


@dataclass(frozen=True)
class Documents:
    """Charts and dashboards of the folder by the names of their files, and the look that the dashboards share."""

    charts: dict[str, Chart]
    dashboards: dict[str, Dashboard]
    style: str = ""


def read(folder: Path) -> Documents:
    """All charts and dashboards of ``include/bi``. Raises DocumentError for what is no document."""
    return Documents(
        charts={name: Chart(name, document) for name, document in _documents(folder, "charts")},
        dashboards={name: Dashboard(name, document) for name, document in _documents(folder, "dashboards")},
        style=style.read(folder),
    )


def check(documents: Documents, marts: dict[str, Mart], links: tuple[Link, ...]) -> None:
    """Raise DocumentError with everything that is wrong, a line each: file, key, what is missing."""
    wrong = []
    for chart in documents.charts.values():
        wrong += _wrong(charts.check, chart, marts, links)
    for dashboard in documents.dashboards.values():
        wrong += _wrong(dashboards.check, dashboard, documents.charts, marts)
    wrong += _twice([*documents.charts.values(), *documents.dashboards.values()])
    if wrong:
        hint = "Если программа обновлена после последнего расчёта, сначала «ravenstvo run»: названия берутся из него."
        raise DocumentError("\n".join(["в папке include/bi:", *wrong, hint]))


def write(path: Path, document: Document, keys: tuple[str, ...]) -> None:
    """Write a document: its own keys in the order of ``keys``, those below as the file that it replaces had them."""
    old = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    ordered = {key: _ordered(document[key], old.get(key)) for key in keys if key in document}
    text = yaml.dump(ordered, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)
    path.write_text(text, encoding="utf-8")


def latin(title: str) -> str:
    """A file's name for a Russian title: letters, digits and hyphens, at most 60."""
    letters = "".join(_LETTERS.get(letter, letter) for letter in title.lower()).replace("_", "")
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60].strip("-") or "bez-nazvaniya"


def _documents(folder: Path, kind: str) -> Iterable[tuple[str, Document]]:
    for path in sorted((folder / kind).glob("*.y*ml")):
        file = f"{kind}/{path.name}"
        if path.suffix != ".yaml" or not _NAME.fullmatch(path.stem):
            raise DocumentError(f"{file}: имя файла — латинские буквы, цифры и дефис, расширение .yaml")
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise DocumentError(f"{file}: не читается как YAML: {error}") from error
        if not isinstance(document, dict):
            raise DocumentError(f"{file}: нужны пары «ключ: значение»")
        yield path.stem, document


def _wrong(checked: Any, *arguments: Any) -> list[str]:
    try:
        checked(*arguments)
    except DocumentError as error:
        return [str(error)]
    return []


def _twice(assets: list[Chart | Dashboard]) -> list[str]:
    files: dict[str, str] = {}
    return [
        f"{asset.file}: тот же uuid, что и в {files[asset.uuid]}"
        for asset in assets
        if files.setdefault(asset.uuid, asset.file) != asset.file
    ]


def _ordered(new: Any, old: Any) -> Any:
    """Mappings in the order of keys that the file had, new keys after them: a change shows as that change only."""
    if isinstance(new, dict):
        known = old if isinstance(old, dict) else {}
        order = [key for key in known if key in new] + sorted((key for key in new if key not in known), key=str)
        return {key: _ordered(new[key], known.get(key)) for key in order}
    if isinstance(new, list):
        pairs = old if isinstance(old, list) else []
        return [_ordered(value, pairs[number] if number < len(pairs) else None) for number, value in enumerate(new)]
    return new


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key; texts of several lines are written as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
