"""Propose a layout document for a sheet that no known form fits: what is sure, what is not, what is not known at all.

Headers are compared with every spelling that the documents of ``layouts/`` and ``sources/`` hold; what the cells under
a header look like (dates, whole numbers, logins) speaks for or against a match. Values of cells are never told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml
from rapidfuzz import fuzz, process

from ravenstvo.intake.cells import a_date, clean, iso_date
from ravenstvo.intake.facts import Facts
from ravenstvo.intake.recognise import HEADER_WITHIN, Header, Row, column_letter, lay
from ravenstvo.layouts import (
    FOLDER,
    Layout,
    check,
    given,
    load_layouts,
    normalise_header,
)
from ravenstvo.sources import Source, load_sources

SURE, UNSURE = 95, 64
"""From how many points of 100 a match is sure, and from how many it is proposed at all."""
_ROWS_LOOKED_AT = 500
_COLUMNS_LOOKED_AT = 400
_TITLE_POINTS = 98
_PATTERN_POINTS = 97
_OTHER_SOURCE_POINTS = 96
_WORDS_POINTS = 94
_LOGIN_POINTS = 75
_CONTAINED_POINTS = 78
_LETTERS = 0.1
_STEM, _BEGIN = 5, 2
_KIND_POINTS = 15
_ITEMS_AT_LEAST = 3
_HEADER_LETTERS = 0.5
_ENOUGH = 0.25
_OTHERS_NAMED = 2
_LOGIN = re.compile(r"[a-z]{2,8}\d{3,}\Z")
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_PERSONAL = re.compile(r"\b(фио|фамили|имя\b|отчеств|снилс|паспорт|телефон|e-?mail|почт|дата рождения|документ)")
# Without nested repetition: a header may be long, and of nothing but digits.
_ITEM = re.compile(
    r"(?P<before>\D{0,40}?)(?P<label>\d[\dа-яёa-z]*(?:[.\-_][\dа-яёa-z]+)*)(?P<after>[^\w.\-].{0,20})?\Z"
)
_PLACED_BY_SHEET = ("name", "source", "title", "header_rows", "columns", "items", "ignore", "absent", "repeated")


@dataclass(frozen=True)
class Profile:
    """What the cells under one header look like; shares are of the filled cells."""

    n_rows: int
    n_filled: int
    n_distinct: int
    numbers: float
    whole: float
    dates: float
    logins: float

    def told(self) -> str:
        """In a few Russian words, without a single value."""
        if not self.n_filled:
            return "пусто"
        kind = next(
            (
                word
                for word, share in (("даты", self.dates), ("логины", self.logins), ("целые числа", self.whole))
                if share > _HEADER_LETTERS
            ),
            "числа" if self.numbers > _HEADER_LETTERS else "текст",
        )
        blank = round(100 * (self.n_rows - self.n_filled) / self.n_rows)
        return f"{kind}, разных {self.n_distinct}" + (f", пустых {blank} %" if blank else "")


@dataclass(frozen=True)
class Match:
    """A header of the sheet and the canonical column that it is thought to be; ``nearest`` is the known spelling."""

    position: int
    header: str
    column: str
    points: float
    nearest: str


@dataclass
class Proposal:
    """A layout document as text, and what a person should look at in it."""

    name: str
    text: str
    header_row: int
    headers: tuple[str, ...]
    sure: list[Match] = field(default_factory=list)
    unsure: list[Match] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionary for JSON."""
        return {
            "name": self.name,
            "text": self.text,
            "header_row": self.header_row,
            "n_sure": len(self.sure),
            "n_unsure": len(self.unsure),
            "unknown": self.unknown,
            "notes": self.notes,
        }


@dataclass(frozen=True)
class _Head:
    """A candidate for the header of a sheet: ``texts`` by position, blank where there is none."""

    index: int
    n_rows: int
    texts: tuple[str, ...]

    @property
    def filled(self) -> list[int]:
        return [position for position, text in enumerate(self.texts) if text]


@dataclass(frozen=True)
class _Reading:
    """A header read as a form of one source."""

    source: Source
    base: Layout
    head: _Head
    profiles: dict[int, Profile]
    matches: tuple[Match, ...]
    items: tuple[int, ...]
    item_pattern: str | None
    dropped: tuple[int, ...]
    score: float


