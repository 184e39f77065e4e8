"""What corrections changed in the rows of the files, and in the marts: for the terminal and for the workbook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import NamedTupleCursor

from ravenstvo.publishing.sheets import Column
from ravenstvo.sources import PRIVATE_COLUMNS, load_sources
from ravenstvo.words import counted, number

_FILES_TOLD, _ROWS_TOLD = 5, 3
LISTED_ROWS = 50_000
"""Changed cells that a workbook holds; the warehouse holds all of them (``ops.correction_row``)."""

_CORRECTIONS = """
select correction.* from ops.correction as correction
where correction.calculation_id = any(%s)
order by correction.correction_id
"""
_ROWS = """
select correction.correction_id, correction.source, row.change, row.school_key, row.record,
    row.part_before, row.part_now,
    file_before.path as path_before, part_before.sheet as sheet_before, row.row_before,
    file_now.path as path_now, part_now.sheet as sheet_now, row.row_now,
    row.column_name, row.value_before, row.value_now
from ops.correction as correction
inner join ops.correction_row as row using (correction_id)
left join ops.source_part as part_before on row.part_before = part_before.part_id
left join ops.source_file as file_before on part_before.file_id = file_before.file_id
left join ops.source_part as part_now on row.part_now = part_now.part_id
left join ops.source_file as file_now on part_now.file_id = file_now.file_id
where correction.correction_id = any(%s)
order by correction.correction_id, row.change <> 'changed', row.change, coalesce(row.part_now, row.part_before),
    coalesce(row.row_now, row.row_before), row.column_name collate "C"
limit %s
"""
# Calculations from the one compared with to the one in hand; a correction of a broken calculation is noted again.
_BETWEEN = """
select between_them.calculation_id
from ops.calculation as between_them
inner join ops.calculation as base on base.calculation_id = %(base)s
inner join ops.calculation as now_done on now_done.calculation_id = %(now)s
where between_them.status = 'done'
    and between_them.finished_at > base.finished_at and between_them.finished_at <= now_done.finished_at
"""
_BEFORE = """
select before.calculation_id
from ops.calculation as before
inner join ops.calculation as now_done on now_done.calculation_id = %s
where before.status = 'done' and before.finished_at < now_done.started_at
order by before.finished_at desc
limit 1
"""
_MARTS = """
select coalesce(now.mart, before.mart) as mart, before.n_rows as n_before, now.n_rows as n_now,
    now.hash is distinct from before.hash as is_changed
