"""``ravenstvo schools review``: keys of schools that the files leave open, with schools that resemble them.

However high a score is, nothing is matched by it: a person decides, and the decision comes back in the same workbook.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import DictCursor

from ravenstvo import school_keys
from ravenstvo.publishing.school_names import code_score, name_score
from ravenstvo.publishing.sheets import Column, workbook
from ravenstvo.reference import school_match
from ravenstvo.sources import load_sources

_SCHOOLS = """
select school_id, school_code, login, coalesce(short_name, name), municipality_name, status
from core.dim_school
where is_current
order by coalesce(school_code, login, school_id)
"""
_NAMES = """
select distinct school_id, key_written from core.bridge_school_key where key_kind = 'name' and school_id is not null
union
select school_id, name from core.dim_school where name is not null
union
select school_id, short_name from core.dim_school where short_name is not null
"""
_LOGINS = """
select distinct school_id, key_written from core.bridge_school_key where key_kind = 'login' and school_id is not null
"""
_WHY = {
    "unknown": "ключа никто не знает",
    "shared": "так называются две школы сразу",
    "not_school": "решено: не школа",
    "decision": "решено",
}
_FILES_SHOWN = 5
_INPUTS = frozenset({school_keys.DECISION, school_keys.BY, school_keys.REASON})
_HOW = (
    ("Зачем", "Здесь ключи школ, которые не удалось узнать: строки с ними не попадают в школьные показатели."),
    ("1", f"На листе «{school_keys.SHEET}» у каждого ключа впишите решение, кем оно принято и почему."),
    ("2", "Похожие школы и баллы (из 100) — подсказка. Сам расчёт по баллу ничего не соединяет, каким бы он ни был."),
    ("3", "Пустое решение ничего не меняет. Уже решённые ключи стоят внизу, с решением в колонке «Сейчас»."),
    ("4", "Если в книге есть ошибка, не принимается ничего, и названы все ошибки сразу."),
    ("Что писать в колонке «Решение»", ""),
    ("код ОО (или логин)", "это та самая школа; коды и логины — на листе «Все школы»"),
    ("новая", "школа настоящая, но в реестре её нет: её результаты считаются отдельно, со статусом «нет в реестре»"),
    ("не школа", "колледж, строка итогов, ошибка: ключ больше не спрашивают, его строки ни к какой школе не относятся"),
    ("отменить", "прежнее решение больше не действует, ключ снова не распознан"),
    ("Что дальше", ""),
    ("Принять", "ravenstvo schools decide ЭТОТ_ФАЙЛ.xlsx --by «кто»; затем ravenstvo run пересчитает нужные годы"),
    ("Что хранится", "Все решения: кто, когда, почему. Прежние не стираются. Те же файлы снова дают те же итоги."),
)


@dataclass(frozen=True)
class School:
    """A school that a key may mean, with all names and logins by which it is known."""

    school_id: str
    key: str
    title: str
    municipality: str
    status: str
    code: str | None
    names: tuple[str, ...]
    logins: tuple[str, ...]


@dataclass(frozen=True)
class OpenKey:
    """A key that no rule resolves, or that people have decided on; ``candidates`` are schools with their scores."""

    number: str
    kind: str
    written: str
    municipality: str
    name: str
    why: str
    now: str
    is_open: bool
    sources: tuple[str, ...]
    files: tuple[str, ...]
    years: tuple[int, ...]
    n_rows: int
    candidates: tuple[tuple[School, int], ...] = ()


def open_keys(cursor: Cursor, *, with_candidates: bool = True) -> tuple[list[OpenKey], list[School]]:
    """Keys to look at, those without a decision first and by the number of rows, and all schools."""
    schools = _schools(cursor)
    with cursor.connection.cursor(cursor_factory=DictCursor) as reading:
        reading.execute(school_keys.OPEN_KEYS)
        keys = [_key(row, schools if with_candidates else []) for row in reading.fetchall()]
    return sorted(keys, key=lambda key: (not key.is_open, -key.n_rows, key.kind, key.written, key.number)), schools


def write_review(target: Path, keys: list[OpenKey], schools: list[School]) -> Path:
    """Write the workbook: how to fill it, the keys, all schools."""
    n_shown = school_match()["n_candidates"]
    columns = _columns(n_shown)
    with workbook(target, "Ключи школ: на решение") as book:
        book.lines("Инструкция", "Ключи школ, которые не распознаны", _HOW, (38, 110))
        rows = (_cells(key, n_shown) for key in keys)
        sheet, _ = book.table(
            *(school_keys.SHEET, columns, rows, _INPUTS), empty="Все ключи школ распознаны.", n_frozen=3
        )
        place = [column.title for column in columns].index(school_keys.DECISION)
        for row, key in enumerate(keys, start=1):
            sheet.data_validation(row, place, row, place, _allowed(key))
        listed = ([school.key, school.title, school.municipality, school.status] for school in schools)
        book.table(
            "Все школы",
            (Column("Код ОО или логин", 18), Column("Школа", 70), Column("Муниципалитет", 30), Column("Статус", 18)),
            listed,
        )
    return target


def _schools(cursor: Cursor) -> list[School]:
    names, logins = _by_school(cursor, _NAMES), _by_school(cursor, _LOGINS)
    cursor.execute(_SCHOOLS)
    return [
        School(
            *(school_id, code or login or school_id, name or "", municipality or "", status or "", code),
            *(names[school_id], logins[school_id]),
        )
        for school_id, code, login, name, municipality, status in cursor.fetchall()
    ]


def _by_school(cursor: Cursor, statement: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    cursor.execute(statement)
    for school_id, text in cursor.fetchall():
        found[school_id].add(text)
    return defaultdict(tuple, {school_id: tuple(sorted(texts)) for school_id, texts in found.items()})


def _key(row: Any, schools: list[School]) -> OpenKey:
    titles = {name: source.title for name, source in load_sources().items()}
    name = row["key_written"] if row["key_kind"] == "name" else row["school_name"] or ""
    municipality = row["municipality"] or row["school_municipality"] or ""
    is_decided = row["decision"] not in (None, school_keys.UNDONE)
    return OpenKey(
        number=row["number"],
        kind=row["key_kind"],
        written=row["key_written"],
        municipality=municipality,
        name=name if row["key_kind"] != "name" else "",
        why=_why(row, is_decided),
        now=_now(row) if is_decided else "",
        is_open=not is_decided or row["is_contradicted"] or row["how"] == "unknown",
        sources=tuple(sorted(titles.get(source, source) for source in row["sources"])),
        files=tuple(row["files"]),
        years=tuple(row["years"] or ()),
        n_rows=row["n_rows"],
        candidates=_candidates(row["key_kind"], row["key_written"], name, municipality, schools),
    )


def _why(row: Any, is_decided: bool) -> str:
    if row["is_contradicted"]:
        return "решение расходится с реестром: посмотрите ещё раз"
    if is_decided and row["how"] == "unknown":
        return f"школы «{row['target_key']}», о которой решено, в реестре больше нет"
    return _WHY.get(row["how"], row["how"])


def _now(row: Any) -> str:
    words = {decision: word for word, decision in school_keys.WORDS.items()}
    decided = row["target_key"] or words[row["decision"]]
    return f"{decided} — {row['decided_by']}, {row['decided_at']:%d.%m.%Y}: {row['reason']}"


def _candidates(
    kind: str, written: str, name: str, municipality: str, schools: Iterable[School]
) -> tuple[tuple[School, int], ...]:
    """The schools that resemble a key most, with their scores; of equal ones the lesser key first."""
    limits = school_match()
    found = []
    for school in schools:
        score = _score(kind, written, name, municipality, school)
        if score >= limits["least_score"]:
            found.append((school, score))
    return tuple(sorted(found, key=lambda one: (-one[1], one[0].key))[: limits["n_candidates"]])


def _score(kind: str, written: str, name: str, municipality: str, school: School) -> int:
    scores = [0]
    if name:
        is_other = bool(municipality and school.municipality and _folded(municipality) != _folded(school.municipality))
        scores += [name_score(name, one, is_other_municipality=is_other) for one in school.names]
    if kind == "code" and school.code:
        scores.append(_if_near(code_score(written, school.code)))
    if kind == "login":
        scores += [_if_near(code_score(written.casefold(), login.casefold())) for login in school.logins]
    return max(scores)


def _if_near(score: int) -> int:
    return score if score >= school_match()["least_code_score"] else 0


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("ё", "е").split())


def _columns(n_candidates: int) -> tuple[Column, ...]:
    return (
        *(Column(school_keys.NUMBER, 13), Column("Вид ключа", 10), Column(school_keys.KEY, 34)),
        *(Column(school_keys.DECISION, 16), Column(school_keys.BY, 18), Column(school_keys.REASON, 30)),
        *(Column("Сейчас", 32), Column("Почему не распознан", 26)),
        *(Column(f"Похожая {number}", 34) for number in range(1, n_candidates + 1)),
        *(Column("Название рядом", 34), Column("Муниципалитет", 26), Column("Сведения", 26)),
        *(Column("Файлы", 44), Column("Годы", 16), Column("Строк", 8)),
    )


def _cells(key: OpenKey, n_candidates: int) -> list[Any]:
    shown = [f"{score}: {_title(school)}" for school, score in key.candidates]
    files = "; ".join(key.files[:_FILES_SHOWN])
    more = len(key.files) - _FILES_SHOWN
    return [
        *(key.number, school_keys.KINDS[key.kind], key.written, None, None, None, key.now, key.why),
        *shown,
        *([None] * (n_candidates - len(shown))),
        *(key.name, key.municipality, "; ".join(key.sources)),
        *(f"{files}; и ещё {more}" if more > 0 else files, ", ".join(map(str, key.years)), key.n_rows),
    ]


def _title(school: School) -> str:
    return " · ".join(part for part in (school.key, school.title, school.municipality) if part)


def _allowed(key: OpenKey) -> dict[str, Any]:
    """What the list of the cell offers; any other code can be typed all the same."""
    return {
        "validate": "list",
        "source": [*(school.key for school, _ in key.candidates), *school_keys.WORDS],
        "error_type": "warning",
        "error_title": "Такого ответа в списке нет",
        "error_message": "Годится и код любой школы с листа «Все школы».",
    }
