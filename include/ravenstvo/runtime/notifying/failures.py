"""What is told of a run that failed or is late: what, where, whom it concerns, what to do."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ravenstvo import private_files
from ravenstvo.runtime import airflow_home
from ravenstvo.runtime.causes import explained
from ravenstvo.runtime.notifying import outbox
from ravenstvo.runtime.notifying.channels import deliver
from ravenstvo.runtime.notifying.papers import Paper, Part, clean, listed, subject
from ravenstvo.runtime.recalculation import DAG_ID, STEP_TITLES
from ravenstvo.settings import Settings
from ravenstvo.words import number

log = logging.getLogger(__name__)

DAG_TITLES = {
    DAG_ID: "расчёт года",
    "corrections": "пересчёт исправленного",
    "source_intake": "приём файлов",
    "list_approval": "утверждение перечня",
    "delivery_watch": "слежение за сроками",
    "housekeeping": "обслуживание",
}
# Steps that nothing has been rebuilt by.
_BEFORE_MARTS = frozenset({"read_inbox", "land", "prepare", "build_seeds", "validate"})
_FILES_SHOWN = 10
# Our own messages begin with a Russian word; what a library says may quote a row.
_OURS = re.compile(r"[«А-ЯЁа-яё]")
_FOREIGN = ("psycopg2", "sqlalchemy", "pandas")
# Notes of a run that nobody told of for so long were left by a process that died.
_LEFT_SECONDS = 3600


@dataclass(frozen=True)
class Note:
    """That a task failed for good: which, on which file, why."""

    dag: str
    run: str
    task: str
    place: int
    file: str
    year: str
    message: str

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> Note:
        """A note of what Airflow's context says of a failure."""
        ti = context["ti"]
        year = getattr(context.get("dag_run"), "partition_key", None) or (context.get("params") or {}).get("year")
        return cls(
            *(ti.dag_id, ti.run_id, ti.task_id, -1 if ti.map_index is None else ti.map_index),
            *(
                str(context.get("file_name") or context.get("files") or ""),
                str(year or ""),
                _message(context.get("exception")),
            ),
        )


def _message(error: object) -> str:
    """An error in words that may leave the house: our own message, else only what kind of error it was."""
    if error is None:
        return "задача прервалась, не сказав почему: кончилась память, остановлена машина или служба"
    text = str(error)
    # Known causes are told apart by a system's own words; the settings are those of whoever tells.
    if isinstance(error, str) or (_OURS.match(text) and not type(error).__module__.startswith(_FOREIGN)):
        return clean(text)
    return f"{type(error).__name__}: {_first_words(text)}".rstrip(": ")


def _first_words(text: str) -> str:
    return clean(text.splitlines()[0]) if text.strip() else ""


def note(settings: Settings, failure: Note) -> None:
    """Keep a note until the run tells of it. Nothing is kept where no way to tell is set up."""
    if not outbox.channels(settings):
        return
    folder = _notes(settings, failure.dag, failure.run)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{failure.task}.{failure.place}.json"
    private_files.write(path, json.dumps(asdict(failure), ensure_ascii=False))


def tell_run(settings: Settings, dag: str, run: str, reason: str) -> None:
    """Tell of a failed run and send what waits."""
    folder = _notes(settings, dag, run)
    notes = [Note(**json.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("*.json"))]
    paper = failure_paper(settings, dag, run, notes, reason)
    kinds = sorted({(one.task, one.message) for one in notes}) or [("", reason)]
    outbox.tell(settings, paper, f"failed {dag} {_digest(repr(kinds))}")
    shutil.rmtree(folder, ignore_errors=True)
    deliver(settings)


def tell_left(settings: Settings) -> None:
    """Tell of runs whose notes were left behind: whoever was to tell of them died first."""
    for folder in sorted((settings.outbox_dir / "notes").glob("*")):
        first = next(iter(sorted(folder.glob("*.json"))), None)
        if first is not None and time.time() - folder.stat().st_mtime > _LEFT_SECONDS:
            left = Note(**json.loads(first.read_text("utf-8")))
            tell_run(settings, left.dag, left.run, "")


def tell_late(settings: Settings, dag: str, run: str, hours: float) -> None:
    """Tell of a run that has not ended in time and send what waits."""
    title = DAG_TITLES.get(dag, dag)
    paper = Paper(
        subject(f"слишком долго идёт {title}: больше {number(hours)} ч"),
        (
            f"Слишком долго идёт {title}: не закончен за {number(hours)} ч после постановки в очередь.",
            "Запуск не остановлен и может закончиться сам.",
        ),
        (
            Part(
                "Что сделать",
                (
                    "Посмотрите, на каком этапе он стоит: в Airflow у запуска или в журнале.",
                    "Если этап не двигается — хватает ли места на диске и памяти, отвечает ли база: ravenstvo status.",
                    "Остановленный запуск можно повторить: загруженные файлы заново не читаются.",
                ),
            ),
            Part("Где смотреть", _where(settings, dag, run, ())),
        ),
    )
    outbox.tell(settings, paper, f"late {dag} {run}")
    deliver(settings)


