"""What the tasks of the DAG do: plain values in, plain values out.

Values pass through Airflow's metadata, so they hold counts, names of files and numbers of parts, never rows.
Imports are inside: each task pays only for what it uses.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ravenstvo.calculation.lifecycle import BusyError, Calculation, begin, fail
from ravenstvo.calculation.lifecycle import finish as finish_calculation
from ravenstvo.calculation.proposal import ApprovalError
from ravenstvo.errors import ToldError
from ravenstvo.runtime.looks import Looks
from ravenstvo.runtime.observing import observed
from ravenstvo.settings import YEARS, Settings, get_settings, inbox_address
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

if TYPE_CHECKING:
    from airflow.sdk import PokeReturnValue

log = logging.getLogger(__name__)

# Runs that a person has ordered to calculate what there is: nothing of it is left for a later look.
_ORDERED = ("manual", "backfill")


class PublishingError(ToldError):
    """A calculation is done, but what people read of it is not written; the message (Russian) says why."""


def campaign_year(params: Mapping[str, Any], partition_key: str | None, settings: Settings) -> int | None:
    """Campaign year: the partition key, else the parameter, else the setting; None means the latest in the inbox."""
    given = partition_key or params.get("year") or settings.year
    if given is None:
        return None
    if not str(given).isdigit():
        raise ValueError(f"Год кампании «{given}» — не число: укажите, например, 2021.")
    year = int(given)
    if year not in YEARS:
        # A mistyped year would be calculated, and be the latest one from then on.
        raise ValueError(f"Год кампании {year} — опечатка? Принимаются годы {YEARS[0]}–{YEARS[-1]}.")
    return year


@observed
def read_inbox(params: Mapping[str, Any], partition_key: str | None, run_type: str = "manual") -> dict[str, Any]:
    """Read the new files of the inbox into the spool. Returns ``{"year": int, "files": [...], ...}``.

    What was found is also noted in the state folder, for the summary of the run. Originals whose time is over leave
    the archive. A run that no person ordered takes only files that are complete, where source_intake looks for them;
    with the parameter ``landed_only`` the inbox is not looked into at all.
    """
    from ravenstvo.intake.discover import NoFilesError
    from ravenstvo.runtime.archive import expire

    settings = get_settings()
    upgrade(settings)
    expire(settings)
    year = campaign_year(params, partition_key, settings)
    if params.get("landed_only"):
        return {"year": year, "files": []}
    given = params.get("inbox") or settings.inbox
    address = inbox_address(given) if given else str(settings.sample_dir)
    patiently = run_type not in _ORDERED and Looks(settings, address).is_watched
    plan = _read(settings, address, year, patiently=patiently)
    if not plan["n_found"] and not patiently:
        raise NoFilesError(f"Во входящей папке {address} нет файлов с данными")
    found = {name: plan[name] for name in ("year", "n_found", "n_known", "fingerprints")}
    found |= {"inbox": address, "n_new": len(plan["files"])}
    settings.last_inbox_file.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return plan


@observed
def look(params: Mapping[str, Any]) -> list[dict[str, str]]:
    """Look into the inbox and read what is complete and new. Returns the files that are to be landed."""
    settings = get_settings()
    upgrade(settings)
    given = params.get("inbox") or settings.inbox
    if not given:
        print("Входящая папка не задана (RAVENSTVO_INBOX): смотреть не на что.")
        return []
    files: list[dict[str, str]] = _read(settings, inbox_address(given), None, patiently=True)["files"]
    return files


def _read(settings: Settings, address: str, year: int | None, *, patiently: bool) -> dict[str, Any]:
    from ravenstvo.intake.discover import known_files
    from ravenstvo.intake.discover import read_inbox as read
    from ravenstvo.runtime.inboxes import discard_unread, gather, told

    known = known_files(settings)
    gathered = gather(settings, address, known, year, patiently=patiently)
    for line in told(gathered):
        print(line)
    if gathered.only is not None and not gathered.only and not gathered.elsewhere:
        return {"year": year, "n_found": 0, "n_known": 0, "fingerprints": [], "files": []}
    plan = read(gathered.folder, year, settings, gathered.only, gathered.elsewhere)
    discard_unread(settings, gathered, plan["files"])
    return plan


def batches(files: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    """The files in as many lots as are landed at once: a task of Airflow costs more than landing a small file.

    A lot takes every n-th file, so that the large files of one folder do not meet in one.
    """
    n_lots = min(get_settings().readers, len(files))
    return [files[place::n_lots] for place in range(n_lots)]


@observed
def land(spooled: dict[str, str]) -> dict[str, Any]:
    """Load one spooled file in one transaction; its status says whether it was refused."""
    from ravenstvo.intake.landing import land as land_file
    from ravenstvo.intake.landing import original
    from ravenstvo.runtime.inboxes import discard_fetched

    settings = get_settings()
    path = original(spooled, settings)
    landed = land_file(spooled, settings)
    if path is not None:
        discard_fetched(settings, path)
    return landed


def land_all(spooled: list[dict[str, str]], context: MutableMapping[str, Any]) -> list[dict[str, Any]]:
    """Load several files, each in a transaction of its own. One that cannot be loaded does not keep out the others.

    ``files`` of Airflow's context says which they are, and after a failure which were not loaded: for the letter.
    """
    context["files"] = _lot([file["path"] for file in spooled])
    landed, lost, first = [], [], None
    for file in spooled:
        try:
            landed.append(land(file))
        except Exception as error:
            log.exception("%s", file["path"])
            lost.append(file["path"])
            first = first or error
    if first is not None:
        context["files"] = _lot(lost)
        raise first
    return landed


def _lot(paths: list[str]) -> str:
    """A lot by its first file: Airflow has no place for more."""
    return paths[0] if len(paths) == 1 else f"{paths[0]} и ещё {len(paths) - 1}"


@observed
def arrived(landed: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What landed files brought: source → campaign years as partition keys, and puts the newest versions in force.

    A register, which has no year of its own, belongs to the last year there is.
    """
    from ravenstvo.intake.versions import settle

    settings = get_settings()
    settle(settings)
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(max(year), extract(year from ops.moment())::int) from ops.source_part "
            "where status = 'landed'"
        )
        (last,) = cursor.fetchone() or (None,)
    brought: dict[str, set[str]] = {}
    for file in landed:
        for source, year in file["brought"]:
            brought.setdefault(source, set()).add(str(year or last))
    return {source: sorted(years) for source, years in brought.items()}


