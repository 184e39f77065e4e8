"""Runs the steps of a recalculation in processes of their own and kills them with all that they started.

A process of its own, because it forks: dbt is imported and the project parsed once, and every step begins at once.
Reads requests from standard input, one JSON object a line; answers likewise:
``{"step", "given", "kill_after"}`` → ``{"is_killed", "seconds", "result", "error"}``; without ``kill_after`` the step
runs to its end.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

STAGES = ("seeds", "staging", "core", "marts")


def do(step: str, given: Any) -> Any:
    """What the DAG's task of this name does."""
    from ravenstvo.runtime import tasks

    if step == "read_inbox":
        return tasks.read_inbox(given, None)
    if step == "land":
        return [tasks.land(file) for file in given]
    if step == "prepare":
        return tasks.prepare(given)
    if step.removeprefix("build_") in STAGES:
        return tasks.run_stage(step.removeprefix("build_"), given)
    return tasks.STEPS[step](given)


def main() -> None:
    """Answer requests until standard input ends."""
    from ravenstvo.calculation import stages
    from ravenstvo.settings import get_settings

    settings = get_settings()
    with stages.environment(settings, {}):
        stages.parse(settings)
    # Seconds to import: every child would pay for them anew.
    import great_expectations  # noqa: F401
    import ravenstvo.estimates.context
    import ravenstvo.estimates.objectivity
    import ravenstvo.estimates.shrinkage  # noqa: F401

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_attend(settings.home / "step.json", **json.loads(line))), file=answers, flush=True)


def _attend(result: Path, step: str, given: Any, kill_after: float | None) -> dict[str, Any]:
    result.unlink(missing_ok=True)
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_the_step(result, step, given)
    # The child does it too: whoever is first.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(child, child)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if kill_after is not None and time.monotonic() - started >= kill_after:
            # Its readers are in its group.
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.002)
    seconds = time.monotonic() - started
    if not result.exists():
        return {"is_killed": True, "seconds": seconds, "result": None, "error": None}
    return {"is_killed": False, "seconds": seconds, **json.loads(result.read_text(encoding="utf-8"))}


def _be_the_step(result: Path, step: str, given: Any) -> None:
    os.setpgid(0, 0)
    said: dict[str, Any] = {"result": None, "error": "see nurse.log"}
    try:
        said = {"result": do(step, given), "error": None}
    finally:
        if said["error"]:
            traceback.print_exc()
            said["error"] = str(sys.exc_info()[1])
        _answer(result, said)


def _answer(result: Path, said: dict[str, Any]) -> None:
    """Leave the answer and end at once: nothing of the nurse's may be tidied up by her child."""
    draft = result.with_suffix(".part")
    draft.write_text(json.dumps(said), encoding="utf-8")
    draft.replace(result)
    os._exit(0)


if __name__ == "__main__":
    main()
