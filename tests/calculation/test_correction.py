"""A calculation is a thing: the same inbox gives the same marts, and one corrected mark is one difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from approval_region import do
from ravenstvo.calculation import run_stage
from ravenstvo.calculation.approval import approve
from ravenstvo.intake.discover import read_inbox
from ravenstvo.intake.landing import land
from ravenstvo.runtime import tasks
from ravenstvo.runtime.withdrawal import WithdrawalError, undo, withdraw
from ravenstvo.sample import generate
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.migrate import upgrade

pytestmark = pytest.mark.slow(seconds=130)

YEARS, YEAR, METHOD = [2021, 2022], 2022, "rosobr_30"
# A mark that one pupil gets instead of a better one, in a protocol sent again.
EXAM, PROCEDURE = Path("2022") / "ОГЭ" / "математика.csv", "oge_math"


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("region") / "входящие"
    generate(out, 3, 8, YEARS)
    return out


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Settings]]:
    """Makes homes with a warehouse and a pseudonym key of their own."""
    made: list[Settings] = []

    def make() -> Settings:
        settings = Settings(home=tmp_path_factory.mktemp("home"), warehouse_url=None, airflow_url=None)
        settings.make_home()
        made.append(settings)
        upgrade(settings)
        return settings

    yield make
    for settings in made:
        server.stop(settings)


def calculate(settings: Settings, inbox: Path, order: Callable[[list[Any]], list[Any]] = list) -> str:
    """The steps of the DAG, files landed in a chosen order. Returns the number of the calculation."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAVENSTVO_HOME", str(settings.home))
        for file in order(read_inbox(inbox, YEAR, settings)["files"]):
            land(file, settings)
        calculation = tasks.prepare(YEAR)
        assert calculation is not None
        run_stage(settings, calculation, "seeds")
        tasks.validate(calculation)
        for stage in ("staging", "core"):
            run_stage(settings, calculation, stage)
        tasks.estimate(calculation)
        run_stage(settings, calculation, "marts")
        tasks.finish(calculation)
    return calculation["calculation_id"]


@pytest.fixture(scope="module")
def first(home: Callable[[], Settings], inbox: Path) -> tuple[Settings, str]:
    settings = home()
    return settings, calculate(settings, inbox)


def _hashes(settings: Settings, calculation_id: str) -> dict[str, tuple[int, str]]:
    rows = do(
        settings, "select mart, n_rows, hash from marts.mart_calculation_hash where calculation_id = %s", calculation_id
    )
    return {mart: (n_rows, found) for mart, n_rows, found in rows}


def test_the_same_inbox_landed_in_another_order_gives_the_same_marts(
    first: tuple[Settings, str], home: Callable[[], Settings], inbox: Path
) -> None:
    settings, calculation_id = first
    other = home()
    other_id = calculate(other, inbox, lambda files: files[::-1])
    assert other.key_file.read_bytes() != settings.key_file.read_bytes()
    order = "select array_agg(path order by file_id) from ops.source_file"
    assert do(other, order) != do(settings, order)
    mine, theirs = _hashes(settings, calculation_id), _hashes(other, other_id)
    assert {mart for mart in mine if mine[mart] != theirs.get(mart)} == set()
    assert mine.keys() == theirs.keys() >= {"mart_identification", "mart_identification_evidence", "fct_result"}
    assert all(n_rows > 0 for mart, (n_rows, _) in mine.items() if mart.startswith(("fct_result", "mart_ident")))


def _lower_one_mark(inbox: Path) -> tuple[str, Path]:
    """Send the protocol again with one passing mark turned into a fail. Returns the school's code and the file."""
    lines = (inbox / EXAM).read_bytes().decode("cp1251").split("\n")
    place = next(place for place, line in enumerate(lines) if line.strip().endswith((";3", ";4", ";5")))
    cells = lines[place].strip().split(";")
    cells[-2:] = ["3", "2"]
    lines[place] = ";".join(cells) + "\r" * lines[place].endswith("\r")
    corrected = EXAM.with_name("математика исправленная.csv")
    (inbox / corrected).write_bytes("\n".join(lines).encode("cp1251"))
    return cells[1].zfill(6), corrected


