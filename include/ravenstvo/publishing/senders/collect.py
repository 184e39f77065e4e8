"""Everything that each sender is told, read from the warehouse: what is wrong, where, how often; rejected rows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from psycopg2 import sql

from ravenstvo.layouts import Layout, load_layouts
from ravenstvo.layouts.returned import PART_KEY_SQL, returned_layout, row_key, stand_in
from ravenstvo.publishing.senders.who import File, Sender, Senders, place_rows
from ravenstvo.sources import Column, load_sources

LISTED_WARNINGS = 200
"""Warnings of one kind, file and municipality that get a line each; the others share one line."""
LISTED_REJECTED = 20_000
"""The same for what rejects a row, and the most rejected rows of a part that are given back: a workbook must open."""
ROW_NUMBERS_LENGTH = 30_000  # a cell of .xlsx holds 32,767 characters
ERROR, REJECTED, WARNING = "Файл не загружен", "Строка отклонена", "Предупреждение"
"""Kinds of remarks, the most pressing first."""
_SHOWN = {
    "attendance": {"present": "был", "partial": "писал не все части", "absent": "отсутствовал"},
    "snils_state": {
        "valid": "верен",
        "missing": "не указан",
        "malformed": "не 11 цифр",
        "wrong_check": "неверное контрольное число",
    },
}  # values that are the program's own words, not the file's
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})\Z")


@dataclass(frozen=True)
class Part:
    """A part of a file in which rows have findings. Returned rows are shown where they were sent at first.

    ``key`` is what the original part is known by, ``layout`` the layout in which its rows are given back.
    """

    part_id: int
    file: File
    sheet: str
    source: str
    layout: Layout
    year: int | None
    key: str

    def header(self, column: str) -> str:
        """Header of a canonical column, as in the sender's form."""
        return _header(self.layout.name, self.source, column)


@cache
def _header(layout_name: str, source: str, column: str) -> str:
    layout = returned_layout(layout_name)
    if shown := stand_in(layout, column):
        return layout.columns[shown].header[0]
    return next((one.title for one in load_sources()[source].columns if one.name == column), column)


@dataclass(frozen=True)
class Finding:
    """One line of what is to be corrected. ``row`` may name many rows; ``place`` is the rejected row it is about."""

    kind: str
    path: str
    sheet: str
    row: str
    column: str
    value: str
    why: str
    advice: str
    place: tuple[int, int, str] | None = None


@dataclass(frozen=True)
class Remark:
    """One kind of thing that is wrong, and how often. ``n_rows`` is None where it is not a matter of rows."""

    kind: str
    what: str
    n_rows: int | None
    advice: str
    where: str


@dataclass
class Rejected:
    """A rejected row as it was read; ``marks`` are the columns that findings name, ``why`` says all of them."""

    part: Part
    row_no: int
    record: str
    values: dict[str, str]
    marks: set[str] = field(default_factory=set)
    why: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Key by which the row is known when it comes back."""
        return row_key(self.part.key, self.row_no, self.record)


@dataclass
class FileCounts:
    """What of a file is the sender's: rows accepted and rejected, and accepted ones with a warning."""

    path: str
    titles: list[str]
    n_accepted: int = 0
    n_rejected: int = 0
    n_warned: int = 0


@dataclass
class Report:
    """Everything that one sender is told about one campaign year."""

    sender: Sender
    year: int | None
    remarks: list[Remark] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rejected: dict[tuple[int, int, str], Rejected] = field(default_factory=dict)
    files: dict[str, FileCounts] = field(default_factory=dict)
    n_unlisted: int = 0
    """Rejected rows that are not given back: there are too many."""

    @property
    def n_rejected(self) -> int:
        """Rows rejected."""
        return sum(one.n_rejected for one in self.files.values())

    @property
    def n_accepted(self) -> int:
        """Rows accepted, with a warning or without."""
        return sum(one.n_accepted for one in self.files.values())

    @property
    def n_warned(self) -> int:
        """Rows accepted with a warning."""
        return sum(one.n_warned for one in self.files.values())

    @property
    def has_people(self) -> bool:
        """Whether a sheet of returned rows has columns of a person, which come empty."""
        return any(one.part.layout.person for one in self.rejected.values())


