"""Say what a file would become, without loading it: which form each sheet is, and what each column becomes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ravenstvo.intake.facts import gather, title_texts
from ravenstvo.intake.opening import Sheet, open_sheets
from ravenstvo.intake.problems import Problem, RefusedError
from ravenstvo.intake.propose import propose
from ravenstvo.intake.pseudonym import Pseudonyms
from ravenstvo.intake.reader import Block, FileReader, too_much_memory
from ravenstvo.intake.recognise import HEADER_WITHIN, Fit, Header, column_letter
from ravenstvo.sources import load_sources


class _Examiner(FileReader):
    """Reads as intake does, and remembers which form was laid over which sheet."""

    def __init__(self, path: str, spool_dir: Path, pseudonyms: Pseudonyms) -> None:
        super().__init__(path, spool_dir, pseudonyms)
        self.blocks: list[tuple[Sheet, Block]] = []

    def _blocks(self, sheet: Sheet, path: str) -> Iterator[Block]:
        for block in super()._blocks(sheet, path):
            self.blocks.append((sheet, block))
            yield block


def examine_file(
    path: str, full_path: Path, pseudonyms: Pseudonyms, *, source: str | None = None, wants_proposal: bool = False
) -> dict[str, Any]:
    """Read one file as intake would, keep nothing, and describe what was understood.

    Args:
        path: its path with ``/``; folders may name the year and the grade.
        full_path: where it is.
        pseudonyms: the gate for personal data: values of cells are never in the answer.
        source: what the file is known to be, for the proposal.
        wants_proposal: whether layout documents are to be proposed for the sheets that no form fits.

    Returns:
        ``sheets``: for each recognised block its form, facts and columns, and what became of its rows; ``problems``;
        ``proposals``: layout documents as texts, with notes.
    """
    data = full_path.read_bytes()
    problems: list[Problem] = []
    answer: dict[str, Any] = {"sheets": [], "proposals": [], "refused": False}
    with tempfile.TemporaryDirectory(prefix="ravenstvo-") as spool:
        reader = _Examiner(path, Path(spool), pseudonyms)
        try:
            reader.read(data, full_path.suffix.lower())
        except RefusedError as error:
            problems += error.problems
            answer["refused"] = True
        except MemoryError:
            problems.append(too_much_memory())
            answer["refused"] = True
        problems = [*reader.problems, *problems]
        answer["sheets"] = [_told(reader, sheet, block) for sheet, block in reader.blocks]
        if wants_proposal and answer["refused"]:
            known = {sheet.name for sheet, _block in reader.blocks}
            answer["proposals"] = _proposals(path, data, full_path.suffix.lower(), known, source)
    answer["problems"] = [problem.as_dict() for problem in problems]
    return answer


def _proposals(path: str, data: bytes, suffix: str, known: set[str], source: str | None) -> list[dict[str, Any]]:
    """A layout document for each sheet that no form fits; sheets of one shape need one."""
    made: dict[tuple[str, ...], dict[str, Any]] = {}
    try:
        for sheet in open_sheets(data, suffix):
            if sheet.name in known:
                continue
            place = f"{path}/{sheet.place}" if sheet.place else path
            facts = gather(title_texts(sheet.rows[:HEADER_WITHIN]), sheet.name, place)
            proposal = propose(sheet.rows, facts, source)
            if proposal:
                made.setdefault(proposal.headers, {"sheet": sheet.name, **proposal.as_dict()})
    except (RefusedError, MemoryError):
        # The file cannot be opened further; why is among the problems already.
        pass
    return list(made.values())


def _told(reader: FileReader, sheet: Sheet, block: Block) -> dict[str, Any]:
    fit, layout = block.fit, block.fit.layout
    parts = [part for part in reader.parts if part.sheet == sheet.name and part.header_row == fit.header + 1]
    source = load_sources().get(layout.source)
    return {
        "sheet": sheet.name,
        "layout": layout.name,
        "title": layout.title,
        "source": source.title if source else layout.source,
        "is_data": not layout.not_data,
        "header_row": fit.header + 1,
        "facts": {name: value for name, value in block.facts.items() if name != "exam_label"},
        "n_rows_read": sum(part.n_rows_read for part in parts),
        "n_rows_landed": sum(part.n_rows_landed for part in parts),
        "dropped": {reason: n for part in parts for reason, n in part.dropped.items() if n},
        "titles": {column.name: column.title for column in source.columns} if source else {},
        "not_found": [name for name in layout.columns if name not in fit.columns],
        "columns": _columns(fit, sheet),
    }


def _columns(fit: Fit, sheet: Sheet) -> list[dict[str, Any]]:
    """What each column with a header became: ``becomes`` names canonical columns, ``kind`` says how."""
    held: dict[int, list[str]] = {}
    for name, positions in fit.columns.items():
        held.setdefault(positions[0], []).append(name)
    items = {position: label for label, position in fit.items}
    records = {position: name for columns in fit.records.values() for name, position in columns.items()}
    unknown = dict(fit.unknown)
    columns = []
    header = Header(sheet.rows, fit.header).cells(fit.layout.header_rows)
    for position, (_parent, _child, text, _name) in enumerate(header):
        if not text:
            continue
        kind, becomes = "ignored", []
        if position in held:
            kind, becomes = "column", held[position]
        elif position in items:
            kind, becomes = "item", [items[position]]
        elif position in records:
            kind, becomes = "record", [records[position]]
        elif position in unknown:
            kind = "unknown"
        columns.append({"column": column_letter(position), "header": text, "kind": kind, "becomes": becomes})
    return columns