def propose(rows: Sequence[Row], facts: Facts, source: str | None = None) -> Proposal | None:
    """Propose a layout for a sheet.

    Args:
        rows: raw rows of the sheet.
        facts: what titles, file name and folders say; the year names the document.
        source: what the sheet is known to be; None: the likeliest.

    Returns:
        The proposal; None where no row looks like a header of anything known.
    """
    sources = [load_sources()[source]] if source else list(load_sources().values())
    readings = [
        reading
        for head in _heads(rows)
        for profiles in [_profiles(rows, head)]
        for one in sources
        if (reading := _read(head, profiles, one)) is not None
    ]
    if not readings:
        return None
    exam = facts.get("exam", "")
    best = max(readings, key=lambda one: (one.score, one.source.name.partition("_")[0] == exam, len(one.matches)))
    if best.score < _ENOUGH:
        return None
    return _write(best, readings, rows, facts)


def _heads(rows: Sequence[Row]) -> Iterable[_Head]:
    """Rows that could be a header: filled, and more words than numbers."""
    for index in range(min(HEADER_WITHIN, len(rows))):
        filled = [text for cell in rows[index][:_COLUMNS_LOOKED_AT] if (text := clean(cell))]
        lettered = sum(1 for text in filled if re.search(r"[^\W\d]", text))
        if len(filled) < 2 or lettered < _HEADER_LETTERS * len(filled):
            continue
        header = Header(rows, index)
        for n_rows in (1, 2):
            texts = tuple(text for _parent, _child, text, _name in header.cells(n_rows)[:_COLUMNS_LOOKED_AT])
            if sum(map(bool, texts)) > 1:
                yield _Head(index, n_rows, texts)


def _profiles(rows: Sequence[Row], head: _Head) -> dict[int, Profile]:
    first = head.index + head.n_rows
    data = rows[first : first + _ROWS_LOOKED_AT]
    return {
        position: _profile([row[position] if position < len(row) else "" for row in data]) for position in head.filled
    }


def _profile(cells: Sequence[Any]) -> Profile:
    filled = [text for cell in cells if (text := clean(cell))]
    n = len(filled) or 1
    return Profile(
        len(cells) or 1,
        len(filled),
        len(set(filled)),
        sum(1 for text in filled if _NUMBER.match(text)) / n,
        sum(1 for text in filled if text.isdigit()) / n,
        sum(1 for text in filled if a_date(iso_date(text)[:10])) / n,
        sum(1 for text in filled if _LOGIN.match(text.lower())) / n,
    )


# -- what is known -----------------------------------------------------------------------------------------------------


@cache
def _forms(source: str) -> tuple[Layout, ...]:
    return tuple(layout for layout in load_layouts().values() if layout.source == source and not layout.not_data)


@cache
def _vocabulary(source: str) -> tuple[list[str], list[tuple[str, float]]]:
    """Known spellings, and beside each the canonical column and the points that an exact match is worth."""
    spelled: dict[tuple[str, str], float] = {}
    known = load_sources()[source]
    columns = set(known.column_names) - known.made_columns
    forms = [layout for layout in load_layouts().values() if not layout.not_data]
    for layout in sorted(forms, key=lambda one: one.source != source):
        for text, names in layout.spellings.items():
            for column in names:
                if layout.source == source or column in columns:
                    spelled.setdefault((text, column), 100 if layout.source == source else _OTHER_SOURCE_POINTS)
    for said in known.columns:
        if said.name in columns:
            spelled.setdefault((normalise_header(said.title), said.name), _TITLE_POINTS)
    return [text for text, _column in spelled], [(column, points) for (_text, column), points in spelled.items()]


@cache
def _header_words() -> tuple[list[tuple[re.Pattern[str], str]], frozenset[str], frozenset[str]]:
    """Phrases with the word they mean, words that mean nothing, stems of words that alone do not name a column."""
    document = yaml.safe_load((FOLDER / "facts" / "header_words.yml").read_text(encoding="utf-8"))
    same = [(text, word) for word, texts in document["same"].items() for text in texts]
    general = frozenset(word[:_STEM] for word in document["general"])
    # The longest first: a phrase goes before a word of it.
    same.sort(key=lambda one: -len(one[0]))
    return [(re.compile(rf"\b{re.escape(text)}\b"), word) for text, word in same], frozenset(document["empty"]), general