class Reports:
    """Reports by year and sender, made as the first thing is told."""

    def __init__(self) -> None:
        self._made: dict[tuple[int | None, Sender], Report] = {}

    def of(self, year: int | None, sender: Sender) -> Report:
        """The report of a sender about a year."""
        return self._made.setdefault((year, sender), Report(sender, year))

    def all(self) -> list[Report]:
        """Reports with anything to tell, by year and title; the most pressing remarks first."""
        told = [report for report in self._made.values() if report.remarks]
        for report in told:
            order = {kind: place for place, kind in enumerate((ERROR, REJECTED, WARNING))}
            report.remarks.sort(key=lambda one: (order[one.kind], -(one.n_rows or 0), one.what, one.where))
            report.findings.sort(key=lambda one: order[one.kind])
        return sorted(told, key=lambda one: (-(one.year or 0), one.sender))


def collect(cursor: Any, campaign: int | None) -> list[Report]:
    """Read what is to be told of the files in force, and of those that could not be loaded.

    Args:
        cursor: of the warehouse; temporary tables are made on its connection.
        campaign: the year that files without a year are told about.
    """
    senders, reports = Senders(cursor), Reports()
    parts = {part.part_id: part for part in _parts(cursor, campaign)}
    by_source: dict[str, list[int]] = defaultdict(list)
    for part in parts.values():
        by_source[part.source].append(part.part_id)
    place_rows(cursor, by_source)

    def report_of(part: Part, town: str | None) -> Report:
        return reports.of(part.year, senders.of_row(part.file, part.source, town))

    _count(cursor, parts, report_of)
    _remark(cursor, parts, report_of)
    _give_back(cursor, parts, by_source, report_of)
    _list(cursor, parts, report_of)
    _list_rest(cursor, parts, report_of)
    _files(cursor, campaign, senders, reports)
    return reports.all()


# -- rows --------------------------------------------------------------------------------------------------------------


def _parts(cursor: Any, campaign: int | None) -> Iterator[Part]:
    cursor.execute(
        f"""
        select own.part_id, part.file_id, file.path, part.sheet, own.source, part.layout, coalesce(own.year, %s),
            {PART_KEY_SQL}
        from ops.source_part as own
        inner join ops.source_part as part on part.part_id = coalesce(own.corrects, own.part_id)
        inner join ops.source_file as file on file.file_id = part.file_id
        where own.in_force and own.status = 'landed'
            and exists (select 1 from ops.row_finding as finding where finding.part_id = own.part_id)
        order by file.path, own.part_id
        """,
        (campaign,),
    )
    rows = cursor.fetchall()
    files = _files_by_id(cursor, sorted({row[1] for row in rows}))
    for part_id, file_id, _path, sheet, source, layout, year, key in rows:
        yield Part(part_id, files[file_id], sheet, source, _layout(layout, source), year, key)


@cache
def _layout(name: str | None, source: str) -> Layout:
    """Layout in which rows go back: that of the file, or of another form of the same source when that is gone."""
    known = [one.name for one in load_layouts().values() if one.source == source and not one.not_data]
    return returned_layout(next((one for one in (name, source) if one in known), known[0]))


def _files_by_id(cursor: Any, file_ids: list[int]) -> dict[int, File]:
    cursor.execute(
        """
        select file.file_id, file.path, array_remove(array_agg(distinct part.source), null),
            array_agg(distinct array[part.scope_kind, coalesce(part.scope_key, '')])
                filter (where part.source is not null)
        from ops.source_file as file left join ops.source_part as part on part.file_id = file.file_id
        where file.file_id = any(%s) group by file.file_id, file.path
        """,
        (file_ids,),
    )
    return {
        file_id: File(file_id, path, frozenset(sources or ()), frozenset((kind, key) for kind, key in scopes or ()))
        for file_id, path, sources, scopes in cursor.fetchall()
    }


def _count(cursor: Any, parts: dict[int, Part], report_of: Any) -> None:
    cursor.execute(
        """
        with critical as (
            select part_id, row_no, count(distinct record_key) as n_records
            from ops.row_finding where severity = 'critical' group by part_id, row_no
        ),
        warned as (select distinct part_id, row_no from ops.row_finding where severity = 'warning')
        select part_id, town,
            count(*) filter (where coalesce(critical.n_records, 0) < place.n_records),
            count(*) filter (where critical.n_records >= place.n_records),
            count(*) filter (where warned.row_no is not null and coalesce(critical.n_records, 0) < place.n_records)
        from pg_temp.row_place as place
        left join critical using (part_id, row_no)
        left join warned using (part_id, row_no)
        group by part_id, town
        """
    )
    for part_id, town, n_accepted, n_rejected, n_warned in cursor.fetchall():
        part = parts[part_id]
        counts = _counts(report_of(part, town), part.file.path, load_sources()[part.source].title)
        counts.n_accepted += n_accepted
        counts.n_rejected += n_rejected
        counts.n_warned += n_warned


