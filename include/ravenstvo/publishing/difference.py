"""The workbook that says what differs between two calculations of a year: which schools, why, which file version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import NamedTupleCursor

from ravenstvo.publishing import corrected
from ravenstvo.publishing.corrected import Corrected, corrected_lines, corrections_between
from ravenstvo.publishing.sheets import Column, workbook
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

ENTERED, LEFT, SAME = "Вошли", "Вышли", "Вывод тот же"
_KINDS = (ENTERED, LEFT, SAME)
# A year rests on the files of so many years before it.
_YEARS_BACK = 2

_LAST_YEAR = "select max(year) as year from marts.mart_identification"
# The pair that the year's marts were compared as: the calculation that made them and its base.
_PAIR = """
select base.year, now_done.calculation_id, now_done.finished_at, now_done.seeds_hash, now_done.code_version,
    before_done.calculation_id as base_id, before_done.finished_at as base_finished_at,
    before_done.seeds_hash as base_seeds_hash, before_done.code_version as base_code_version,
    publication.approved_by, publication.approved_at, publication.document
from ops.calculation_base as base
inner join ops.calculation as now_done using (calculation_id)
inner join ops.calculation as before_done on base.base_calculation_id = before_done.calculation_id
left join lateral (
    select approved_by, approved_at, document from ops.publication as published
    where published.calculation_id = base.base_calculation_id and published.year = base.year
        and published.superseded_by is null
    order by approved_at desc limit 1
) as publication on true
where base.year = %(year)s and base.calculation_id = (
    select max(calculation_id) from marts.mart_identification where year = %(year)s
)
"""
_NEW_FILES = """
select distinct file.path, part.sheet, part.version, replaced.path as replaced_path
from ops.calculation_input as input
inner join ops.source_part as part using (part_id)
inner join ops.source_file as file using (file_id)
left join lateral (
    select string_agg(distinct old_file.path, '; ' order by old_file.path) as path
    from ops.source_part as old_part inner join ops.source_file as old_file using (file_id)
    where old_part.superseded_by = part.part_id
) as replaced on true
where input.calculation_id = %(now)s
    and not exists (
        select 1 from ops.calculation_input as known
        where known.calculation_id = %(base)s and known.part_id = input.part_id
    )
order by file.path, part.sheet
"""
_CHANGES = """
select * from (
    select
        coalesce(mart.municipality_name, school.municipality_name) as municipality,
        coalesce(mart.school_name, school.name, change.school_id) as school,
        coalesce(mart.school_code, school.school_code) as code,
        coalesce(mart.login, school.login) as login,
        coalesce(method.label_ru, change.method_code) as method,
        change.method_code,
        change.school_id,
        change.is_low_results_before, change.is_low_results,
        coalesce(procedure.title_ru, change.procedure_code) as procedure,
        change.n_participants_before, change.n_participants, change.n_below_min_before, change.n_below_min,
        change.is_low_before, change.is_low, change.is_low_last_year_before, change.is_low_last_year,
        change.reason, change.file_path, change.file_version, change.replaced_path, change.replaced_version
    from core.int_calculation_change as change
    left join marts.mart_identification as mart using (year, school_id, method_code)
    left join core.dim_school as school on change.school_id = school.school_id and school.is_current
    left join core.dim_procedure as procedure on change.procedure_code = procedure.procedure_code
    left join lateral (
        select label_ru from core.dim_method as known
        where known.method_code = change.method_code and known.valid_from_year <= change.year
        order by known.valid_from_year desc limit 1
    ) as method on true
    where change.year = %(year)s and change.calculation_id = %(now)s
) as named
order by method_code collate "C", municipality collate "C", school collate "C", school_id collate "C",
    procedure collate "C"
