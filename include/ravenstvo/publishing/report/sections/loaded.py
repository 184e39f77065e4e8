"""What was loaded: files and rows by source, what came last year and is missing now, which files were refused."""

from __future__ import annotations

from typing import Any

from ravenstvo.publishing.report.content import Block, Fold, Group, Items, Paragraph, Row, Section, Table, Text, say
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.shown import cell, count, key, order, share
from ravenstvo.sources import load_sources
from ravenstvo.words import noun

TITLE = "Что загружено"
MARTS = ("mart_data_quality", "mart_source_presence", "mart_source_file")

_FLOWS = """
select source, year, n_files, n_rows_read, n_rows_accepted, n_rows_rejected, n_rows_dropped, completeness
from marts.mart_data_quality
where year = %(year)s or year is null
"""
_MISSING = """
select year, source, source_title, state_title, n_schools, n_schools_last_year
from marts.mart_source_presence
where year = %(year)s and is_yearly and state in ('missing_came_last_year', 'partial')
"""
# A file that was refused whole may not have said its year.
_REFUSED = """
select distinct file_name, problem, advice from marts.mart_source_file
where status = 'refused' and (year = %(year)s or year is null)
"""
_MART = "mart_data_quality"


def source_title(source: str) -> str:
    """Title of a source, as its document has it."""
    known = load_sources().get(source)
    return known.title if known else source


def section(reader: Reader) -> Section:
    """What was loaded for the year."""
    rows = reader.rows(_FLOWS)
    of_year = [row for row in rows if row.year is not None]
    blocks: list[Block] = []
    if of_year:
        blocks += [_summary(of_year), _table(reader, of_year, f"Сведения {reader.year} года", "flows")]
    else:
        blocks.append(Paragraph((f"Сведений за {reader.year} год не поступало.",), "empty"))
    blocks += [*_missing(reader), *_refused(reader)]
    registers = [row for row in rows if row.year is None]
    if registers:
        table = _table(reader, registers, "Реестры и сведения, которые не относятся к одному году", "registers")
        blocks.append(Fold(f"Реестры и сведения без года ({len(registers)})", (table,)))
    return Section("loaded", TITLE, tuple(blocks), MARTS)


def _total(rows: list[Any], column: str) -> int:
    return sum(getattr(row, column) or 0 for row in rows)


def _summary(rows: list[Any]) -> Paragraph:
    files, read = _total(rows, "n_files"), _total(rows, "n_rows_read")
    return Paragraph(
        say(
            "Загружено {files} {of_files} ({sources} {of_sources} сведений), прочитано строк: {read}. "
            "Принято {accepted}, отклонено из-за критических замечаний {rejected}, отброшено {dropped} — это "
            "заголовки, итоги и пустые строки.",
            files=count(files, name="files"),
            of_files=noun(files, "файл", "файла", "файлов"),
            sources=count(len(rows), name="sources"),
            of_sources=noun(len(rows), "вид", "вида", "видов"),
            read=count(read, name="rows_read"),
            accepted=count(_total(rows, "n_rows_accepted"), name="rows_accepted"),
            rejected=count(_total(rows, "n_rows_rejected"), name="rows_rejected"),
            dropped=count(_total(rows, "n_rows_dropped"), name="rows_dropped"),
        )
    )


def _table(reader: Reader, rows: list[Any], caption: str, name: str) -> Table:
    numbers = ("n_files", "n_rows_read", "n_rows_accepted", "n_rows_rejected", "n_rows_dropped")
    shown = [
        Row(
            key(source=row.source, year=row.year),
            (
                cell(source_title(row.source)),
                *(
                    cell(
                        count(getattr(row, column)),
                        look="warn" if column == "n_rows_rejected" and row.n_rows_rejected else None,
                    )
                    for column in numbers
                ),
                cell(share(row.completeness)),
            ),
        )
        for row in sorted(rows, key=lambda row: order(source_title(row.source)))
    ]
    columns = (
        reader.column(_MART, "source", "wide"),
        *(reader.column(_MART, column, "number") for column in (*numbers, "completeness")),
    )
    return Table(name, caption, columns, (Group("", tuple(shown)),), _MART)


def _missing(reader: Reader) -> list[Block]:
    rows = sorted(reader.rows(_MISSING), key=lambda row: order(row.source_title))
    if not rows:
        return []
    told = say(
        "Пришло не всё, что было в {year} году. Виды сведений: {n}.",
        year=str(reader.year - 1),
        n=count(len(rows), name="missing"),
    )
    return [Paragraph(told, "warning"), Items(tuple(_missing_one(row) for row in rows))]


def _missing_one(row: Any) -> Text:
    told = (f"{row.source_title}: {row.state_title}",)
    if row.n_schools_last_year is None:
        return told
    where = {"mart": "mart_source_presence", "key": key(year=row.year, source=row.source)}
    return (
        *told,
        *say(
            "; школ {now}, годом раньше {before}",
            now=count(row.n_schools, column="n_schools", **where),
            before=count(row.n_schools_last_year, column="n_schools_last_year", **where),
        ),
    )


def _refused(reader: Reader) -> list[Block]:
    rows = sorted(reader.rows(_REFUSED), key=lambda row: order(row.file_name))
    if not rows:
        return []
    items = tuple((f"{row.file_name}: {' '.join(filter(None, (row.problem, row.advice)))}",) for row in rows)
    told = say("Отклонены целиком и в расчёт не вошли, файлов: {n}.", n=count(len(rows), name="refused"))
    return [Paragraph(told, "warning"), Items(items)]