def test_one_changed_mark_is_one_school_and_one_procedure_and_the_approved_list_stays(
    first: tuple[Settings, str], inbox: Path
) -> None:
    settings, calculation_id = first
    approve(settings, YEAR, "Иванова А. А.", "приказ № 7")
    published = "select to_jsonb(row) from marts.mart_identification_published as row order by school_id"
    shown = (
        "select school_id, method_code, decided_status, decided_by, decided_at, decision_document "
        "from marts.mart_identification where decided_status is not null order by school_id"
    )
    approved, decided, hashes = do(settings, published), do(settings, shown), _hashes(settings, calculation_id)
    assert len(approved) == len(decided) > 0

    code, corrected = _lower_one_mark(inbox)
    second = calculate(settings, inbox)

    changes = do(
        settings,
        "select distinct school.school_code, change.procedure_code, "
        "change.n_participants_before = change.n_participants, change.n_below_min - change.n_below_min_before, "
        "change.reason_kind, change.file_path, change.file_version, "
        "change.replaced_path, change.base_calculation_id, change.is_base_published, change.calculation_id "
        "from core.int_calculation_change as change "
        "inner join marts.dim_school as school on change.school_id = school.school_id and school.is_current "
        "where change.year = %s",
        YEAR,
    )
    assert changes == [
        (code, PROCEDURE, True, 1, "file", corrected.as_posix(), 2, EXAM.as_posix(), calculation_id, True, second)
    ]
    (methods,) = do(settings, "select array_agg(distinct method_code) from core.int_calculation_change")
    assert METHOD in methods[0]

    assert do(settings, published) == approved
    assert do(settings, shown) == decided, "the next calculation shows the same decisions as the approval did"
    assert _hashes(settings, calculation_id) == hashes
    assert {mart for mart, found in _hashes(settings, second).items() if found != hashes[mart]} >= {
        "fct_result",
        "fct_school_procedure",
        "mart_identification_evidence",
    }
    stands = do(settings, "select calculation_id, is_published from marts.mart_calculation order by started_at")
    assert stands == [(calculation_id, True), (second, False)]

    book = settings.reports_dir / str(YEAR) / f"Изменения — расчёт {second}.xlsx"
    sheets = openpyxl.load_workbook(book, read_only=True)
    files = ["Исправленные файлы", "Строки файлов", "Витрины"]
    assert sheets.sheetnames == ["Сводка", "Вошли", "Вышли", "Вывод тот же", *files]
    rows = [row for name in sheets.sheetnames[1:4] for row in sheets[name].iter_rows(min_row=2, values_only=True)]
    told = {(row[2], row[17]) for row in rows if row[2]}
    assert told == {(code, corrected.as_posix())}
    ((*_, n_changed, n_added, n_removed, n_schools),) = sheets[files[0]].iter_rows(min_row=2, values_only=True)
    assert (n_changed, n_added, n_removed, n_schools) == (1, 0, 0, 1)
    cells = {row[4]: row[5:7] for row in sheets[files[1]].iter_rows(min_row=2, values_only=True)}
    assert cells["Отметка"][1] == "2"


def test_a_withdrawn_correction_counts_no_more_and_can_be_returned(first: tuple[Settings, str], inbox: Path) -> None:
    settings, calculation_id = first
    facts = ("fct_result", "fct_school_procedure", "mart_identification_evidence")
    corrected = EXAM.with_name("математика исправленная.csv")
    if not (inbox / corrected).exists():
        _lower_one_mark(inbox)
        calculate(settings, inbox)

    with pytest.raises(WithdrawalError, match="кто отзывает"):
        withdraw(settings, corrected.as_posix(), "", "ошибка")
    with pytest.raises(WithdrawalError, match="нет"):
        withdraw(settings, "нет такого.csv", "Иванова А. А.", "ошибка")
    done = withdraw(settings, corrected.as_posix(), "Иванова А. А.", "прислан по ошибке")
    assert (done.path, done.years) == (corrected.as_posix(), [YEAR])
    assert (done.in_force_anew, done.out_of_force) == ([EXAM.as_posix()], [corrected.as_posix()])
    with pytest.raises(WithdrawalError, match="уже отозван"):
        withdraw(settings, corrected.as_posix(), "Иванова А. А.", "ещё раз")

    # The file still lies in the inbox and is not loaded again.
    before, after = _hashes(settings, calculation_id), _hashes(settings, calculate(settings, inbox))
    assert {name: after[name] for name in facts} == {name: before[name] for name in facts}
    states = do(
        settings, "select status, count(*) from ops.source_file where path = %s group by 1", corrected.as_posix()
    )
    assert states == [("withdrawn", 1)]

    returned = undo(settings, corrected.name, "Иванова А. А.")
    assert (returned.in_force_anew, returned.out_of_force) == ([corrected.as_posix()], [EXAM.as_posix()])
    assert do(settings, "select withdrawn_by, reason, is_undone, undone_by from ops.withdrawal") == [
        ("Иванова А. А.", "прислан по ошибке", True, "Иванова А. А.")
    ]


def test_readers_of_the_marts_see_calculations_but_not_the_records_behind_them(first: tuple[Settings, str]) -> None:
    settings, _ = first
    marts = ("mart_calculation", "mart_calculation_hash", "mart_identification_published")
    for mart in marts:
        assert do(settings, f"set role bi_reader; select count(*) >= 0 from marts.{mart}") == [(True,)]
    for table in ("ops.calculation", "core.decision", "core.history_identification", "core.int_calculation_change"):
        assert do(settings, "select has_table_privilege('bi_reader', %s, 'select')", table) == [(False,)]