@cache
def _begins(source: str) -> dict[str, set[int]]:
    """Beginning of a word → spellings of the vocabulary that have such a word."""
    index: dict[str, set[int]] = {}
    for at, spelling in enumerate(_vocabulary(source)[0]):
        for stem in _stems(spelling):
            index.setdefault(stem[:_BEGIN], set()).add(at)
    return index


def _bare(name: str) -> str:
    """A header without what stands in brackets: it explains, the name stands before it."""
    return re.sub(r"\(.*?\)", " ", name).strip() or name


@cache
def _stems(name: str) -> tuple[str, ...]:
    """Beginnings of the words of a normalised header, words of one meaning as one."""
    same, empty, _general = _header_words()
    name = _bare(name)
    for pattern, word in same:
        name = pattern.sub(word, name)
    words = [word for word in re.findall(r"[^\W_]+", name) if word not in empty]
    return tuple(dict.fromkeys(word[:_STEM] for word in words))


def _likeness(name: str, spelling: str) -> float:
    """How alike two headers are by their words, from 0 to 100; a word may be cut short («перв. балл»)."""
    left, right = _stems(name), _stems(spelling)
    if not left or not right:
        return 0
    common = sum(1 for one in left if any(one.startswith(two) or two.startswith(one) for two in right))
    alike = 200 * common / (len(left) + len(right))
    if common == len(right) and not set(right) <= _header_words()[2]:
        alike = max(alike, _CONTAINED_POINTS)
    # Letters tell apart spellings that share as many words.
    return (1 - _LETTERS) * alike + _LETTERS * fuzz.token_sort_ratio(_bare(name), spelling)


def _kind_points(column: str, source: Source, profile: Profile) -> float:
    """What the cells say: points against a column that they contradict."""
    if not profile.n_filled:
        return 0
    kind = {known.name: known.kind for known in source.columns}.get(column, "text")
    if column.endswith("_login"):
        return _KIND_POINTS / 3 if profile.logins > _HEADER_LETTERS else -_KIND_POINTS
    if kind == "date":
        return 0 if profile.dates > _HEADER_LETTERS else -_KIND_POINTS
    if kind in ("whole", "number", "year") or column.endswith(("_score", "mark")):
        return 0 if profile.numbers > _HEADER_LETTERS / 2 else -_KIND_POINTS
    return 0


# -- one header as one source ------------------------------------------------------------------------------------------


def _read(head: _Head, profiles: dict[int, Profile], source: Source) -> _Reading | None:
    forms = _forms(source.name)
    if not forms:
        return None
    candidates = [match for position in head.filled for match in _matches(head, position, profiles[position], source)]
    taken: dict[int, Match] = {}
    columns: set[str] = set()
    for match in sorted(candidates, key=lambda one: (-one.points, one.position)):
        if match.position not in taken and match.column not in columns:
            taken[match.position] = match
            columns.add(match.column)
    if not taken:
        return None
    base = max(forms, key=lambda form: (len(columns & set(form.columns)), -len(form.required - columns)))
    free = [position for position in head.filled if position not in taken]
    items, pattern = _items(head, free, forms)
    dropped = tuple(
        position
        for position in free
        if position not in items
        and any(ignored.match(normalise_header(head.texts[position])) for form in forms for ignored in form.ignored)
    )
    known = sum(match.points for match in taken.values()) / 100 + len(items) + len(dropped)
    missing = len(base.required - columns)
    score = known / (len(head.filled) + missing)
    return _Reading(source, base, head, profiles, tuple(taken.values()), items, pattern, dropped, score)


@cache
def _likely(name: str, source: str) -> tuple[tuple[str, float, str], ...]:
    """Canonical columns that a normalised header may mean by its words: column, points, nearest known spelling."""
    spellings, columns = _vocabulary(source)
    best: dict[str, tuple[float, str]] = {}
    for spelling, points, at in process.extract(name, spellings, scorer=fuzz.ratio, score_cutoff=UNSURE, limit=12):
        column, worth = columns[at]
        best[column] = max(best.get(column, (0, "")), (points * worth / 100, spelling))
    index = _begins(source)
    for at in {at for stem in _stems(name) for at in index.get(stem[:_BEGIN], ())}:
        column, worth = columns[at]
        points = _likeness(name, spellings[at]) * min(worth, _WORDS_POINTS) / 100
        if points >= UNSURE:
            best[column] = max(best.get(column, (0, "")), (points, spellings[at]))
    for form in _forms(source):
        for pattern, column in form.patterns:
            if pattern.search(name):
                best[column] = max(best.get(column, (0, "")), (_PATTERN_POINTS, pattern.pattern))
    return tuple((column, points, nearest) for column, (points, nearest) in best.items())