def year_to_correct() -> int | None:
    """The last of the calculated years that what has landed since makes out of date; None when there is none.

    A calculation takes every earlier year that is out of date along. A year that has not been calculated yet waits for
    its day in the calendar, or for a person.
    """
    from ravenstvo.calculation.lifecycle import out_of_date

    years = out_of_date(get_settings())
    print(f"Устарели годы: {', '.join(map(str, years))}" if years else "Пересчитывать нечего.")
    return max(years, default=None)


@observed
def prepare(
    year: int | None, run_id: str | None = None, is_alive: Callable[[str], bool] | None = None
) -> dict[str, Any] | None:
    """Put the newest versions in force and open a calculation; None when nothing changed.

    Raises BusyError while another calculation works on the warehouse.
    """
    from ravenstvo.intake.corrections import note_corrections
    from ravenstvo.intake.drift import find_drift
    from ravenstvo.intake.versions import settle
    from ravenstvo.reference import YEARS_BACK

    settings = get_settings()
    settle(settings)
    find_drift(settings)
    calculation = begin(settings, year, run_id, is_alive)
    if calculation is None:
        # Nothing to validate, but a refused file still owes its sender a report.
        from ravenstvo.publishing.senders import write_reports

        write_reports(settings, year)
        return None
    with (
        _failing(settings, calculation, "Исправления не сравнены"),
        connect(settings) as connection,
        connection.cursor() as cursor,
    ):
        note_corrections(cursor, calculation["calculation_id"], calculation["years"], YEARS_BACK)
    return dict(calculation)


