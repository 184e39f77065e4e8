"""The sender's error workbook: one ``.xlsx`` per file with anything to correct, in Russian."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg2 import sql

from ravenstvo.quality.findings import DAY_FIRST
from ravenstvo.quality.workbook_sheets import FileReport, PartCounts, Remark, Row, write_workbook
from ravenstvo.settings import Settings
from ravenstvo.sources import PRIVATE_COLUMNS, Column, Source, load_sources
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.roles import LOADER

LISTED_WARNINGS = 200
"""Warnings of one kind and sheet that get a line each; the numbers of the other rows share one line."""
LISTED_REJECTED = 50_000
"""Findings that reject a row and get a line each, per kind and sheet; a workbook must stay one that opens."""
ROW_NUMBERS_LENGTH = 30_000  # a cell of .xlsx holds 32,767 characters
NO_YEAR = "без года"
_SHOWN = {
    "attendance": {"present": "был", "partial": "писал не все части", "absent": "отсутствовал"},
    "exam": {"ege": "ЕГЭ", "oge": "ОГЭ"},
    "snils_state": {
        "valid": "верен",
        "missing": "не указан",
        "malformed": "не 11 цифр",
        "wrong_check": "неверное контрольное число",
    },
}  # values that are the program's own words, not the file's


def write_workbooks(settings: Settings) -> list[Path]:
    """Bring the workbooks up to date with what the warehouse says of every file; returns those written, by name.

    A workbook carries the time of the last thing said about its file, so one that is current is left alone, one that
    a killed run did not write is written now, and one whose file has nothing wrong any more is removed.
    """
    written = []
    with connect(settings, LOADER) as connection, connection.cursor() as cursor:
        for file_id, path, year, said_at, has_remarks in _files(cursor):
            target = workbook_path(settings, file_id, path, year)
            if not has_remarks:
                target.unlink(missing_ok=True)
            elif not target.exists() or abs(target.stat().st_mtime - said_at.timestamp()) > 1:
                target.parent.mkdir(parents=True, exist_ok=True)
                write_workbook(target, _file_report(cursor, file_id, path))
                os.utime(target, (said_at.timestamp(), said_at.timestamp()))
                written.append(target)
    return sorted(written)


def workbook_path(settings: Settings, file_id: int | None, path: str, year: int | None) -> Path:
    """Where the workbook of a file lies: its path in the inbox folded into the name, since file names repeat."""
    name = re.sub(r"[\\/:*?\"<>|\x00-\x1f]+", " · ", path).strip(" .")[-150:]
    number = "" if file_id is None else f" (файл {file_id})"
    return settings.reports_dir / str(year or NO_YEAR) / "errors" / f"{name}{number} — замечания.xlsx"


def _files(cursor: Any) -> list[tuple[int | None, str, int | None, datetime, bool]]:
    """(file_id, path, year, when the last thing was said of it, whether anything is wrong), each file once."""
    cursor.execute(
        """
        with said as (
            select file_id, null as path, validated_at as said_at,
                n_rows_rejected + n_warnings > 0 or exists (
                    select 1 from ops.control_total as total where total.part_id = part.part_id and not total.agrees
                ) as is_remark
            from ops.source_part as part where validated_at is not null
            union all
            select file_id, case when file_id is null then path end, found_at, true from ops.file_problem
        )
        select said.file_id, coalesce(file.path, said.path, '') as path,
            (select max(year) from ops.source_part as part where part.file_id = said.file_id),
            max(said.said_at), bool_or(said.is_remark)
        from said left join ops.source_file as file using (file_id)
        group by said.file_id, coalesce(file.path, said.path, '')
        order by path, file_id
        """
    )
    return list(cursor.fetchall())


def _file_report(cursor: Any, file_id: int | None, path: str) -> FileReport:
    cursor.execute(
        """
        select sheet, source, sum(n_rows_read), coalesce(sum(n_rows_accepted), 0), coalesce(sum(n_rows_rejected), 0),
            sum(n_rows_dropped), coalesce(sum(n_warnings), 0)
        from ops.source_part where file_id = %s group by sheet, source order by min(part_id)
        """,
        (file_id,),
    )
    sources = load_sources()
    parts, kinds = [], set()
    for sheet, source, *counts in cursor.fetchall():
        kinds.add(source)
        parts.append(PartCounts(sheet, sources[source].title if source in sources else "не данные", *counts))
    columns, originals = _rejected_originals(cursor, file_id)
    return FileReport(
        path=path,
        parts=parts,
        remarks=[
            *_problem_remarks(cursor, file_id, path),
            *_total_remarks(cursor, file_id),
            *_finding_remarks(cursor, file_id),
        ],
        columns=columns,
        rows=[*_rejected_rows(cursor, file_id, originals), *_warning_rows(cursor, file_id)],
        hides_people=any(
            column.kind == "pseudonym" for part in kinds if part in sources for column in sources[part].columns
        ),
    )


def _problem_remarks(cursor: Any, file_id: int | None, path: str) -> list[Remark]:
    """What intake found wrong with the file itself."""
    cursor.execute(
        """
        select severity, concat_ws(', ', sheet, 'строка ' || row_no), column_name, value, message, advice
        from ops.file_problem
        where file_id = %(file)s or (%(file)s is null and file_id is null and path = %(path)s)
        order by problem_id
        """,
        {"file": file_id, "path": path},
    )
    kinds = {"error": "Ошибка файла", "warning": "Предупреждение"}
    return [
        Remark(kinds[severity], place or "", column or "", f"{message} [{value}]" if value else message, None, advice)
        for severity, place, column, value, message, advice in cursor.fetchall()
    ]


def _total_remarks(cursor: Any, file_id: int | None) -> list[Remark]:
    """Control totals of the sheet that the rows do not confirm."""
    cursor.execute(
        """
        select part.sheet, total.row_no, total.total_name, total.column_name, total.stated, total.computed
        from ops.control_total as total inner join ops.source_part as part using (part_id)
        where part.file_id = %s and not total.agrees order by part.part_id, total.row_no, total.column_name
        """,
        (file_id,),
    )
    return [
        Remark(
            "Предупреждение",
            sheet if row_no is None else f"{sheet}, строка {row_no}",
            column or "",
            f"Итог «{name}» не сходится: в файле {stated}, по строкам {computed}.",
            None,
            "Проверьте, все ли строки есть в файле и верен ли итог.",
        )
        for sheet, row_no, name, column, stated, computed in cursor.fetchall()
    ]


def _finding_remarks(cursor: Any, file_id: int | None) -> list[Remark]:
    """One remark per kind of finding: an example of it, and in how many rows."""
    cursor.execute(
        """
        select part.sheet, finding.source, finding.severity, finding.column_name, min(finding.message),
            count(distinct finding.message), count(distinct (finding.part_id, finding.row_no)), min(finding.advice)
        from ops.row_finding as finding inner join ops.source_part as part using (part_id)
        where finding.file_id = %s
        group by part.sheet, finding.source, finding.severity, finding.expectation_id, finding.column_name
        order by finding.severity, 7 desc, finding.expectation_id
        """,
        (file_id,),
    )
    return [
        Remark(
            "Строки отклонены" if severity == "critical" else "Предупреждение",
            sheet,
            _title(source, column),
            message if n_messages == 1 else f"{message} (и другие значения)",
            n_rows,
            advice,
        )
        for sheet, source, severity, column, message, n_messages, n_rows, advice in cursor.fetchall()
    ]


def _title(source: str, column: str | None) -> str:
    """Russian title of a canonical column."""
    titles = {known.name: known.title for known in load_sources()[source].columns}
    return titles.get(column or "", column or "")


def _rejected_originals(cursor: Any, file_id: int | None) -> tuple[list[str], dict[tuple[int, int], list[str]]]:
    """Russian titles of the columns, and by part and row the cells of every rejected row as they were read.

    A file with several kinds of records has the columns of all of them side by side.
    """
    cursor.execute(
        "select source, array_agg(distinct part_id) from ops.row_finding "
        "where file_id = %s and severity = 'critical' group by source order by source",
        (file_id,),
    )
    columns: list[str] = []
    cells: dict[tuple[int, int], list[str]] = {}
    for name, part_ids in cursor.fetchall():
        source: Source = load_sources()[name]
        shown = [column for column in source.columns if column.name not in PRIVATE_COLUMNS]
        cursor.execute(
            sql.SQL(
                """
                select distinct on (part_id, row_no) part_id, row_no, {columns} from landing.{source}
                where (part_id, row_no) in (
                    select part_id, row_no from ops.row_finding where part_id = any(%s) and severity = 'critical'
                )
                order by part_id, row_no
                """
            ).format(
                columns=sql.SQL(", ").join(sql.Identifier(column.name) for column in shown),
                source=sql.Identifier(name),
            ),
            (part_ids,),
        )
        before = [""] * len(columns)
        for part_id, row_no, *values in cursor.fetchall():
            cells[part_id, row_no] = before + list(map(_as_written, shown, values))
        columns.extend(column.title for column in shown)
    return columns, cells


def _as_written(column: Column, value: str | None) -> str:
    """A landed value as the sender knows it."""
    text = _SHOWN.get(column.name, {}).get(value or "", value or "")
    return re.sub(*DAY_FIRST, text) if column.kind == "date" else text


def _rejected_rows(cursor: Any, file_id: int | None, originals: dict[tuple[int, int], list[str]]) -> list[Row]:
    cursor.execute(
        """
        select part_id, row_no, sheet, source, column_name, value, message, advice
        from (
            select
                finding.*, part.sheet, min(finding.part_id) over (partition by part.sheet) as sheet_place,
                row_number() over (
                    partition by part.sheet, finding.expectation_id order by finding.row_no
                ) as place
            from ops.row_finding as finding inner join ops.source_part as part using (part_id)
            where finding.file_id = %s and finding.severity = 'critical'
        ) as numbered
        where place <= %s order by sheet_place, row_no, expectation_id, part_id, record_key
        """,
        (file_id, LISTED_REJECTED),
    )
    return [
        Row(
            sheet,
            str(row_no),
            _title(source, column),
            value or "",
            "Отклонена",
            message,
            advice or "",
            originals.get((part_id, row_no), []),
        )
        for part_id, row_no, sheet, source, column, value, message, advice in cursor.fetchall()
    ]


def _warning_rows(cursor: Any, file_id: int | None) -> list[Row]:
    """The first warnings of each kind a line each, then one line with the numbers of all the other rows."""
    cursor.execute(
        """
        with numbered as (
            select
                finding.*, part.sheet, min(finding.part_id) over (partition by part.sheet) as sheet_place,
                row_number() over (
                    partition by part.sheet, finding.expectation_id order by finding.row_no, finding.record_key
                ) as place
            from ops.row_finding as finding inner join ops.source_part as part using (part_id)
            where finding.file_id = %(file)s and finding.severity = 'warning'
        )
        select sheet_place, expectation_id, 0 as is_rest, row_no, row_no::text, sheet, source, column_name, value,
            message, advice
        from numbered where place <= %(listed)s
        union all
        select sheet_place, expectation_id, 1, min(row_no),
            left(string_agg(row_no::text, ', ' order by row_no), %(length)s), sheet, source, column_name, null,
            'То же замечание, что и выше, ещё к строкам: ' || count(*), min(advice)
        from numbered where place > %(listed)s
        group by sheet_place, expectation_id, sheet, source, column_name
        order by 1, 2, 3, 4
        """,
        {"file": file_id, "listed": LISTED_WARNINGS, "length": ROW_NUMBERS_LENGTH},
    )
    return [
        Row(sheet, rows, _title(source, column), value or "", "Предупреждение", message, advice or "", [])
        for _, _, _, _, rows, sheet, source, column, value, message, advice in cursor.fetchall()
    ]