def _counts(report: Report, path: str, title: str) -> FileCounts:
    counts = report.files.setdefault(path, FileCounts(path, []))
    if title and title not in counts.titles:
        counts.titles.append(title)
    return counts


def _remark(cursor: Any, parts: dict[int, Part], report_of: Any) -> None:
    """One remark per rule and sender, with the number of rows over all files."""
    cursor.execute(
        """
        select finding.part_id, place.town, finding.severity, finding.expectation_id, finding.column_name,
            count(distinct (finding.row_no, finding.record_key)), min(finding.message), count(distinct finding.message),
            min(finding.advice)
        from ops.row_finding as finding inner join pg_temp.row_place as place using (part_id, row_no)
        group by 1, 2, 3, 4, 5 order by 4
        """
    )
    told: dict[tuple[int, str], list[Any]] = {}
    reports: dict[int, Report] = {}
    for part_id, town, severity, rule, column, n_rows, message, n_messages, advice in cursor.fetchall():
        part = parts[part_id]
        report = report_of(part, town)
        reports[id(report)] = report
        one = told.setdefault((id(report), rule), [severity, part, column, 0, message, 0, advice, []])
        one[3] += n_rows
        one[5] += n_messages + (one[4] != message)
        one[7].append(part.file.path)
    for (of, _rule), (severity, part, column, n_rows, message, n_messages, advice, paths) in told.items():
        files = list(dict.fromkeys(paths))
        where = files[0] if len(files) == 1 else f"{files[0]} и ещё файлов: {len(files) - 1}"
        what = _headed(part.header(column) if column else "", message)
        reports[of].remarks.append(
            Remark(
                REJECTED if severity == "critical" else WARNING,
                what if n_messages <= 1 else f"{what.rstrip('.')} (и другие значения)",
                n_rows,
                advice or "",
                where,
            )
        )


def _headed(header: str, message: str) -> str:
    """A message led by the column that it is about, unless it begins with it."""
    return message if not header or message.lower().lstrip("«").startswith(header.lower()) else f"{header}: {message}"


def _give_back(cursor: Any, parts: dict[int, Part], by_source: dict[str, list[int]], report_of: Any) -> None:
    """Every rejected row as it was read, without what could tell one person from another."""
    for name, part_ids in by_source.items():
        source = load_sources()[name]
        columns = {column.name: column for column in source.columns}
        shown = sorted({one for part in part_ids for one in parts[part].layout.columns if one in columns})
        record = sql.SQL("coalesce(landed.{}, '')").format(sql.Identifier(source.record)) if source.record else None
        cursor.execute(
            sql.SQL(
                """
                select part_id, row_no, {record}, town, nth, {columns}
                from (
                    select landed.*, place.town,
                        row_number() over (partition by landed.part_id, place.town order by landed.row_no) as nth
                    from landing.{source} as landed
                    inner join pg_temp.row_place as place using (part_id, row_no)
                    where part_id = any(%(parts)s) and exists (
                        select 1 from ops.row_finding as finding
                        where finding.part_id = landed.part_id and finding.row_no = landed.row_no
                            and finding.record_key = {record} and finding.severity = 'critical'
                    )
                ) as landed
                where nth <= %(most)s + 1 order by part_id, row_no, 3
                """
            ).format(
                record=record or sql.SQL("''"),
                columns=sql.SQL(", ").join(map(sql.Identifier, shown)),
                source=sql.Identifier(name),
            ),
            {"parts": part_ids, "most": LISTED_REJECTED},
        )
        for part_id, row_no, record_key, town, nth, *values in cursor:
            part = parts[part_id]
            report = report_of(part, town)
            if nth > LISTED_REJECTED:
                report.n_unlisted += 1
                continue
            cells = {
                column: value
                for column, value in zip(shown, values, strict=True)
                if value is not None and column in part.layout.columns
            }
            report.rejected[part_id, row_no, record_key] = Rejected(part, row_no, record_key, cells)


def _list(cursor: Any, parts: dict[int, Part], report_of: Any) -> None:
    """A line for each finding; after so many of one kind the others share one."""
    cursor.execute(
        _LISTED
        + "select part_id, town, severity, row_no, record_key, column_name, value, message, advice from numbered"
        " where nth <= most order by path, part_id, row_no, severity, expectation_id",
        {"rejected": LISTED_REJECTED, "warnings": LISTED_WARNINGS},
    )
    for part_id, town, severity, row_no, record, column, value, message, advice in cursor:
        part = parts[part_id]
        report = report_of(part, town)
        place = (part_id, row_no, record)
        rejected = report.rejected.get(place)
        header = part.header(column) if column else ""
        if rejected is not None:
            if severity == "critical":
                rejected.marks.add(stand_in(part.layout, column or ""))
            rejected.why.append(" ".join([_headed(header, message), *([advice] if advice else [])]))
        report.findings.append(
            Finding(
                REJECTED if severity == "critical" else WARNING,
                part.file.path,
                part.sheet,
                str(row_no),
                header,
                as_written(column or "", value or ""),
                message,
                advice or "",
                place if rejected is not None else None,
            )
        )


