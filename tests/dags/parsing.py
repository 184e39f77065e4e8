"""DAG files parsed in a process of its own: what this one has imported already must not hide anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ravenstvo.settings import PROJECT_ROOT


def parsed(program: str, home: Path, **settings: str) -> Any:
    """What a program prints last, in JSON; it finds the folder of DAGs in ``sys.argv[1]``."""
    environment = os.environ | {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"} | settings
    command = [sys.executable, "-c", program, str(PROJECT_ROOT / "dags")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
