"""What the tasks of the DAG do: plain values in, plain values out.

Values pass through Airflow's metadata, so they hold counts, names of files and numbers of parts, never rows.
Imports are inside: each task pays only for what it uses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ravenstvo.calculation.lifecycle import Calculation, begin, fail
from ravenstvo.calculation.lifecycle import finish as finish_calculation
from ravenstvo.settings import Settings, get_settings
from ravenstvo.warehouse.migrate import upgrade


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

    What was found is also noted in the state folder, for the summary of the run.
    """
    from ravenstvo.intake.discover import read_inbox as read

    settings = get_settings()
    upgrade(settings)
    inbox = Path(params["inbox"]) if params.get("inbox") else settings.inbox or settings.sample_dir
    plan = read(inbox, campaign_year(params, partition_key, settings), settings)
    found = {name: plan[name] for name in ("year", "n_found", "n_known", "fingerprints")} | {"inbox": str(inbox)}
    settings.last_inbox_file.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return plan


def land(spooled: dict[str, str]) -> dict[str, Any]:
    """Load one spooled file in one transaction; its status says whether it was refused."""
    from ravenstvo.intake.landing import land as land_file

    return land_file(spooled, get_settings())


def prepare(year: int) -> dict[str, Any] | None:
    """Put the newest versions in force and open a calculation; None when nothing changed."""
    from ravenstvo.intake.versions import settle

    settings = get_settings()
    settle(settings)
    calculation = begin(settings, year)
    if calculation is None:
        # Nothing to validate, but a refused file still owes its sender a report.
        from ravenstvo.quality.workbook import write_workbooks

        write_workbooks(settings)
        return None
    return dict(calculation)


def run_stage(stage: str, calculation: Calculation) -> dict[str, Any]:
    """Build one dbt stage."""
    from ravenstvo.calculation.stages import run_stage as run

    return run(get_settings(), calculation, stage)


def validate(calculation: Calculation) -> dict[str, Any]:
    """Validate what was landed since the last time."""
    from ravenstvo.quality import validate as run

    settings = get_settings()
    with _failing(settings, calculation, "Проверка строк не прошла"):
        return dict(run(settings))


def estimate(calculation: Calculation) -> dict[str, int]:
    """Compute what SQL does not: markers, shrinkage, the contextual model."""
    from ravenstvo.calculation import timed_stage
    from ravenstvo.estimates import estimate as run

    settings = get_settings()
    with _failing(settings, calculation, "Оценки не посчитаны"), timed_stage(settings, calculation, "estimate"):
        return run(settings, calculation["years"])


def finish(calculation: Calculation) -> None:
    """Close the calculation."""
    finish_calculation(get_settings(), calculation)


# The steps of a calculation that are not dbt's.
STEPS: dict[str, Callable[[Calculation], Any]] = {"validate": validate, "estimate": estimate, "finish": finish}


@contextmanager
def _failing(settings: Settings, calculation: Calculation, what: str) -> Iterator[None]:
    """Mark the calculation as failed when the step breaks; the error itself goes on to Airflow."""
    try:
        yield
    except Exception as error:
        fail(settings, calculation, f"{what}: {type(error).__name__}")
        raise
