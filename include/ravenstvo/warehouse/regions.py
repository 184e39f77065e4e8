"""Whose files a warehouse holds: those of one region, by its two-digit code.

Every file carries the code under which it came in (``ops.source_file``); rules, ranks and keys of schools are a
region's own, so a calculation has one region, and files of another are refused. Several regions meet in a shared
warehouse (``ravenstvo.runtime.shared``), after each has been calculated.
"""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

from ravenstvo.errors import ToldError

# Two files that come at once, under two codes, wait for each other.
_TURN = "select pg_advisory_xact_lock(hashtext('ravenstvo.region'))"
_KNOWN = "select distinct region_code from ops.source_file where region_code is not null order by 1"


class RegionError(ToldError):
    """The warehouse holds another region; the message (Russian) says which, and what to do."""


def settle(cursor: Cursor, region: str) -> None:
    """Have the files that came before there were codes, and this one, belong to the region, within a transaction.

    Raises RegionError when files of another region are there.
    """
    cursor.execute(_TURN)
    others = [code for code in _codes(cursor) if code != region]
    if others:
        raise RegionError(
            f"В хранилище файлы региона {', '.join(others)}, а настройка RAVENSTVO_REGION называет {region}. У каждого "
            "региона своё хранилище. Если код был записан с ошибкой, его исправляет «ravenstvo region set»."
        )
    cursor.execute("update ops.source_file set region_code = %s where region_code is null", (region,))


def region_of(cursor: Cursor, otherwise: str) -> str:
    """Code of the region whose files the warehouse holds; ``otherwise`` where no file has one yet."""
    codes = _codes(cursor)
    if len(codes) > 1:
        raise RegionError(f"В хранилище файлы нескольких регионов: {', '.join(codes)}. Расчёт ведут для одного.")
    return codes[0] if codes else otherwise


def change(cursor: Cursor, region: str, by: str, reason: str) -> int:
    """Give all files another code, because the first was wrong. Returns their number.

    Raises RegionError when nobody or no reason is named. What is already calculated bears the old code until the next
    calculation: the code is a part of the data's fingerprint.
    """
    if not by.strip() or not reason.strip():
        raise RegionError("Укажите, кто и почему меняет код региона: --by и --reason")
    cursor.execute(_TURN)
    previous = ", ".join(_codes(cursor)) or None
    cursor.execute(
        "insert into ops.region_change (region_code, previous_code, changed_by, reason) values (%s, %s, %s, %s)",
        (region, previous, by.strip(), reason.strip()),
    )
    cursor.execute(
        "update ops.source_file set region_code = %s where region_code is distinct from %s", (region, region)
    )
    return cursor.rowcount


def _codes(cursor: Cursor) -> list[str]:
    cursor.execute(_KNOWN)
    return [code for (code,) in cursor.fetchall()]