def prepare_in_turn(year: int | None, context: Mapping[str, Any]) -> PokeReturnValue:
    """The same for a task that asks again until the warehouse is free; it is skipped when nothing changed.

    Runs of a backfill are not among those that ``max_active_runs`` counts: a run of the calendar, or one that a
    correction has started, may come beside them. A run from the command line does not wait (``at_once``): there the
    lock of the home keeps it alone, and what Airflow thinks is running may have been stopped.
    """
    from airflow.sdk import PokeReturnValue
    from airflow.sdk.exceptions import AirflowSkipException

    ti = context["ti"]

    def is_alive(run_id: str) -> bool:
        return bool(ti.get_dr_count(dag_id=ti.dag_id, run_ids=[run_id], states=["queued", "running"]))

    try:
        calculation = prepare(year, ti.run_id, None if context["params"].get("at_once") else is_alive)
    except BusyError as error:
        if context["params"].get("at_once"):
            raise
        print(f"Ожидание очереди. {error}")
        return PokeReturnValue(is_done=False)
    if calculation is None:
        raise AirflowSkipException("Ничего не изменилось: пересчитывать нечего.")
    return PokeReturnValue(is_done=True, xcom_value=calculation)


@observed
def run_stage(stage: str, calculation: Calculation) -> dict[str, Any]:
    """Build one dbt stage."""
    from ravenstvo.calculation.stages import run_stage as run

    return run(get_settings(), calculation, stage)


@observed
def validate(calculation: Calculation) -> dict[str, Any]:
    """Validate what was landed since the last time, and write what the senders are told."""
    from ravenstvo.publishing.senders import write_reports
    from ravenstvo.quality import validate as run

    settings = get_settings()
    with _failing(settings, calculation, "Проверка строк не прошла"):
        done = run(settings)
        return {**done, "workbooks": [str(path) for path in write_reports(settings, calculation["year"])]}


@observed
def estimate(calculation: Calculation) -> dict[str, int]:
    """Compute what SQL does not: markers, shrinkage, the contextual model."""
    from ravenstvo.calculation import timed_stage
    from ravenstvo.estimates import estimate as run

    settings = get_settings()
    with _failing(settings, calculation, "Оценки не посчитаны"), timed_stage(settings, calculation, "estimate"):
        return run(settings, calculation["years"])


@observed
def finish(calculation: Calculation) -> list[str]:
    """Close the calculation. Returns the workbooks that say how it differs from approved lists."""
    from ravenstvo.publishing.difference import write_published_differences

    settings = get_settings()
    finish_calculation(settings, calculation)
    return [str(path) for path in write_published_differences(settings, calculation["years"])]


@observed
def publish(year: int | None) -> list[str]:
    """Write what people read from the marts and is missing or out of date: reports, the dictionary of data.

    Returns what was written. The calculation is done by now and stays done whatever fails here; the next run, or
    «ravenstvo report», writes what is missing.
    """
    from ravenstvo.calculation.dbt_docs import write_docs
    from ravenstvo.calculation.lifecycle import is_calculated
    from ravenstvo.publishing.report import publish_reports

    settings = get_settings()
    if year is None or not is_calculated(settings):
        if year is not None:
            _tell_finished(settings, year)
        return []
    try:
        written = publish_reports(settings, year)
        docs = write_docs(settings)
    except Exception as error:
        raise PublishingError(
            f"расчёт закончен и сохранён, но отчёт или словарь не записан: {error}. "
            "Устраните причину и запустите снова."
        ) from error
    _tell_finished(settings, year)
    return [str(path) for path in (*written, *([docs] if docs else []))]


def watch_deliveries() -> bool:
    """Tell who has not delivered what, when that has changed. Returns whether there was something to tell."""
    from ravenstvo.runtime.notifying.days import here_today
    from ravenstvo.runtime.notifying.finished import watch_deliveries as watch

    settings = get_settings()
    upgrade(settings)
    return watch(settings, here_today(settings))


def _tell_finished(settings: Settings, year: int) -> None:
    """Tell of refused files and of what is overdue. A run does not fail because it cannot tell of itself."""
    from ravenstvo.runtime.notifying.days import here_today
    from ravenstvo.runtime.notifying.finished import tell_finished

    try:
        tell_finished(settings, year, here_today(settings))
    except Exception:
        log.exception("Итог расчёта не разослан")