def failure_paper(settings: Settings, dag: str, run: str, notes: Sequence[Note], reason: str) -> Paper:
    """The letter of a failed run."""
    steps = list(dict.fromkeys(STEP_TITLES.get(one.task, one.task) for one in notes))
    only_published = bool(notes) and all(one.task == "publish" for one in notes)
    undone = "опубликовано не всё" if only_published else "не выполнено"
    at = f" ({', '.join(steps)})" if steps else ""
    said = f"{undone}: {_title(dag, notes)}{at}"
    lead = [f"{said[0].upper()}{said[1:]}."]
    if dag == DAG_ID:
        lead.append(_state_of_marts(notes))
    failed = _failed_lines(settings, notes) or [clean(reason) or "Airflow не сообщил причину."]
    return Paper(
        subject(said),
        tuple(lead),
        (
            Part("Что не получилось", tuple(failed)),
            Part("Кого это касается", tuple(_concerned(dag, notes))),
            Part("Что сделать", tuple(_advice(dag, notes))),
            Part("Где смотреть", _where(settings, dag, run, [one.task for one in notes])),
        ),
    )


def _state_of_marts(notes: Sequence[Note]) -> str:
    """What those who read the marts have to know."""
    tasks = {one.task for one in notes}
    if tasks == {"publish"}:
        return "Расчёт закончен и сохранён, но отчёт или словарь не записан."
    if tasks and tasks <= _BEFORE_MARTS:
        return "Перечень, витрины и отчёт остались такими, какими были до этого запуска."
    return (
        "Часть витрин может быть уже пересчитана, а часть нет: до успешного повтора числами не пользуйтесь. "
        "Утверждённые перечни не изменились."
    )


def _title(dag: str, notes: Sequence[Note]) -> str:
    year = next((one.year for one in notes if one.year), "")
    return f"расчёт {year} года" if dag == DAG_ID and year else DAG_TITLES.get(dag, dag)


def _failed_lines(settings: Settings, notes: Sequence[Note]) -> list[str]:
    """A line for each step and cause; files that failed alike share it."""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in notes:
        files = alike.setdefault((STEP_TITLES.get(one.task, one.task), explained(settings, one.message)), [])
        if one.file:
            files.append(one.file)
    lines = []
    for (step, message), files in alike.items():
        lines.append(f"{step}: {message}")
        if files:
            lines.append(f"Файлы: {'; '.join(listed(files, _FILES_SHOWN))}")
    return lines


def _concerned(dag: str, notes: Sequence[Note]) -> list[str]:
    if any(one.file for one in notes):
        return ["Тех, кто прислал эти файлы: их сведения ещё не загружены. Присылать заново не нужно."]
    if dag == DAG_ID:
        return [
            "Всех, кто ждёт перечня, отчёта и показателей этой кампании. Отправителям файлов делать ничего не нужно."
        ]
    return ["Тех, кто ведёт расчёт."]


def _advice(dag: str, notes: Sequence[Note]) -> list[str]:
    lines = ["Устраните причину, если она названа выше."]
    if dag == DAG_ID:
        year = next((one.year for one in notes if one.year), "ГОД")
        lines.append(f"Повторите: ravenstvo run --year {year} или «Clear» у запуска в Airflow. Ничего не потеряно.")
    else:
        lines.append("Повторите запуск: «Clear» у него в Airflow.")
    return lines


def _where(settings: Settings, dag: str, run: str, tasks: Sequence[str]) -> tuple[str, ...]:
    """Paths of logs that exist, and the run in the web interface."""
    base = settings.logs_dir / "airflow" / f"dag_id={dag}" / f"run_id={run}"
    found: list[Path] = [base / f"task_id={task}" for task in dict.fromkeys(tasks)]
    found = [path for path in found if path.exists()] or [path for path in (base,) if path.exists()]
    if not found:
        # A run of the command line has one log of its own.
        found = sorted((settings.logs_dir / "runs").glob("*.log"))[-1:]
    address = f"{airflow_home.web_url(settings)}/dags/{quote(dag)}/runs/{quote(run)}"
    return (*(f"Журнал: {path}" for path in found), f"Airflow: {address}")


def _notes(settings: Settings, dag: str, run: str) -> Path:
    return settings.outbox_dir / "notes" / _digest(f"{dag} {run}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
