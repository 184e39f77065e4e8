"""An earlier state, calculated again, beside what was recorded then and what holds now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import NamedTupleCursor

from ravenstvo.publishing.sheets import Column, workbook

_SHOWN = 10

_LAST_DONE = """
select calculation_id, year, finished_at, seeds_hash, code_version
from ops.calculation
where status = 'done' and finished_at <= coalesce(%s, 'infinity'::timestamptz)
order by finished_at desc
limit 1
"""
_HASHES = "select mart, n_rows, hash from ops.mart_hash where calculation_id = %s"
_VERDICTS = """
select mart.school_id, mart.method_code, mart.school_name, mart.municipality_name, mart.school_code, mart.login,
    mart.is_low_results, mart.n_procedures, mart.n_low_procedures, mart.n_participants_total
from marts.mart_identification as mart
where mart.year = %s
"""
_COMPARED = ("is_low_results", "n_procedures", "n_low_procedures", "n_participants_total")

_MARTS = (
    *(Column("Витрина", 38), Column("Строк тогда", 12), Column("Строк сейчас", 12)),
    *(Column("Повторена в точности", 20), Column("Отличается от нынешней", 20)),
)
_SCHOOLS = (
    *(Column("Муниципалитет", 24), Column("Школа", 36), Column("Код ОО", 10), Column("Логин", 13), Column("Метод", 22)),
    *(Column("Вывод тогда", 14), Column("Вывод сейчас", 14)),
    *(Column("Процедур тогда", 10), Column("Процедур сейчас", 10)),
    *(Column("Низких тогда", 10), Column("Низких сейчас", 10)),
    *(Column("Участников тогда", 11), Column("Участников сейчас", 11)),
)


@dataclass(frozen=True)
class Comparison:
    """Fingerprints of the marts: recorded then, calculated again, and of the calculation that the marts hold now.

    ``recorded`` is the last calculation done by the moment, or None; ``schools`` the verdicts of the year that are not
    what they are now, as (then, now), either of which may be missing.
    """

    moment: datetime
    year: int
    recorded: Any
    recorded_hashes: dict[str, tuple[int, str]]
    now: Any
    now_hashes: dict[str, tuple[int, str]]
    then: Any
    then_hashes: dict[str, tuple[int, str]]
    schools: list[tuple[Any, Any]]

    @property
    def unlike_recorded(self) -> list[str]:
        """Marts that did not come out as they were recorded."""
        return sorted(mart for mart, found in self.recorded_hashes.items() if self.then_hashes.get(mart) != found)

    @property
    def unlike_now(self) -> list[str]:
        """Marts that are different today."""
        marts = self.now_hashes.keys() | self.then_hashes.keys()
        return sorted(mart for mart in marts if self.now_hashes.get(mart) != self.then_hashes.get(mart))

    @property
    def has_same_rules(self) -> bool:
        """Whether reference data and program are those of the recorded calculation."""
        return self.recorded is not None and (self.recorded.seeds_hash, self.recorded.code_version) == (
            self.then.seeds_hash,
            self.then.code_version,
        )


def compare_states(now: Cursor, then: Cursor, moment: datetime, year: int) -> Comparison:
    """Compare the warehouse (``now``) with the one that holds the state of the moment (``then``), calculated."""
    recorded, recorded_hashes = _last_done(now, moment)
    present, present_hashes = _last_done(now, None)
    made, made_hashes = _last_done(then, None)
    schools_then, schools_now = _verdicts(then, year), _verdicts(now, year)
    keys = sorted(schools_then.keys() | schools_now.keys(), key=lambda key: (key[1], key[0]))
    pairs = [(schools_then.get(key), schools_now.get(key)) for key in keys]
    return Comparison(
        *(moment, year, recorded, recorded_hashes, present, present_hashes, made, made_hashes),
        [(one, other) for one, other in pairs if _told(one) != _told(other)],
    )


def comparison_lines(compared: Comparison) -> Iterator[str]:
    """What came of it, in a few lines."""
    yield from (f"  {name}: {value}" if name else f"    {value}" for name, value in _summary(compared))


def write_comparison(compared: Comparison, target: Path) -> Path:
    """Write the workbook of the comparison."""
    with workbook(target, f"Состояние на {_time(compared.moment)}, {compared.year} год") as book:
        book.lines(
            "Сводка", f"Состояние на {_time(compared.moment)}, {compared.year} год", _summary(compared), (40, 110)
        )
        book.table("Школы", _SCHOOLS, (_school_cells(then, now) for then, now in compared.schools))
        book.table("Витрины", _MARTS, _mart_cells(compared))
    return target


def _summary(compared: Comparison) -> Iterator[tuple[str, str]]:
    yield "Состояние на", _time(compared.moment)
    if compared.recorded is None:
        yield "Расчёт тех дней", "законченного расчёта на этот момент не было, сравнить не с чем"
    else:
        yield "Расчёт тех дней", f"{compared.recorded.calculation_id}, закончен {_time(compared.recorded.finished_at)}"
        n_all, unlike = len(compared.recorded_hashes), compared.unlike_recorded
        yield "Повторены в точности", f"витрин {n_all - len(unlike)} из {n_all}"
        if unlike:
            yield "Не повторены", ", ".join(unlike)
        if not compared.has_same_rules:
            yield "Правила", "с тех пор изменились справочники или программа: прежнее состояние посчитано по нынешним"
        elif unlike:
            yield "Правила", "те же; витрины тех дней считались частями, по годам, или без файлов, пришедших до расчёта"
    yield "Сейчас действует расчёт", f"{compared.now.calculation_id}, закончен {_time(compared.now.finished_at)}"
    yield "Отличаются от нынешних", f"витрин {len(compared.unlike_now)} из {len(compared.then_hashes)}"
    yield f"Школ с другими выводами, {compared.year} год", str(len({_key(*pair)[0] for pair in compared.schools}))
    for then, now in compared.schools[:_SHOWN]:
        one = then or now
        yield "", f"{one.school_name or one.school_id}, {one.method_code}: {_change(then, now)}"
    if len(compared.schools) > _SHOWN:
        yield "", f"… и ещё {len(compared.schools) - _SHOWN}: в книге «Сравнение»"


def _last_done(cursor: Cursor, moment: datetime | None) -> tuple[Any, dict[str, tuple[int, str]]]:
    with cursor.connection.cursor(cursor_factory=NamedTupleCursor) as named:
        named.execute(_LAST_DONE, (moment,))
        found: Any = named.fetchone()
        if found is None:
            return None, {}
        named.execute(_HASHES, (found.calculation_id,))
        hashes: list[Any] = named.fetchall()
        return found, {row.mart: (row.n_rows, row.hash) for row in hashes}


def _verdicts(cursor: Cursor, year: int) -> dict[tuple[str, str], Any]:
    with cursor.connection.cursor(cursor_factory=NamedTupleCursor) as named:
        named.execute("select to_regclass('marts.mart_identification') is null as is_missing")
        if named.fetchone().is_missing:  # type: ignore[union-attr]
            return {}
        named.execute(_VERDICTS, (year,))
        verdicts: list[Any] = named.fetchall()
        return {(row.school_id, row.method_code): row for row in verdicts}


def _told(row: Any) -> tuple[Any, ...] | None:
    return None if row is None else tuple(getattr(row, name) for name in _COMPARED)


def _key(then: Any, now: Any) -> tuple[str, str]:
    row = then or now
    return row.school_id, row.method_code


def _change(then: Any, now: Any) -> str:
    if then is None or now is None:
        return "тогда не было" if then is None else "сейчас нет"
    was, has = _verdict(then), _verdict(now)
    if was != has:
        return f"тогда {was}, сейчас {has}"
    return (
        f"вывод тот же; низких процедур {then.n_low_procedures} → {now.n_low_procedures}, "
        f"участников {then.n_participants_total} → {now.n_participants_total}"
    )


def _verdict(row: Any) -> str:
    return {None: "нет вывода", True: "низкие", False: "не низкие"}[row.is_low_results]


def _school_cells(then: Any, now: Any) -> list[Any]:
    one = then or now
    cells = [one.municipality_name, one.school_name, one.school_code, one.login, one.method_code]
    cells += [None if row is None else _verdict(row) for row in (then, now)]
    for name in _COMPARED[1:]:
        cells += [None if row is None else getattr(row, name) for row in (then, now)]
    return cells


def _mart_cells(compared: Comparison) -> Iterator[list[Any]]:
    for mart in sorted(compared.then_hashes.keys() | compared.now_hashes.keys() | compared.recorded_hashes.keys()):
        then, now = compared.then_hashes.get(mart), compared.now_hashes.get(mart)
        recorded = compared.recorded_hashes.get(mart)
        yield [
            *(mart, then and then[0], now and now[0]),
            "" if recorded is None else "да" if recorded == then else "нет",
            "да" if then != now else "нет",
        ]


def _time(moment: datetime) -> str:
    return f"{moment:%d.%m.%Y %H:%M:%S}"
