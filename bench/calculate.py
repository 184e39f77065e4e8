"""One recalculation in this process, without Airflow and without reading files: a line of JSON for each stage.

    python bench/calculate.py YEAR [--until core]

The home is that of ``RAVENSTVO_HOME``. For the other benchmarks, which start it anew for every run.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from measure import measured
from ravenstvo.runtime import tasks
from ravenstvo.settings import get_settings

STAGES = ("prepare", "seeds", "validate", "staging", "core", "estimate", "marts", "finish", "publish")
_DBT = ("seeds", "staging", "core", "marts")


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("year", type=int)
    parser.add_argument("--until", choices=STAGES, default="publish")
    asked = parser.parse_args()
    settings = get_settings()
    calculation = None
    for stage in STAGES[: STAGES.index(asked.until) + 1]:
        with measured(settings) as cost:
            if stage == "prepare":
                calculation = tasks.prepare(asked.year)
                assert calculation is not None, "nothing to calculate"
            elif stage in _DBT:
                tasks.run_stage(stage, calculation)
            elif stage == "publish":
                tasks.publish(asked.year)
            else:
                tasks.STEPS[stage](calculation)
        print(json.dumps({"stage": stage, **asdict(cost)}), flush=True)


if __name__ == "__main__":
    main()
