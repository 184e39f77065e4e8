"""Read a file: open, recognise and map its sheets, and spool their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ravenstvo.errors import why
from ravenstvo.intake.cells import clean
from ravenstvo.intake.facts import FACT_TITLES, Facts, complete_subject, gather, keep_relevant, title_texts
from ravenstvo.intake.mapping import Mapper
from ravenstvo.intake.opening import Sheet, open_sheets
from ravenstvo.intake.parts import Part, Sorter
from ravenstvo.intake.problems import Problem, RefusedError
from ravenstvo.intake.pseudonym import Pseudonyms
from ravenstvo.intake.recognise import HEADER_WITHIN, Fit, column_letter, recognise
from ravenstvo.intake.returned_rows import sort_returned
from ravenstvo.intake.totals import ControlTotals
from ravenstvo.layouts import REPORT
from ravenstvo.sources import load_sources

_HEADER_AFTER_TITLE = 4
_TITLE_CELLS = 2


@dataclass
class Block:
    """Rows of one exam on a sheet: from its title to the next title."""

    fit: Fit
    facts: Facts
    start: int
    end: int


class FileReader:
    """Reads one file into parts; ``problems`` collects warnings that do not stop it."""

    def __init__(self, path: str, spool_dir: Path, pseudonyms: Pseudonyms) -> None:
        self.path = path
        self.parts: list[Part] = []
        self.problems: list[Problem] = []
        self.spool_dir = spool_dir
        self._pseudonyms = pseudonyms

    def read(self, data: bytes, suffix: str) -> None:
        """Read every sheet.

        Raises:
            RefusedError: at least one sheet cannot be loaded; all its problems are named.
        """
        problems: list[Problem] = []
        n_sheets = 0
        for sheet in open_sheets(data, suffix):
            if not any(any(map(clean, row)) for row in sheet.rows):
                continue
            n_sheets += 1
            try:
                self._read_sheet(sheet)
            except RefusedError as error:
                problems += error.problems
        if problems:
            raise RefusedError(*problems)
        if not n_sheets:
            raise RefusedError(Problem("empty", "В файле нет ни одной заполненной строки", "Проверьте выгрузку"))
        if not any(part.n_records for part in self.parts):
            if any(part.layout.startswith(REPORT) for part in self.parts):
                raise RefusedError(
                    Problem(
                        "nothing_returned",
                        "В книге с замечаниями нет строк, которые можно загрузить",
                        "Если строки исправлены, проверьте, что они остались на своих листах и ключи не изменены; "
                        "если исправлять нечего, присылать книгу не нужно",
                    )
                )
            raise RefusedError(
                Problem(
                    "no_data",
                    "Шапка знакома, но под ней нет ни одной строки данных",
                    "Пришлите заполненную форму: пустую форму сбора загружать незачем",
                    sheet=self.parts[0].sheet if self.parts else None,
                )
            )

    def _read_sheet(self, sheet: Sheet) -> None:
        path = f"{self.path}/{sheet.place}" if sheet.place else self.path
        for number, block in enumerate(self._blocks(sheet, path), start=1):
            layout = block.fit.layout
            if layout.not_data:
                n_rows = block.end - block.start
                part = Part(sheet.name, number, layout.name, n_rows_read=n_rows)
                part.dropped["not_data"] = n_rows
                self.parts.append(part)
            else:
                self._check_needs(block, sheet)
                _check_unnamed(block, sheet)
                self._read_block(sheet, number, block)

    def _blocks(self, sheet: Sheet, path: str) -> Iterator[Block]:
        rows = sheet.rows
        first = self._block(sheet, path, 0, None)
        if not first.fit.layout.stacked:
            yield first
            return
        starts = [first]
        for index in range(first.fit.first_data, len(rows)):
            if index < starts[-1].fit.first_data or not self._is_exam_title(rows[index]):
                continue
            starts[-1].end = index
            starts.append(self._block(sheet, path, index, starts[-1].fit))
        yield from starts

    @staticmethod
    def _is_exam_title(row: Sequence[Any]) -> bool:
        filled = [text for cell in row if cell not in ("", None) and (text := clean(cell))]
        if not filled or len(filled) > _TITLE_CELLS:
            return False
        return "exam_date" in gather(title_texts([row]), "", "")

    def _block(self, sheet: Sheet, path: str, start: int, previous: Fit | None) -> Block:
        rows = sheet.rows
        if previous is None:
            rough = gather(title_texts(rows[:HEADER_WITHIN]), sheet.name, path)
            fit = recognise(rows, rough, sheet.name)
            facts = gather(title_texts(rows[: fit.header]), sheet.name, path)
        else:
            facts = gather(title_texts([rows[start]]), sheet.name, path)
            fit = self._next_fit(sheet, facts, start, previous)
        facts["exam"] = fit.layout.constants.get("exam") or fit.layout.source.partition("_")[0]
        complete_subject(facts, facts["exam"])
        self._compare_year(fit, facts, sheet)
        if fit.layout.is_returned:
            # Each row says everything itself; the names around it are those of a workbook of remarks.
            facts = {"exam": facts["exam"]}
        elif not fit.layout.not_data:
            facts = keep_relevant(facts, load_sources()[fit.layout.source])
        return Block(fit, facts, start, len(rows))

    @staticmethod
    def _next_fit(sheet: Sheet, facts: Facts, start: int, previous: Fit) -> Fit:
        """Header of the next stacked exam, or the one above when it is not repeated."""
        try:
            return recognise(sheet.rows, facts, sheet.name, start + 1, _HEADER_AFTER_TITLE)
        except RefusedError:
            return replace(previous, first_data=start + 1)

    def _compare_year(self, fit: Fit, facts: Facts, sheet: Sheet) -> None:
        said = fit.facts.get("year_in_header")
        if said and facts.get("year", said) != said:
            self.problems.append(
                Problem(
                    "year_differs",
                    f"В заголовке или имени листа {facts['year']} год, а в шапке столбца {said}; взят {facts['year']}",
                    "Проверьте, за какой год форма, и исправьте шапку",
                    severity="warning",
                    sheet=sheet.name,
                    row=fit.header + 1,
                    value=said,
                )
            )
        if said:
            facts.setdefault("year", said)

    def _check_needs(self, block: Block, sheet: Sheet) -> None:
        lacking = [fact for fact in block.fit.layout.needs if fact not in block.facts]
        if lacking:
            names = ", ".join(FACT_TITLES.get(fact, fact) for fact in lacking)
            raise RefusedError(
                Problem(
                    "missing_fact",
                    f"Не удалось узнать: {names} (форма «{block.fit.layout.title}»)",
                    "Назовите это в заголовке над таблицей, в имени файла или в имени папки: 2021/5/Математика.xlsx",
                    sheet=sheet.name,
                    row=block.fit.header + 1,
                )
            )

    def _read_block(self, sheet: Sheet, number: int, block: Block) -> None:
        fit = block.fit
        source = load_sources()[fit.layout.source]
        mapper = Mapper(fit, source, block.facts, self._pseudonyms)
        header = sheet.rows[fit.header : fit.header + fit.layout.header_rows]
        sorter = Sorter(sheet.name, number, block.fit, block.facts, source)
        numbered = zip(range(fit.first_data + 1, block.end + 1), sheet.rows[fit.first_data : block.end], strict=True)
        totals = ControlTotals(mapper, source)
        if fit.layout.is_returned:
            self.problems += sort_returned(sheet, mapper, mapper.map(numbered, header), sorter)
        else:
            for row_no, record in mapper.map(numbered, header):
                totals.add(record)
                sorter.write(row_no, record)
        parts = sorter.close(self.spool_dir, len(self.parts))
        if not parts and fit.layout.is_returned:
            # All rows were taken off the sheet: nothing came, not an empty version of something.
            parts = [Part(sheet.name, number, fit.layout.name)]
        elif not parts:
            parts = [Part(sheet.name, number, fit.layout.name, source.name, dict(block.facts))]
        first = parts[0]
        first.dropped += mapper.tally.dropped
        above = fit.first_data - block.start
        n_header = fit.layout.header_rows if fit.header >= block.start else 0
        first.dropped["header"] += n_header
        first.dropped["title"] += above - n_header
        first.n_blanks_as_zero = mapper.tally.n_blanks_as_zero
        first.totals = totals.compare(fit, block.facts)
        for part in parts:
            part.header_row = fit.header + 1
            part.n_rows_read = part.n_rows_landed + sum(part.dropped.values())
            part.item_labels = [label for label, _position in fit.items]
            part.given_columns = mapper.given_columns if fit.layout.is_returned else []
            part.restored_codes = mapper.restored_codes
        self.parts += parts


def _check_unnamed(block: Block, sheet: Sheet) -> None:
    """Stop at data under no header, unless the layout knows of it."""
    fit = block.fit
    if fit.layout.merged or fit.layout.unnamed == "ignore":
        return
    for position in fit.unnamed:
        for index in range(fit.first_data, block.end):
            row = sheet.rows[index]
            if position < len(row) and row[position] != "" and (text := clean(row[position])):
                raise RefusedError(
                    Problem(
                        "unnamed_column",
                        f"В столбце {column_letter(position)} есть значения, но нет заголовка",
                        "Подпишите столбец, очистите его, или укажите в документе формы «unnamed: ignore»",
                        sheet=sheet.name,
                        row=index + 1,
                        column=column_letter(position),
                        # Where people are named, a stray cell may be a name.
                        value=None if fit.layout.person else text[:100],
                    )
                )


def read_file(path: str, full_path: Path, spool_dir: Path, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """Read one file of the inbox.

    Args:
        path: its path with ``/``, from the inbox's own name on: folders may name the year and the grade.
        full_path: where it is.
        spool_dir: an empty folder for its rows.
        pseudonyms: the gate for personal data.

    Returns:
        sha256, size_bytes, parts (see ``Part``) and problems; ``refused`` tells whether anything may be loaded.
    """
    try:
        data = full_path.read_bytes()
    except OSError as error:
        gone = Problem("not_opened", f"Файл не открывается: {why(error)}", "Пришлите файл заново")
        return {"refused": True, "parts": [], "problems": [gone.as_dict()]}
    reader = FileReader(path, spool_dir, pseudonyms)
    answer: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data), "refused": False}
    try:
        reader.read(data, full_path.suffix.lower())
    except RefusedError as error:
        reader.problems += error.problems
        answer["refused"] = True
        reader.parts = []
    except MemoryError:
        reader.problems.append(too_much_memory())
        answer["refused"] = True
        reader.parts = []
    answer["parts"] = [part.as_dict() for part in reader.parts]
    answer["problems"] = [problem.as_dict() for problem in reader.problems]
    return answer


def too_much_memory() -> Problem:
    """The problem of a file that no reasonable memory can hold."""
    return Problem(
        "too_large",
        "Файл не читается в отведённой памяти: он повреждён или слишком велик",
        "Откройте его в Excel, удалите пустое оформление, сохраните заново; большие данные разделите",
    )
