"""A calculation is a thing: the same inbox gives the same marts, and one corrected mark is one difference."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import psycopg2
import pytest
from approval_region import do
from ravenstvo.calculation import run_stage
from ravenstvo.calculation.approval import approve
from ravenstvo.calculation.decision_workbook import DecisionWorkbookError
from ravenstvo.calculation.inputs import data_hashes
from ravenstvo.calculation.school_decisions import decide
from ravenstvo.intake.discover import read_inbox
from ravenstvo.intake.landing import land
from ravenstvo.publishing.school_review import open_keys, write_review
from ravenstvo.runtime import tasks
from ravenstvo.runtime.key_rotation import rotate
from ravenstvo.runtime.withdrawal import WithdrawalError, undo, withdraw
from ravenstvo.sample import generate
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade
from returned import correct, faults, plant

pytestmark = pytest.mark.slow(seconds=190)

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


# What says of files how many they are and what they are called.
ABOUT_FILES = {"mart_data_quality", "mart_source_presence", "mart_indicator_row"}


def test_rows_corrected_in_the_workbooks_give_the_marts_of_an_inbox_that_was_right(
    first: tuple[Settings, str], home: Callable[[], Settings], inbox: Path, tmp_path: Path
) -> None:
    right, calculation_id = first
    wrong_inbox, wrong = tmp_path / "входящие", faults()
    shutil.copytree(inbox, wrong_inbox, ignore=shutil.ignore_patterns("*исправленная*"))
    plant(wrong_inbox, wrong)
    settings = home()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAVENSTVO_HOME", str(settings.home))
        for file in read_inbox(wrong_inbox, YEAR, settings)["files"]:
            land(file, settings)
        calculation = tasks.prepare(YEAR)
        assert calculation is not None
        run_stage(settings, calculation, "seeds")
        tasks.validate(calculation)
    n_rejected = "select count(*) from ops.rejected_row join ops.source_part using (part_id) where in_force"
    before = do(settings, n_rejected)[0][0]
    assert correct(settings, YEAR, wrong, wrong_inbox) == len(wrong)

    second = calculate(settings, wrong_inbox)

    assert do(settings, n_rejected)[0][0] == before - len(wrong) == do(right, n_rejected)[0][0]
    mine, theirs = _hashes(right, calculation_id), _hashes(settings, second)
    assert {mart for mart in mine if mine[mart] != theirs.get(mart)} <= ABOUT_FILES
    rows = (
        "select to_jsonb(row) - 'calculation_id' - 'part_id' - 'file_name' as told from marts.mart_indicator_row as row"
        " order by 1"
    )
    assert do(settings, rows) == do(right, rows)
    counts = "sum(n_rows_accepted), sum(n_rows_rejected), sum(n_rows_read - n_rows_dropped)"
    sums = f"select {counts} from marts.mart_data_quality"
    assert do(settings, sums) == do(right, sums)


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


def _check_numbers_of_the_open_list(settings: Settings) -> None:
    """What the list tells school by school, the table of numbers neither hides nor contradicts."""
    counted = (
        "select municipality_code, count(*), count(*) filter (where status = 'listed') from publish.publish_school_list"
        " where year = %s and method_code = %s and status <> 'insufficient_data' group by municipality_code order by 1"
    )
    by_place = {place: (n, low) for place, n, low in do(settings, counted, YEAR, METHOD)}
    shown = do(
        settings,
        "select municipality_code, is_hidden, n_schools_rounded, n_low_rounded, percent_from, percent_to"
        " from publish.publish_identification where year = %s and method_code = %s",
        *(YEAR, METHOD),
    )
    assert len(shown) == len(by_place) + 1 > 1
    for place, is_hidden, n_rounded, low_rounded, low_from, low_to in shown:
        if place is None:
            n, low = map(sum, zip(*by_place.values(), strict=True))
            assert abs(low - low_rounded) <= 2
        else:
            n, low = by_place[place]
        assert not is_hidden
        assert abs(n - n_rounded) <= 2
        assert low_from * n <= low * 100 <= low_to * n


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
    _check_numbers_of_the_open_list(settings)

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


_LINKS = {
    "results of a pupil": "select person_key, count(*) from core.fct_result "
    "where person_key is not null group by 1 having count(*) > 1",
    "years of a worker": "select person_key, count(distinct year) from core.fct_staff "
    "where person_key is not null group by 1 having count(distinct year) > 1",
    "courses of a worker": "select course.person_key, count(*) from core.fct_pd_record as course "
    "inner join core.fct_staff as staff using (person_key) group by 1",
}


def _links(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    return {name: do(settings, statement) for name, statement in _LINKS.items()}


def test_a_new_key_of_the_pseudonyms_changes_no_figure_and_no_link(first: tuple[Settings, str], inbox: Path) -> None:
    settings, _ = first
    ((before_id,),) = do(settings, "select max(calculation_id) from ops.calculation where status = 'done'")
    links = _links(settings)
    assert all(len(found) > 10 for found in links.values()), {name: len(found) for name, found in links.items()}
    assert rotate(settings, "Иванова А. А.", "плановая смена").version == 2

    after_id = calculate(settings, inbox)
    assert _hashes(settings, after_id) == _hashes(settings, before_id)
    for name, found in _links(settings).items():
        assert {key for key, _ in found}.isdisjoint(key for key, _ in links[name]), name
        assert sorted(n for _, n in found) == sorted(n for _, n in links[name]), name


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


ALIASES = Path("Реестры") / "Варианты названий.xlsx"
UNKNOWN_CODE, UNKNOWN_LOGIN = "088001", "sch889999"


def _to_core(settings: Settings, inbox: Path) -> None:
    """As far as keys of schools are settled."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAVENSTVO_HOME", str(settings.home))
        for file in read_inbox(inbox, YEAR, settings)["files"]:
            land(file, settings)
        calculation = tasks.prepare(YEAR)
        assert calculation is not None
        tasks.validate(calculation)
        for stage in ("staging", "core"):
            run_stage(settings, calculation, stage)