def _matches(head: _Head, position: int, profile: Profile, source: Source) -> Iterable[Match]:
    """Canonical columns that a header may mean, none below ``UNSURE``."""
    text = head.texts[position]
    likely = list(_likely(normalise_header(text), source.name))
    if profile.logins > _HEADER_LETTERS:
        by_values = (name for name in source.column_names if name.endswith("_login"))
        likely += [(column, _LOGIN_POINTS, "по значениям: логины") for column in by_values]
    best: dict[str, Match] = {}
    for column, points, nearest in likely:
        total = min(100.0, points + _kind_points(column, source, profile))
        if total >= UNSURE and (column not in best or best[column].points < total):
            best[column] = Match(position, text, column, total, nearest)
    return best.values()


def _items(head: _Head, free: Sequence[int], forms: Sequence[Layout]) -> tuple[tuple[int, ...], str | None]:
    """Columns of item scores: by a known pattern, or by a run of numbered headers of one make."""
    with_items = [form for form in forms if form.item_pattern]
    if not with_items:
        return (), None
    for form in with_items:
        assert form.item_pattern and form.items
        found = tuple(position for position in free if form.item_pattern.match(head.texts[position]))
        if len(found) >= _ITEMS_AT_LEAST:
            return found, form.items.pattern
    makes: Counter[tuple[str, str]] = Counter()
    made: dict[int, tuple[str, str]] = {}
    for position in free:
        if match := _ITEM.match(head.texts[position]):
            made[position] = (match["before"], re.sub(r"\d+", "#", match["after"] or ""))
            makes[made[position]] += 1
    if not makes:
        return (), None
    (before, after), n = makes.most_common(1)[0]
    if n < _ITEMS_AT_LEAST:
        return (), None
    end = re.escape(after).replace("\\#", r"\d+").replace("\\ ", " ")
    pattern = f"^{re.escape(before)}(?P<label>\\d\\S*?){end}$".replace("\\ ", " ")
    return tuple(position for position in free if re.match(pattern, head.texts[position])), pattern


# -- the document ------------------------------------------------------------------------------------------------------


def _write(reading: _Reading, readings: Sequence[_Reading], rows: Sequence[Row], facts: Facts) -> Proposal:
    head, base, source = reading.head, reading.base, reading.source
    year = facts.get("year", "")
    name = _free_name(f"{source.name}_{year}" if year else f"{source.name}_new")
    matches = sorted(reading.matches, key=lambda one: _source_order(one.column, source))
    placed = {match.position for match in matches} | set(reading.items)
    left = [position for position in head.filled if position not in placed]
    proposal = Proposal(name, "", head.index + 1, head.texts)
    for match in matches:
        (proposal.sure if match.points >= SURE else proposal.unsure).append(match)
    proposal.unknown = [
        f"{column_letter(position)}: {head.texts[position]}" for position in left if position not in reading.dropped
    ]
    carried = _carried(base, {match.column for match in matches})
    lacking = sorted(base.required - {match.column for match in matches})
    document = [
        "---",
        f"# Предложено по файлу: проверьте строки с «?» и список ignore. Шапка — строка {head.index + 1}.",
        f"# За образец взята форма «{base.title}» ({base.name}).",
        f"name: {name}",
        f"source: {source.name}",
        f"title: {_flow(f'{source.title}, форма {year}' if year else f'{source.title}, новая форма')}",
    ]
    if head.n_rows > 1:
        document.append(f"header_rows: {head.n_rows}")
    document.append("columns:")
    document += [_column_line(match, base, source) for match in matches]
    if reading.item_pattern:
        document.append(f"items: {{pattern: {_quoted(reading.item_pattern)}}}")
    document += _ignore_lines(left, reading)
    repeated = [text for text, n in Counter(map(normalise_header, filter(None, head.texts))).items() if n > 1]
    if repeated and any(normalise_header(match.header) in repeated for match in matches):
        document.append("repeated: ignore  # ? один и тот же заголовок стоит несколько раз: берётся первый")
    document += [f"{key}: {_flow(value)}" for key, value in carried.items()]
    so_far = Layout.model_validate(yaml.safe_load("\n".join(document)))
    if absent := [column for column in source.column_names if column not in given(so_far, source)]:
        document.append(f"absent: {_flow(absent)}")
    proposal.text = "\n".join(document) + "\n"
    proposal.notes = [
        *(
            f"Не найден обязательный столбец «{base.columns[column].header[0].lstrip('~^')}» ({column})"
            for column in lacking
        ),
        *_others(reading, readings),
        *_faults(proposal.text, rows, head, source),
    ]
    return proposal