from (select * from ops.mart_hash where calculation_id = %(base)s) as before
full join (select * from ops.mart_hash where calculation_id = %(now)s) as now using (mart)
order by coalesce(now.mart, before.mart) collate "C"
"""

FILE_COLUMNS = (
    *(Column("Год", 7), Column("Сведения", 30), Column("Стали действовать файлы", 44)),
    *(Column("Перестали действовать файлы", 44), Column("Записей было", 10), Column("Записей стало", 10)),
    *(Column("Изменено", 10), Column("Добавлено", 11), Column("Исчезло", 10), Column("Школ", 8)),
)
ROW_COLUMNS = (
    *(Column("Что с записью", 13), Column("Сведения", 24), Column("Школа, как в файле", 16), Column("Запись", 26)),
    *(Column("Столбец", 26), Column("Было", 22), Column("Стало", 22)),
    *(Column("Файл", 44), Column("Лист", 16), Column("Строка", 8)),
    *(Column("Прежний файл", 44), Column("Прежний лист", 16), Column("Прежняя строка", 10)),
)
MART_COLUMNS = (Column("Витрина", 40), Column("Строк было", 11), Column("Строк стало", 11), Column("Изменилась", 12))
_CHANGES = {"changed": "изменилась", "added": "добавилась", "removed": "исчезла"}
_PRIVATE = "не показывается"


@dataclass(frozen=True)
class Corrected:
    """Corrected contents, the cells that changed (as many as a workbook holds), and marts before and after."""

    files: list[Any]
    rows: list[Any]
    marts: list[Any]

    @property
    def n_schools(self) -> int:
        """Schools whose rows changed, by the names that the files give them."""
        return len({row.school_key for row in self.rows if row.school_key})


NOTHING = Corrected([], [], [])


def corrections_of(cursor: Cursor, calculation_id: str) -> Corrected:
    """What a calculation was the first to take into account; marts beside those of the calculation before."""
    with cursor.connection.cursor(cursor_factory=NamedTupleCursor) as named:
        files = _files(named, [calculation_id])
        named.execute(_BEFORE, (calculation_id,))
        before: Any = named.fetchone()
        return _corrected(named, files, before.calculation_id if before else "", calculation_id)


def corrections_between(cursor: Cursor, base_id: str, calculation_id: str, first: int, last: int) -> Corrected:
    """What came after a calculation and up to another one, in the years from ``first`` to ``last`` and without one."""
    with cursor.connection.cursor(cursor_factory=NamedTupleCursor) as named:
        named.execute(_BETWEEN, {"base": base_id, "now": calculation_id})
        between: list[Any] = named.fetchall()
        files = [
            file
            for file in _files(named, [row.calculation_id for row in between])
            if file.year is None or first <= file.year <= last
        ]
        return _corrected(named, files, base_id, calculation_id)


def corrected_lines(corrected: Corrected) -> Iterator[str]:
    """A few lines for a terminal: files, counts before and after, the first rows, how many marts changed."""
    for file in corrected.files[:_FILES_TOLD]:
        yield f"  {_what(file)}: записей было {number(file.n_rows_before)}, стало {number(file.n_rows_now)}"
        yield (
            f"    изменено {number(file.n_changed)}, добавлено {number(file.n_added)}, "
            f"исчезло {number(file.n_removed)}; школ: {number(file.n_schools)}"
        )
        own = (row for row in corrected.rows if row.correction_id == file.correction_id)
        for _, cells in islice(groupby(own, _record), _ROWS_TOLD):
            yield f"      {_record_line(list(cells))}"
        if (n_more := file.n_changed + file.n_added + file.n_removed - _ROWS_TOLD) > 0:
            yield f"      … и ещё {counted(n_more, 'запись', 'записи', 'записей')}"
    if len(corrected.files) > _FILES_TOLD:
        yield f"  … и ещё {len(corrected.files) - _FILES_TOLD}"
    if corrected.files:
        n_changed = sum(mart.is_changed for mart in corrected.marts)
        yield f"  Витрин изменилось: {n_changed} из {len(corrected.marts)}, остальные совпали до строки"


def file_cells(file: Any) -> list[Any]:
    """A row of the sheet of corrected files."""
    return [
        *(file.year, _title(file.source), "; ".join(file.files_now), "; ".join(file.files_gone)),
        *(file.n_rows_before, file.n_rows_now, file.n_changed, file.n_added, file.n_removed, file.n_schools),
    ]


def row_cells(row: Any) -> list[Any]:
    """A row of the sheet of changed rows."""
    return [
        *(_CHANGES[row.change], _title(row.source), row.school_key, row.record, _column(row)),
        *_values(row),
        *(row.path_now, row.sheet_now, row.row_now, row.path_before, row.sheet_before, row.row_before),
    ]


def mart_cells(mart: Any) -> list[Any]:
    """A row of the sheet of marts."""
    return [mart.mart, mart.n_before, mart.n_now, "да" if mart.is_changed else "нет"]


def _files(named: Cursor, calculation_ids: Sequence[str]) -> list[Any]:
    named.execute(_CORRECTIONS, (list(calculation_ids),))
    return named.fetchall()


def _corrected(named: Cursor, files: list[Any], base_id: str, calculation_id: str) -> Corrected:
    if not files:
        return NOTHING
    named.execute(_ROWS, ([file.correction_id for file in files], LISTED_ROWS))
    rows = named.fetchall()
    named.execute(_MARTS, {"base": base_id, "now": calculation_id})
    return Corrected(files, rows, named.fetchall())


def _what(file: Any) -> str:
    now, gone = "; ".join(file.files_now), "; ".join(file.files_gone)
    if not now:
        return f"{gone} больше не действует"
    return f"{now} вместо {gone}" if gone else f"{now} — вместо части прежних строк"


def _record(row: Any) -> tuple[Any, ...]:
    """What the cells of one record have in common."""
    return row.change, row.part_before, row.row_before, row.part_now, row.row_now, row.record


def _record_line(cells: list[Any]) -> str:
    row = cells[0]
    place = f"строка {row.row_now if row.row_now is not None else row.row_before}"
    whose = ", ".join(text for text in (place, row.school_key and f"школа {row.school_key}", row.record) if text)
    if row.change != "changed":
        return f"{whose}: {_CHANGES[row.change]}"
    return f"{whose}: {'; '.join(map(_cell_line, cells))}"


def _cell_line(row: Any) -> str:
    if row.column_name in PRIVATE_COLUMNS:
        return f"{_column(row)} — изменено"
    return f"{_column(row)} — было {row.value_before or 'пусто'}, стало {row.value_now or 'пусто'}"


def _values(row: Any) -> tuple[str | None, str | None]:
    return (_PRIVATE, _PRIVATE) if row.column_name in PRIVATE_COLUMNS else (row.value_before, row.value_now)


def _column(row: Any) -> str | None:
    columns = load_sources()[row.source].columns
    return next((column.title for column in columns if column.name == row.column_name), row.column_name)


def _title(source: str) -> str:
    sources = load_sources()
    return sources[source].title if source in sources else source