"""

_COLUMNS = (
    *(Column("Муниципалитет", 24), Column("Школа", 36), Column("Код ОО", 10), Column("Логин", 13), Column("Метод", 30)),
    *(Column("Вывод был", 16), Column("Вывод стал", 16), Column("Процедура", 30)),
    *(Column("Участников было", 11), Column("Участников стало", 11)),
    *(Column("Ниже минимума было", 11), Column("Ниже минимума стало", 11)),
    *(Column("Доля была", 9), Column("Доля стала", 9), Column("Низкая была", 9), Column("Низкая стала", 9)),
    *(Column("Почему", 42), Column("Файл", 44), Column("Версия", 8)),
    *(Column("Заменил файл", 44), Column("Его версия", 8)),
)


@dataclass(frozen=True)
class Difference:
    """Two calculations of a year and the rows in which they differ. ``pair`` is null when there is only one."""

    year: int
    pair: Any
    files: list[Any]
    changes: list[Any]
    corrected: Corrected = corrected.NOTHING

    @property
    def is_there(self) -> bool:
        """Whether there is anything to write down."""
        return bool(self.changes or self.corrected.files)

    def of_kind(self, kind: str) -> list[Any]:
        """Rows of schools that entered a method's list, left it, or kept their verdict."""
        return [row for row in self.changes if _kind(row) == kind]

    @property
    def n_schools(self) -> int:
        """Schools that differ, by whatever method."""
        return len({row.school_id for row in self.changes})

    @property
    def is_published(self) -> bool:
        """Whether people have approved a list on the earlier calculation."""
        return self.pair is not None and self.pair.approved_by is not None


def difference(cursor: Cursor, year: int | None = None) -> Difference:
    """What the calculation that the marts hold changed in a year; without a year, in the last one with results."""
    with cursor.connection.cursor(cursor_factory=NamedTupleCursor) as named:
        named.execute("select to_regclass('core.int_calculation_change') is null as is_missing")
        if named.fetchone().is_missing:  # type: ignore[union-attr]
            return Difference(year or 0, None, [], [])
        if year is None:
            named.execute(_LAST_YEAR)
            year = named.fetchone().year or 0  # type: ignore[union-attr]
        named.execute(_PAIR, {"year": year})
        pair: Any = named.fetchone()
        if pair is None:
            return Difference(year, None, [], [])
        named.execute(_NEW_FILES, {"now": pair.calculation_id, "base": pair.base_id})
        files = named.fetchall()
        named.execute(_CHANGES, {"year": year, "now": pair.calculation_id})
        changes = named.fetchall()
    rows = corrections_between(cursor, pair.base_id, pair.calculation_id, year - _YEARS_BACK, year)
    return Difference(year, pair, files, changes, rows)


def write_published_differences(settings: Settings, years: Sequence[int]) -> list[Path]:
    """Write a workbook for each of ``published_differences``; returns the workbooks written."""
    with connect(settings) as connection, connection.cursor() as cursor:
        return [
            write_difference(found, difference_path(settings, found)) for found in published_differences(cursor, years)
        ]


def published_differences(cursor: Cursor, years: Sequence[int]) -> Iterator[Difference]:
    """Comparisons, year by year from the first to the last, in which an approved list no longer is what is computed."""
    for year in range(min(years), max(years) + 1):
        found = difference(cursor, year)
        if found.is_published and found.is_there:
            yield found


def difference_path(settings: Settings, found: Difference) -> Path:
    """Where the workbook of a comparison lies."""
    return settings.reports_dir / str(found.year) / f"Изменения — расчёт {found.pair.calculation_id}.xlsx"


def difference_lines(found: Difference) -> Iterator[str]:
    """What the workbook says, in a few lines."""
    if found.pair is None:
        yield f"Сравнивать не с чем: за {found.year} год прежнего расчёта нет."
        return
    for name, value in _summary(found):
        yield f"  {name}: {value}" if name and value else f"    {value}" if value else f"{name}:"
    if found.corrected.files:
        yield "Что исправлено в строках файлов:"
        yield from corrected_lines(found.corrected)


