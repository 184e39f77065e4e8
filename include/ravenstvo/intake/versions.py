"""Which version of a content is in force: the policy, in one function, and its bookkeeping."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from ravenstvo.intake.discover import natural_key
from ravenstvo.intake.returned import find_originals, settle_returned
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse.connection import connect

Effect = Literal["whole", "schools"] | None


@dataclass
class Version:
    """A landed part of some content."""

    part_id: int
    file_id: int
    source: str
    scope_kind: str
    scope_key: str
    landed_at: datetime
    modified_at: datetime
    path: str
    is_returned: bool = False
    """Whether it holds corrected rows of another part: it stands beside that part, and replaces none as a whole."""
    corrects: int | None = None
    """That part, when it has come."""
    superseded_by: int | None = None
    replaced_by: list[int] = field(default_factory=list)

    @property
    def order(self) -> tuple[Any, ...]:
        """Later arrival, then later modification, then natural order of the name."""
        return (self.landed_at, self.modified_at, natural_key(self.path), self.part_id)


def effect(later: Version, earlier: Version, share_schools: Callable[[], bool]) -> Effect:
    """The policy: what a later part of the same content does to an earlier one.

    ``whole``: the earlier is no longer in force. ``schools``: only its rows of the later part's schools are replaced.
    None: they stand side by side. Parts of one file never replace each other, and returned rows replace rows only (see
    ``returned``).
    """
    if later.file_id == earlier.file_id or later.is_returned or later.part_id == earlier.corrects:
        return None
    same_scope = (later.scope_kind, later.scope_key) == (earlier.scope_kind, earlier.scope_key)
    if later.scope_kind == "region":
        # Two files of many schools and no school in common cover different parts of the region.
        return "whole" if not load_sources()[later.source].school or share_schools() else None
    if same_scope:
        return "whole"
    if later.scope_kind == "municipality" and earlier.scope_kind == "school":
        return "whole" if share_schools() else None
    narrower = earlier.scope_kind == "region" or later.scope_kind == "school"
    return "schools" if narrower and share_schools() else None


def _school(source: str) -> sql.Composable:
    columns = load_sources()[source].school
    return sql.SQL("coalesce({})").format(sql.SQL(", ").join(map(sql.Identifier, columns)))


def _share_schools(connection: Connection, later: Version, earlier: Version) -> bool:
    table, school = sql.Identifier("landing", later.source), _school(later.source)
    query = sql.SQL(
        "select exists (select {school} from {table} where part_id = %s"
        " intersect select {school} from {table} where part_id = %s)"
    ).format(table=table, school=school)
    with connection.cursor() as cursor:
        cursor.execute(query, (later.part_id, earlier.part_id))
        return bool(cursor.fetchone()[0])  # type: ignore[index]


def _unsettled(connection: Connection) -> dict[str, list[Version]]:
    """Versions of every content that has a part without a version number yet."""
    query = """
        select p.content_key, p.part_id, p.file_id, p.source, p.scope_kind, p.scope_key, p.landed_at,
          coalesce(f.modified_at, p.landed_at), f.path, p.corrects_key is not null, p.corrects
        from ops.source_part as p
        join ops.source_file as f using (file_id)
        where p.status = 'landed' and p.content_key in
          (select content_key from ops.source_part where status = 'landed' and version is null)
    """
    contents: dict[str, list[Version]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(query)
        for content, *values in cursor.fetchall():
            contents[content].append(Version(*values))
    return contents


def _settle_content(connection: Connection, versions: list[Version]) -> None:
    versions.sort(key=lambda version: version.order)
    for index, earlier in enumerate(versions):
        for later in versions[index + 1 :]:
            what = effect(later, earlier, lambda one=later, two=earlier: _share_schools(connection, one, two))  # type: ignore[misc]
            if what == "whole":
                earlier.superseded_by = later.part_id
            elif what == "schools":
                earlier.replaced_by.append(later.part_id)


def settle(settings: Settings) -> int:
    """Decide anew what is in force for every content that got a new part.

    Returns:
        Number of contents looked at. The outcome depends on the parts alone, not on the order of this call's work.
    """
    with connect(settings) as connection:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtext('ravenstvo.settle'))")
        find_originals(connection)
        contents = _unsettled(connection)
        rows = []
        for versions in contents.values():
            _settle_content(connection, versions)
            numbers: dict[tuple[str, str, bool], int] = defaultdict(int)
            for version in versions:
                scope = (version.scope_kind, version.scope_key, version.is_returned)
                numbers[scope] += 1
                rows.append((version.part_id, numbers[scope], version.superseded_by))
        with connection.cursor() as cursor:
            execute_values(
                cursor,
                """
                update ops.source_part as p
                set version = v.version, superseded_by = v.superseded_by::bigint, in_force = v.superseded_by is null
                from (values %s) as v (part_id, version, superseded_by)
                where p.part_id = v.part_id
                """,
                rows,
                page_size=max(len(rows), 1),
            ) if rows else None
        for versions in contents.values():
            for version in versions:
                _replace_schools(connection, version)
        settle_returned(connection)
    return len(contents)


def _replace_schools(connection: Connection, version: Version) -> None:
    """Note which schools' rows of a part in force are replaced by later, narrower parts."""
    with connection.cursor() as cursor:
        cursor.execute("delete from ops.superseded_school where part_id = %s", (version.part_id,))
        if version.replaced_by and version.superseded_by is None:
            query = sql.SQL(
                "insert into ops.superseded_school (part_id, school_key)"
                " select distinct %s, {school} from {table} where part_id = any(%s) and {school} is not null"
            ).format(school=_school(version.source), table=sql.Identifier("landing", version.source))
            cursor.execute(query, (version.part_id, version.replaced_by))
