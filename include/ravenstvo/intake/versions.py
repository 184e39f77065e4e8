"""Which version of a content is in force: the policy, in one function, and its bookkeeping."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from ravenstvo.intake.discover import natural_key
from ravenstvo.intake.returned import find_originals, settle_returned
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.roles import LOADER

_VERSIONS = """
select p.content_key, p.part_id, p.file_id, p.source, p.scope_kind, p.scope_key, p.landed_at,
  coalesce(f.modified_at, p.landed_at), f.path, p.corrects_key is not null, p.corrects
from ops.source_part as p
join ops.source_file as f using (file_id)
"""
_SCHOOLS_OF = sql.SQL("select distinct {0} from {1} where part_id = any(%s) and {0} is not null")

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


def school_column(source: str) -> sql.Composable:
    """The school of a landed row, as the row names it; null where the source knows no schools."""
    columns = load_sources()[source].school
    if not columns:
        return sql.SQL("null::text")
    return sql.SQL("coalesce({})").format(sql.SQL(", ").join(map(sql.Identifier, columns)))


def _share_schools(cursor: Cursor, later: Version, earlier: Version) -> bool:
    table, school = sql.Identifier("landing", later.source), school_column(later.source)
    query = sql.SQL(
        "select exists (select {school} from {table} where part_id = %s"
        " intersect select {school} from {table} where part_id = %s)"
    ).format(table=table, school=school)
    cursor.execute(query, (later.part_id, earlier.part_id))
    return bool(cursor.fetchone()[0])  # type: ignore[index]


def _unsettled(connection: Connection) -> dict[str, list[Version]]:
    """Versions of every content that has a part without a version number yet."""
    contents: dict[str, list[Version]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _VERSIONS + "where p.status = 'landed' and p.content_key in"
            " (select content_key from ops.source_part where status = 'landed' and version is null)"
        )
        for content, *values in cursor.fetchall():
            contents[content].append(Version(*values))
    return contents


def replaced_schools(cursor: Cursor, part_ids: list[int]) -> list[tuple[int, str]]:
    """What the policy makes of some parts of one content alone: (part, school) whose rows a later part replaces."""
    cursor.execute(_VERSIONS + "where p.part_id = any(%s)", (part_ids,))
    versions = [Version(*values) for _content, *values in cursor.fetchall()]
    _settle_content(cursor, versions)
    replaced: list[tuple[int, str]] = []
    for version in versions:
        if version.replaced_by and version.superseded_by is None:
            cursor.execute(_SCHOOLS_OF.format(school_column(version.source), _landing(version)), (version.replaced_by,))
            replaced += [(version.part_id, school) for (school,) in cursor.fetchall()]
    return replaced


def _landing(version: Version) -> sql.Identifier:
    return sql.Identifier("landing", version.source)


def _settle_content(cursor: Cursor, versions: list[Version]) -> None:
    versions.sort(key=lambda version: version.order)
    for index, earlier in enumerate(versions):
        for later in versions[index + 1 :]:
            what = effect(later, earlier, lambda one=later, two=earlier: _share_schools(cursor, one, two))  # type: ignore[misc]
            if what == "whole":
                earlier.superseded_by = later.part_id
            elif what == "schools":
                earlier.replaced_by.append(later.part_id)


def _take_turn(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('ravenstvo.settle'))")


def settle(settings: Settings) -> int:
    """Decide anew what is in force for every content that got a new part.

    Returns:
        Number of contents looked at. The outcome depends on the parts alone, not on the order of this call's work.
    """
    # The loader may only add rows. Completing what came back is the owner's, and stands by itself: what is completed
    # and not settled, because the run was killed here, is settled by the next one.
    with connect(settings) as connection:
        _take_turn(connection)
        find_originals(connection)
    with connect(settings, LOADER) as connection:
        _take_turn(connection)
        contents = _unsettled(connection)
        rows = []
        for versions in contents.values():
            with connection.cursor() as cursor:
                _settle_content(cursor, versions)
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
                set version = v.version, superseded_by = v.superseded_by::bigint, in_force = v.superseded_by is null,
                  -- What comes into force again has missed what registers brought meanwhile.
                  validated_at = case when p.in_force or v.superseded_by is not null then p.validated_at end
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
            schools = _SCHOOLS_OF.format(school_column(version.source), _landing(version))
            query = sql.SQL(
                "insert into ops.superseded_school (part_id, school_key) select %s, * from ({}) as replaced"
            )
            cursor.execute(query.format(schools), (version.part_id, version.replaced_by))