def _source_order(column: str, source: Source) -> tuple[int, str]:
    """Place of a canonical column in its source; personal ones come last."""
    names = source.column_names
    return (names.index(column) if column in names else len(names), column)


def _free_name(name: str) -> str:
    taken, number, free = load_layouts(), 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _carried(base: Layout, columns: set[str]) -> dict[str, Any]:
    """What the new form takes over from the one it resembles."""
    carried = base.model_dump(mode="json", exclude_defaults=True, exclude=set(_PLACED_BY_SHEET) | {"unpivot", "when"})
    if "needs" in carried:
        carried["needs"] = [fact for fact in carried["needs"] if fact not in columns]
    for key in ("derived", "constants"):
        if key in carried:
            carried[key] = {name: value for name, value in carried[key].items() if name not in columns}
    if "attendance" in carried:
        parts = [part for part in carried["attendance"]["parts"] if part in columns]
        carried["attendance"] = {**carried["attendance"], "parts": parts} if parts else None
    return {key: value for key, value in carried.items() if value}


def _column_line(match: Match, base: Layout, source: Source) -> str:
    """One line of ``columns``; what was not sure is marked with a question."""
    mapped: dict[str, Any] = {"header": [match.header]}
    like = base.columns.get(match.column) or next(
        (form.columns[match.column] for form in _forms(source.name) if match.column in form.columns), None
    )
    if match.column in base.required:
        mapped["required"] = True
    if like:
        rules = like.model_dump(mode="json", exclude_defaults=True, exclude={"header", "required"})
        mapped |= rules
    mark = ""
    if match.points < SURE:
        mark = f"  # ? похоже на «{match.nearest}» ({match.points:.0f} из 100)"
    return f"  {match.column}: {_flow(mapped)}{mark}"


def _ignore_lines(left: Sequence[int], reading: _Reading) -> list[str]:
    if not left:
        return []
    lines, seen = ["ignore:"], set()
    for position in left:
        text = reading.head.texts[position]
        if normalise_header(text) in seen:
            continue
        seen.add(normalise_header(text))
        mark = ""
        if position not in reading.dropped:
            personal = _PERSONAL.search(normalise_header(text))
            mark = f"  # ? {reading.profiles[position].told()}" + (
                "; похоже на личные данные: опишите как person.… или оставьте здесь" if personal else ""
            )
        lines.append(f"  - {_quoted(text)}{mark}")
    return lines


def _others(reading: _Reading, readings: Sequence[_Reading]) -> list[str]:
    """Other things that the sheet might be."""
    best: dict[str, float] = {}
    for one in readings:
        best[one.source.title] = max(best.get(one.source.title, 0), one.score)
    rest = sorted(
        ((score, title) for title, score in best.items() if title != reading.source.title and score >= _ENOUGH),
        reverse=True,
    )[:_OTHERS_NAMED]
    if not rest:
        return []
    told = ", ".join(f"«{title}» ({100 * score:.0f} %)" for score, title in rest)
    return [f"Понято как «{reading.source.title}» ({100 * reading.score:.0f} % шапки). Могло бы быть: {told}"]


def _faults(text: str, rows: Sequence[Row], head: _Head, source: Source) -> list[str]:
    """What keeps the document from being used as it is: it is read and laid over the very sheet."""
    try:
        layout = Layout.model_validate(yaml.safe_load(text))
        check(layout, source)
    except ValueError as error:
        return [f"Документ надо поправить: {error}"]
    fit = lay(layout, Header(rows, head.index))
    if fit.is_exact:
        return []
    strange = ", ".join(text for _position, text in fit.unknown)
    return ["Документ не покрывает шапку: " + ", ".join(filter(None, [*fit.missing, strange]))]


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10_000, sort_keys=False)
    return text.strip().removesuffix("\n...").strip()


def _quoted(text: str) -> str:
    """A text in quotation marks; characters that YAML does not take as they are, by their codes."""
    quoted = yaml.safe_dump(text, allow_unicode=True, default_style="'", width=10_000)
    return quoted.strip().removesuffix("\n...").strip()