def keep_house(step: str) -> str:
    """Take one step of the housekeeping. Returns what came of it, in Russian."""
    from ravenstvo.runtime import housekeeping

    settings = get_settings()
    upgrade(settings)
    return housekeeping.step(settings, step)


@observed
def propose_list(params: Mapping[str, Any], partition_key: str | None) -> dict[str, Any]:
    """What a person is asked to approve: ``{"subject", "body", "year", "method", "calculation_id"}``, body in markdown.

    Without a year it is the last one with results. The whole list goes into a decision workbook among the reports.
    """
    from ravenstvo.calculation.proposal import last_year, propose
    from ravenstvo.calculation.proposal_markdown import proposal_markdown
    from ravenstvo.publishing.decisions_template import write_template
    from ravenstvo.runtime.results import proposal_links

    settings = get_settings()
    upgrade(settings)
    with connect(settings) as connection, connection.cursor() as cursor:
        year = campaign_year(params, partition_key, settings) or last_year(cursor)
        proposal = propose(cursor, year, params.get("method") or None)
    book = settings.reports_dir / str(year) / f"Решения — {proposal.method_code}, расчёт {proposal.calculation_id}.xlsx"
    book.parent.mkdir(exist_ok=True)
    write_template(book, year, proposal.method_title, proposal.schools)
    return {
        "subject": f"Утвердить перечень школ с низкими результатами, {year} год: {len(proposal.listed)}",
        "body": "\n".join(proposal_markdown(proposal, proposal_links(settings, year, book))),
        "year": year,
        "method": proposal.method_code,
        "calculation_id": proposal.calculation_id,
    }


@observed
def freeze_list(proposed: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Approve what was proposed, in the name of the user who answered. Returns what was frozen, in Russian.

    The answer's ``decisions`` names a workbook in the folder of decisions; what lies elsewhere is refused.
    """
    from ravenstvo.calculation.approval import approve, told

    settings = get_settings()
    given = answer["params_input"] or {}
    name = (given.get("decisions") or "").strip()
    approved = approve(
        settings,
        proposed["year"],
        _user(answer),
        given.get("document") or "",
        method_code=proposed["method"],
        workbook=_in_decisions(settings, name) if name else None,
        replace=bool(given.get("replace")),
        calculation_id=proposed["calculation_id"],
    )
    return told(approved)


def list_outcome(proposed: Mapping[str, Any], frozen: str | None) -> str:
    """How the approval ended, in Russian: what was frozen, or that nothing was. Airflow keeps who rejected it."""
    return frozen or (
        f"Перечень {proposed['year']} года не утверждён: предложение отклонено. Ничего не изменено; "
        "утверждённый раньше перечень, если он был, остаётся в силе. Кто отклонил, записано в ответе задачи approve."
    )


def _user(answer: Mapping[str, Any]) -> str:
    """Name of the user who answered."""
    user = answer.get("responded_by_user") or {}
    name = user.get("name") or user.get("id")
    if not name:
        raise ApprovalError("Airflow не сообщил, кто ответил: перечень не утверждён.")
    return str(name)


def _in_decisions(settings: Settings, name: str) -> Path:
    """A workbook by its name inside the folder of decisions."""
    folder = settings.decisions_dir.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise ApprovalError(f"Книга решений «{name}» лежит вне папки {folder}. Положите её туда и назовите файл.")
    return path


# The steps of a run that are not dbt's.
STEPS: dict[str, Callable[[Any], Any]] = {
    "validate": validate,
    "estimate": estimate,
    "finish": finish,
    "publish": publish,
}


@contextmanager
def _failing(settings: Settings, calculation: Calculation, what: str) -> Iterator[None]:
    """Mark the calculation as failed when the step breaks; the error itself goes on to Airflow."""
    try:
        yield
    except BusyError:
        # Its own step may be what runs: begun by a process that Airflow takes for dead.
        raise
    except Exception as error:
        fail(settings, calculation, f"{what}: {type(error).__name__}")
        raise
