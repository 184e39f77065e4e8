"""An inbox in which nearly every file is bad in its own way; each must get its own clear message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ravenstvo.sample.pupils import Work, vpr_works
from ravenstvo.sample.region import build_schools
from ravenstvo.sample.registers import write_registers
from ravenstvo.sample.spec import names, vpr_items
from ravenstvo.sample.tables import Row, write_workbook
from ravenstvo.sample.vpr_files import DATIVE, SHEETS

SEED, N_SCHOOLS, YEAR, LAYOUT = 7, 8, 2021, "russian"
NEEDED_COLUMN, UNKNOWN_COLUMN = "всего баллов", "любимый цвет"
Change = Callable[[list[Row]], list[Row]]


@dataclass(frozen=True)
class Broken:
    """A file of the broken inbox. `is_refused`: the whole file must be refused; `words`: what its message names."""

    path: Path
    fault: str
    is_refused: bool
    words: tuple[str, ...] = ()


def generate_broken(out: Path) -> list[Broken]:
    """Write the broken inbox into `out` (one good file and good registers among it) and say what is wrong where."""
    schools = build_schools(SEED, N_SCHOOLS, [YEAR])
    write_registers(out, schools, [YEAR])
    works: dict[str, list[Work]] = {}
    for work in vpr_works(SEED, schools, YEAR, YEAR):
        if work.truth != "rejected" and work.school is not None:
            works.setdefault(work.procedure, []).append(work)

    empty, not_a_book = out / "пустой файл.xlsx", out / "текст вместо книги.xlsx"
    empty.touch()
    not_a_book.write_text("Это не книга, а письмо.\n", encoding="utf-8")
    foreign = out / "меню столовой.xlsx"
    write_workbook(
        foreign, {"Неделя 1": [["День", "Блюдо", "Цена"], ["понедельник", "каша", 40], ["вторник", "суп", 55]]}
    )

    above, who = _above_maximum(works["math_6"])
    stranger = [replace(work, login="sch" + names()["unknown_login"]) for work in works["rus_6"][:3]]
    return [
        Broken(empty, "empty", True),
        Broken(not_a_book, "not_a_workbook", True),
        Broken(foreign, "no_layout", True, ("Неделя 1",)),
        Broken(_write(out, works["math_5"], _without_column), "missing_column", True, (NEEDED_COLUMN,)),
        Broken(_write(out, works["rus_5"], _with_column), "unknown_column", True, (UNKNOWN_COLUMN,)),
        Broken(_write(out, above), "above_maximum", False, (str(who.total),)),
        Broken(_write(out, works["rus_6"] + stranger), "unknown_school", False, (stranger[0].login,)),
        Broken(_write(out, works["math_4"]), "none", False),
    ]


def _above_maximum(listed: list[Work]) -> tuple[list[Work], Work]:
    at = next(i for i, work in enumerate(listed) if work.truth == "present")
    highest = sum(score for _, score in vpr_items(listed[at].procedure))
    bad = replace(listed[at], total=highest + 5, truth="rejected")
    return [*listed[:at], bad, *listed[at + 1 :]], bad


def _write(out: Path, listed: list[Work], change: Change = list) -> Path:
    first = listed[0]
    path = (
        out / "ВПР" / str(YEAR) / f"Проведение работы по {DATIVE[first.subject]}, {first.grade} класс. ВПР {YEAR}.xlsx"
    )
    write_workbook(path, {name: change(list(rows)) for name, rows in SHEETS[LAYOUT](listed).items()})
    return path


def _without_column(rows: list[Row]) -> list[Row]:
    at = list(rows[0]).index(NEEDED_COLUMN)
    return [[*row[:at], *row[at + 1 :]] for row in rows]


def _with_column(rows: list[Row]) -> list[Row]:
    return [[row[0], UNKNOWN_COLUMN if number == 0 else "синий", *row[1:]] for number, row in enumerate(rows)]