def write_difference(found: Difference, target: Path) -> Path:
    """Write the workbook of a comparison of two calculations."""
    with workbook(target, f"Изменения перечня {found.year} года") as book:
        book.lines("Сводка", f"Изменения перечня, {found.year} год", _summary(found), (44, 110))
        for kind in _KINDS:
            book.table(kind, _COLUMNS, map(_cells, found.of_kind(kind)))
        if found.corrected.files:
            book.table("Исправленные файлы", corrected.FILE_COLUMNS, map(corrected.file_cells, found.corrected.files))
            book.table("Строки файлов", corrected.ROW_COLUMNS, map(corrected.row_cells, found.corrected.rows))
            book.table("Витрины", corrected.MART_COLUMNS, map(corrected.mart_cells, found.corrected.marts))
    return target


def _summary(found: Difference) -> Iterator[tuple[str, str]]:
    pair = found.pair
    yield "Расчёты", ""
    yield "Этот расчёт", f"{pair.calculation_id}, закончен {_time(pair.finished_at)}"
    yield "Сравнивается с", f"{pair.base_id}, закончен {_time(pair.base_finished_at)}"
    approved = "нет"
    if pair.approved_by is not None:
        approved = f"да: {pair.approved_by}, {pair.approved_at:%d.%m.%Y}, документ: {pair.document or 'не указан'}"
    yield "На нём утверждён перечень", approved
    yield "Что изменилось во входных данных", ""
    yield "Справочники и методы", _changed(pair.base_seeds_hash, pair.seeds_hash)
    yield "Программа и модели", _changed(pair.base_code_version, pair.code_version)
    yield "Новых листов и версий", str(len(found.files))
    for file in found.files:
        replaced = f" вместо {file.replaced_path}" if file.replaced_path else ""
        yield "", f"{file.path}, лист «{file.sheet}», версия {file.version}{replaced}"
    yield "Что изменилось в выводах", ""
    if not found.changes:
        yield "Отличий нет", "числа участников и выводы всех методов те же"
    for method in dict.fromkeys(row.method for row in found.changes):
        counts = [
            f"{kind.lower()} — {len({row.school_id for row in found.of_kind(kind) if row.method == method})}"
            for kind in _KINDS
        ]
        yield method, "школ: " + ", ".join(counts)


def _kind(row: Any) -> str:
    if bool(row.is_low_results) == bool(row.is_low_results_before):
        return SAME
    return ENTERED if row.is_low_results else LEFT


def _cells(row: Any) -> list[Any]:
    procedure = row.procedure or "вывод изменился без изменения процедур"
    if row.is_low_last_year_before is not row.is_low_last_year and row.procedure:
        was, now = _yes(row.is_low_last_year_before), _yes(row.is_low_last_year)
        procedure += f" (годом раньше низкая: было {was}, стало {now})"
    return [
        *(row.municipality, row.school, row.code, row.login, row.method),
        *(_verdict(row.is_low_results_before), _verdict(row.is_low_results), procedure),
        *(row.n_participants_before, row.n_participants, row.n_below_min_before, row.n_below_min),
        _share(row.n_below_min_before, row.n_participants_before),
        _share(row.n_below_min, row.n_participants),
        *(_yes(row.is_low_before), _yes(row.is_low)),
        *(row.reason, row.file_path, row.file_version, row.replaced_path, row.replaced_version),
    ]


def _verdict(is_low: bool | None) -> str:
    return "нет вывода" if is_low is None else "низкие" if is_low else "не низкие"


def _yes(value: bool | None) -> str:
    return "" if value is None else "да" if value else "нет"


def _share(part: int | None, whole: int | None) -> float | None:
    return None if part is None or not whole else part / whole


def _changed(before: str | None, now: str | None) -> str:
    return "те же" if before == now else f"изменились: было {(before or '—')[:24]}, стало {(now or '—')[:24]}"


def _time(moment: datetime | None) -> str:
    return "ещё идёт" if moment is None else f"{moment:%d.%m.%Y %H:%M}"