def _review(settings: Settings, target: Path, decisions: dict[str, tuple[str, str]]) -> Path:
    """Write the review workbook and fill it: key → decision and reason."""
    with connect(settings) as connection, connection.cursor() as cursor:
        write_review(target, *open_keys(cursor))
    book = openpyxl.load_workbook(target)
    for row in book["Ключи школ"].iter_rows(min_row=2):
        if row[2].value in decisions:
            row[3].value, row[5].value = decisions[row[2].value]
    book.save(target)
    return target


def _hashed(settings: Settings) -> dict[int, str]:
    with connect(settings) as connection, connection.cursor() as cursor:
        return data_hashes(cursor, YEAR)


def test_a_decision_on_a_key_is_kept_and_counts_from_the_next_run_and_can_be_taken_back(
    first: tuple[Settings, str], inbox: Path, tmp_path: Path
) -> None:
    settings, _ = first
    book = openpyxl.Workbook()
    book.active.append(["Вариант наименования", "Код ОО", "Источник"])
    book.active.append(["Школа за рекой", int(UNKNOWN_CODE), "письмо"])
    book.save(inbox / ALIASES)
    _to_core(settings, inbox)
    keys = {
        kind: (how, school)
        for kind, how, school in do(
            settings,
            "select key_kind, how, school_id from core.bridge_school_key where key_written in (%s, %s)",
            *(UNKNOWN_CODE, UNKNOWN_LOGIN),
        )
    }
    assert keys == {"code": ("unknown", None), "login": ("unknown", None)}
    n_lost = "select count(*) from core.fct_result where school_id is null and school_key = %s"
    unresolved = do(settings, n_lost, UNKNOWN_LOGIN)[0][0]
    assert unresolved > 0
    ((code, own),) = do(
        settings,
        "select school_code, (select count(*) from core.fct_result as r where r.school_id = s.school_id) "
        "from core.dim_school as s where is_current and school_code is not null order by school_code limit 1",
    )
    before = _hashed(settings)

    wrong = _review(settings, tmp_path / "ошибки.xlsx", {UNKNOWN_LOGIN: ("765432", "похоже"), UNKNOWN_CODE: (code, "")})
    with pytest.raises(DecisionWorkbookError, match=r"2 ошибки(?s:.*)765432(?s:.*)почему"):
        decide(settings, wrong, "Иванова А. А.")
    assert do(settings, "select count(*) from ops.school_decision") == [(0,)]

    answers = {UNKNOWN_LOGIN: (code.lstrip("0"), "описка в логине"), UNKNOWN_CODE: (code, "опечатка в коде")}
    filled = _review(settings, tmp_path / "решения.xlsx", answers)
    done = decide(settings, filled, "Иванова А. А.")
    assert (done.n_new, done.n_same, done.years) == (2, 0, None), "a register without a year concerns every year"
    again = decide(settings, filled, "Петров П. П.")
    assert (again.n_new, again.n_same) == (0, 2)
    with pytest.raises(psycopg2.errors.RaiseException, match="только добавляются"):
        do(settings, "delete from ops.school_decision")
    assert {year for year, value in _hashed(settings).items() if before[year] != value} == set(before)

    _to_core(settings, inbox)
    assert do(settings, n_lost, UNKNOWN_LOGIN) == [(0,)]
    ((now,),) = do(settings, "select count(*) from core.fct_result where school_id = %s", f"C{code}")
    assert now == own + unresolved
    # The row of the register that was rejected for its code is accepted, and the name leads to the school.
    assert do(
        settings,
        "select key_kind, how, school_id from core.bridge_school_key where key_written in (%s, %s, %s) order by 1",
        *(UNKNOWN_CODE, UNKNOWN_LOGIN, "Школа за рекой"),
    ) == [("code", "decision", f"C{code}"), ("login", "decision", f"C{code}"), ("name", "alias", f"C{code}")]

    take_back = dict.fromkeys((UNKNOWN_LOGIN, UNKNOWN_CODE), ("отменить", "письмо отозвано"))
    undone = decide(settings, _review(settings, tmp_path / "отмена.xlsx", take_back), "Иванова А. А.")
    assert undone.n_new == 2
    assert _hashed(settings) == before, "the same files without decisions are what they were"
    assert do(settings, "select count(*) from ops.school_decision") == [(4,)]
    assert do(settings, "select count(*) from staging.stg_school_decision") == [(0,)]