_LISTED = """
with numbered as (
    select finding.*, place.town, file.path,
        case finding.severity when 'critical' then %(rejected)s else %(warnings)s end as most,
        row_number() over (
            partition by finding.part_id, finding.expectation_id, place.town
            order by finding.row_no, finding.record_key
        ) as nth
    from ops.row_finding as finding
    inner join pg_temp.row_place as place using (part_id, row_no)
    inner join ops.source_file as file on file.file_id = finding.file_id
)
"""


def _list_rest(cursor: Any, parts: dict[int, Part], report_of: Any) -> None:
    cursor.execute(
        _LISTED
        + """
        select part_id, town, severity, column_name, count(*), min(advice),
            left(string_agg(row_no::text, ', ' order by row_no), %(length)s)
        from numbered where nth > most group by part_id, town, severity, column_name, expectation_id
        order by part_id, expectation_id
        """,
        {"rejected": LISTED_REJECTED, "warnings": LISTED_WARNINGS, "length": ROW_NUMBERS_LENGTH},
    )
    for part_id, town, severity, column, n_rows, advice, rows in cursor.fetchall():
        part = parts[part_id]
        report_of(part, town).findings.append(
            Finding(
                REJECTED if severity == "critical" else WARNING,
                part.file.path,
                part.sheet,
                rows,
                part.header(column) if column else "",
                "",
                f"То же замечание, что и выше, ещё к строкам: {n_rows}",
                advice or "",
            )
        )


def as_written(column: str, value: str, known: Column | None = None) -> str:
    """A landed value as the sender knows it: a date day first, the program's own words in Russian."""
    text = _SHOWN.get(column, {}).get(value, value)
    if known is not None and known.kind != "date":
        return text
    return _DAY.sub(r"\3.\2.\1", text)


# -- files -------------------------------------------------------------------------------------------------------------


def _files(cursor: Any, campaign: int | None, senders: Senders, reports: Reports) -> None:
    """What is wrong with files as a whole, and control totals that the rows do not confirm."""
    cursor.execute(
        """
        with problem as (
            select problem.*, coalesce(file.path, problem.path, '') as file_path, file.status
            from ops.file_problem as problem left join ops.source_file as file using (file_id)
        )
        select file_id, file_path, sheet, row_no, column_name, value, message, advice,
            status = 'refused' or file_id is null and severity = 'error' as is_refused,
            (select max(year) from ops.source_part as part where part.file_id = problem.file_id)
        from problem
        where
            file_id is null
            or code like 'returned%'
            or exists (select 1 from ops.source_part as part where part.file_id = problem.file_id and part.in_force)
            or status = 'refused' and not exists (
                select 1 from ops.source_file as later
                where later.path = problem.file_path and later.file_id > problem.file_id
                    and later.status in ('landed', 'waiting')
            )
        union all
        select part.file_id, file.path, part.sheet, total.row_no, total.column_name, null,
            format('Итог «%s» не сходится: в файле %s, по строкам %s.', total_name, stated, computed),
            'Проверьте, все ли строки есть в файле и верен ли итог.', false, part.year
        from ops.control_total as total
        inner join ops.source_part as part using (part_id)
        inner join ops.source_file as file on file.file_id = part.file_id
        where not total.agrees and part.in_force
        order by file_path, file_id, row_no
        """
    )
    rows = cursor.fetchall()
    files = _files_by_id(cursor, sorted({row[0] for row in rows if row[0] is not None}))
    for file_id, path, sheet, row_no, column, value, message, advice, is_refused, year in rows:
        file = files[file_id] if file_id is not None else File(None, path, frozenset(), frozenset())
        report = reports.of(year or campaign, senders.of_file(file))
        kind = ERROR if is_refused else WARNING
        place = ", ".join([path, *([sheet] if sheet else []), *([f"строка {row_no}"] if row_no else [])])
        report.remarks.append(Remark(kind, message, None, advice or "", place))
        row = "" if row_no is None else str(row_no)
        report.findings.append(Finding(kind, path, sheet or "", row, column or "", value or "", message, advice or ""))
        titles = [load_sources()[source].title for source in sorted(file.sources)]
        for title in titles or ["не загружен" if is_refused else ""]:
            _counts(report, path, title)
