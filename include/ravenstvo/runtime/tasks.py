"""What the tasks of the DAG do: plain values in, plain values out.

Values pass through Airflow's metadata, so they hold counts, names of files and numbers of parts, never rows.
Imports are inside: each task pays only for what it uses.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ravenstvo.calculation.lifecycle import Calculation, begin, fail
from ravenstvo.calculation.lifecycle import finish as finish_calculation
from ravenstvo.calculation.proposal import ApprovalError
from ravenstvo.settings import Settings, get_settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

log = logging.getLogger(__name__)


class PublishingError(RuntimeError):
    """A calculation is done, but what people read of it is not written; the message (Russian) says why."""


def campaign_year(params: Mapping[str, Any], partition_key: str | None, settings: Settings) -> int | None:
    """Campaign year: the partition key, else the parameter, else the setting; None means the latest in the inbox."""
    given = partition_key or params.get("year") or settings.year
    if given is None:
        return None
    if not str(given).isdigit():
        raise ValueError(f"Год кампании «{given}» — не число: укажите, например, 2021.")
    return int(given)


def read_inbox(params: Mapping[str, Any], partition_key: str | None) -> dict[str, Any]:
    """Read the new files of the inbox into the spool. Returns ``{"year": int, "files": [...], ...}``.

    What was found is also noted in the state folder, for the summary of the run. Originals whose time is over leave
    the archive.
    """
    from ravenstvo.intake.discover import read_inbox as read
    from ravenstvo.runtime.archive import expire

    settings = get_settings()
    upgrade(settings)
    expire(settings)
    inbox = Path(params["inbox"]) if params.get("inbox") else settings.inbox or settings.sample_dir
    plan = read(inbox, campaign_year(params, partition_key, settings), settings)
    found = {name: plan[name] for name in ("year", "n_found", "n_known", "fingerprints")}
    found |= {"inbox": str(inbox), "n_new": len(plan["files"])}
    settings.last_inbox_file.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return plan


def batches(files: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    """The files in as many lots as are landed at once: a task of Airflow costs more than landing a small file.

    A lot takes every n-th file, so that the large files of one folder do not meet in one.
    """
    n_lots = min(get_settings().readers, len(files))
    return [files[place::n_lots] for place in range(n_lots)]


def land(spooled: dict[str, str]) -> dict[str, Any]:
    """Load one spooled file in one transaction; its status says whether it was refused."""
    from ravenstvo.intake.landing import land as land_file

    return land_file(spooled, get_settings())


def land_all(spooled: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Load several files, each in a transaction of its own. One that cannot be loaded does not keep out the others."""
    landed, first = [], None
    for file in spooled:
        try:
            landed.append(land(file))
        except Exception as error:
            log.exception("%s", file["path"])
            first = first or error
    if first is not None:
        raise first
    return landed


def prepare(year: int) -> dict[str, Any] | None:
    """Put the newest versions in force and open a calculation; None when nothing changed."""
    from ravenstvo.intake.corrections import note_corrections
    from ravenstvo.intake.drift import find_drift
    from ravenstvo.intake.versions import settle
    from ravenstvo.reference import YEARS_BACK

    settings = get_settings()
    settle(settings)
    find_drift(settings)
    calculation = begin(settings, year)
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


def run_stage(stage: str, calculation: Calculation) -> dict[str, Any]:
    """Build one dbt stage."""
    from ravenstvo.calculation.stages import run_stage as run

    return run(get_settings(), calculation, stage)


def validate(calculation: Calculation) -> dict[str, Any]:
    """Validate what was landed since the last time, and write what the senders are told."""
    from ravenstvo.publishing.senders import write_reports
    from ravenstvo.quality import validate as run

    settings = get_settings()
    with _failing(settings, calculation, "Проверка строк не прошла"):
        done = run(settings)
        return {**done, "workbooks": [str(path) for path in write_reports(settings, calculation["year"])]}


def estimate(calculation: Calculation) -> dict[str, int]:
    """Compute what SQL does not: markers, shrinkage, the contextual model."""
    from ravenstvo.calculation import timed_stage
    from ravenstvo.estimates import estimate as run

    settings = get_settings()
    with _failing(settings, calculation, "Оценки не посчитаны"), timed_stage(settings, calculation, "estimate"):
        return run(settings, calculation["years"])


def finish(calculation: Calculation) -> list[str]:
    """Close the calculation. Returns the workbooks that say how it differs from approved lists."""
    from ravenstvo.publishing.difference import write_published_differences

    settings = get_settings()
    finish_calculation(settings, calculation)
    return [str(path) for path in write_published_differences(settings, calculation["years"])]


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
        return []
    try:
        written = publish_reports(settings, year)
        docs = write_docs(settings)
    except Exception as error:
        raise PublishingError(
            f"расчёт закончен и сохранён, но отчёт или словарь не записан: {error}. "
            "Устраните причину и запустите снова."
        ) from error
    return [str(path) for path in (*written, *([docs] if docs else []))]


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
    except Exception as error:
        fail(settings, calculation, f"{what}: {type(error).__name__}")
        raise
