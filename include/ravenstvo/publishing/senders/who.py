"""Who sent a row: a municipality, a school, a department. The order of the rules is configuration (``senders.yml``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import yaml
from psycopg2 import sql
from pydantic import BaseModel, ConfigDict

from ravenstvo.sources import Source, load_sources

_HERE = Path(__file__).parent
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NAME = re.compile(r"[^0-9a-zа-я]+")
# Shorter numbers of folders are grades and parts.
_CODE_DIGITS = 3

Kind = Literal["municipality", "school", "department"]
Rule = Literal["folder", "department", "school", "municipality"]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Department(_Document):
    """A department, and the sources that it collects."""

    title: str
    sources: tuple[str, ...] = ()


class Rules(_Document):
    """Who a row is told to: see the document."""

    order: tuple[Rule, ...]
    centre: Department
    departments: tuple[Department, ...]
    greetings: dict[Kind, str]

    @property
    def collected_by(self) -> dict[str, Department]:
        """Department by the source that it collects."""
        return {source: department for department in self.departments for source in department.sources}


@cache
def load_rules() -> Rules:
    """Read the document beside this module.

    Raises:
        ValueError: it names a source that there is not.
    """
    rules = Rules.model_validate(yaml.safe_load((_HERE / "senders.yml").read_text(encoding="utf-8")))
    if unknown := set(rules.collected_by) - set(load_sources()):
        raise ValueError(f"senders.yml: unknown sources {sorted(unknown)}")
    return rules


@dataclass(frozen=True, order=True)
class Sender:
    """Whom remarks are sent to; ``mail`` is an address that the register of municipalities gives, if any."""

    title: str
    kind: Kind
    mail: str = ""


@dataclass(frozen=True)
class File:
    """A file with remarks: what its path, its parts and their schools say of who sent it."""

    file_id: int | None
    path: str
    sources: frozenset[str]
    scopes: frozenset[tuple[str, str]]


class Senders:
    """Finds the sender of a row or of a file. Temporary tables of the cursor's connection hold what rows name."""

    def __init__(self, cursor: Any) -> None:
        self._rules = load_rules()
        cursor.execute((_HERE / "senders.sql").read_text(encoding="utf-8"))
        cursor.execute("select name, code, title, coordinator from pg_temp.town")
        self._towns: dict[str, Sender] = {}
        for name, code, title, coordinator in cursor.fetchall():
            mail = _MAIL.search(coordinator or "")
            town = Sender(title, "municipality", mail[0].lower() if mail else "")
            self._towns[name] = town
            if code and len(code) >= _CODE_DIGITS:
                self._towns.setdefault(f"code:{code}", town)
        cursor.execute("select key, title from pg_temp.school_place where title is not null")
        self._schools = {key: Sender(title, "school") for key, title in cursor.fetchall()}

    def of_row(self, file: File, source: str, town: str | None) -> Sender:
        """Sender of a row: ``town`` is the folded name of the municipality that it belongs to, where it is known."""
        return self._first(file, (source,), town)

    def of_file(self, file: File) -> Sender:
        """Sender of what is said of a file as a whole."""
        towns = {key for kind, key in file.scopes if kind == "municipality"}
        only = next(iter(towns)) if len(towns) == 1 else ""
        return self._first(file, tuple(sorted(file.sources)), fold_name(only))

    def _first(self, file: File, sources: tuple[str, ...], town: str | None) -> Sender:
        for rule in self._rules.order:
            if found := self._by(rule, file, sources, town):
                return found
        return Sender(self._rules.centre.title, "department")

    def _by(self, rule: Rule, file: File, sources: tuple[str, ...], town: str | None) -> Sender | None:
        match rule:
            case "folder":
                return self._of_folder(file.path)
            case "department":
                found = {self._rules.collected_by.get(source) for source in sources}
                department = next(iter(found)) if len(found) == 1 else None
                return Sender(department.title, "department") if department else None
            case "school":
                return self._of_school(file)
            case "municipality":
                return self._towns.get(town or "") or self._towns.get(f"code:{town}")

    def _of_folder(self, path: str) -> Sender | None:
        for folder in reversed(PurePosixPath(path).parts[:-1]):
            for key in (fold_name(folder), f"code:{folder.strip()}"):
                if key in self._towns:
                    return self._towns[key]
        return None

    def _of_school(self, file: File) -> Sender | None:
        if len(file.scopes) != 1:
            return None
        kind, key = next(iter(file.scopes))
        if kind != "school":
            return None
        known = (f"login:{key}", f"code:{key.lstrip('0')}")
        return next((self._schools[one] for one in known if one in self._schools), None)


@cache
def fold_name(text: str) -> str:
    """Fold a name as the temporary tables do: case, «ё», quotes and hyphens do not make another municipality."""
    return _NAME.sub(" ", text.lower().replace("ё", "е")).strip()


def place_rows(cursor: Any, parts: dict[str, list[int]]) -> None:
    """Find the municipality of every row of these parts: by the school that it names, else by its own words."""
    for name, part_ids in parts.items():
        cursor.execute(_place(load_sources()[name]), {"parts": part_ids})
    cursor.execute("create index on pg_temp.row_place (part_id, row_no)")
    cursor.execute("analyze pg_temp.row_place")


def _place(source: Source) -> sql.Composable:
    columns = {column.name: column for column in source.columns}
    keys: list[sql.Composable] = []
    if code := next((name for name in source.column_names if columns[name].kind == "school"), None):
        keys.append(sql.SQL("'code:' || pg_temp.bare_code(landed.{})").format(sql.Identifier(code)))
    elif "school_code" in columns:
        keys.append(sql.SQL("'code:' || pg_temp.bare_code(landed.school_code)"))
    if "school_login" in columns:
        keys.append(sql.SQL("'login:' || lower(landed.school_login)"))
    towns: list[sql.Composable] = [sql.SQL("null::text")]
    joins: list[sql.Composable] = []
    for number, key in enumerate(keys):
        alias = sql.Identifier(f"school_{number}")
        joins.append(sql.SQL(" left join pg_temp.school_place as {0} on {0}.key = {1}").format(alias, key))
        towns.append(sql.SQL("{}.town").format(alias))
    for number, name in enumerate(name for name in ("municipality_code", "municipality") if name in columns):
        alias, column = sql.Identifier(f"town_{number}"), sql.Identifier(name)
        known = "pg_temp.bare_code({0}.code) = pg_temp.bare_code(landed.{1})"
        if name == "municipality":
            known = "{0}.name = pg_temp.fold_name(landed.{1})"
        joins.append(sql.SQL(" left join pg_temp.town as {0} on " + known).format(alias, column))
        towns.append(sql.SQL("{}.name").format(alias))
    record: sql.Composable = sql.SQL("''")
    if source.record:
        record = sql.SQL("coalesce(landed.{}, '')").format(sql.Identifier(source.record))
    return sql.SQL(
        """
        insert into pg_temp.row_place
        select landed.part_id, landed.row_no, min(coalesce({towns})), count(distinct {record})
        from landing.{table} as landed{joins}
        where landed.part_id = any(%(parts)s) and not exists (
            select 1 from ops.superseded_row as past
            where past.part_id = landed.part_id and past.row_no = landed.row_no and past.record_key = {record}
        )
        group by landed.part_id, landed.row_no
        """
    ).format(
        towns=sql.SQL(", ").join(towns),
        record=record,
        table=sql.Identifier(source.name),
        joins=sql.SQL("").join(joins),
    )
