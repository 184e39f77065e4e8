"""Pupil-grain models on Apache Spark: a process of its own environment that is told what to build.

See ``include/spark/build.py`` for what it answers. Its log is ``logs/spark/build.log`` in the home.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ravenstvo.calculation.lifecycle import CalculationError
from ravenstvo.settings import Settings

Ask = Callable[[str], dict[str, Any]]

# What PostgreSQL takes over from Spark; the first half names the keys whose schools it then finds.
KEYS = ("int_result_key",)
RESULTS = ("fct_result", "fct_school_procedure")

_INHERITED = ("PATH", "JAVA_HOME", "LANG", "LC_ALL", "HOME", "PGPASSFILE", "TMPDIR")


class SparkError(CalculationError):
    """Spark cannot build what was asked for; the message (Russian) says why and where its log is."""


@contextmanager
def session(settings: Settings, variables: dict[str, Any]) -> Iterator[Ask]:
    """A Spark session for as long as it is needed: a function that sends one line and returns the answer.

    Args:
        settings: the environment, cores and memory of Spark; the warehouse is read from the process's environment, as
            dbt reads it (``stages.environment``).
        variables: of the dbt project: years, region_code.

    Landing rows lie as Parquet in the home meanwhile, for its owner only. Raises SparkError.
    """
    python = settings.spark_environment / "bin" / "python"
    if not python.exists():
        raise SparkError(f"Нет окружения Spark {settings.spark_environment}: выполните «make setup-spark».")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise SparkError("Для Spark нужна Java 17 или новее: на Debian — apt-get install openjdk-17-jre-headless.")
    folder, log = settings.home / "spark", settings.logs_dir / "spark" / "build.log"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [str(python), str(settings.project_root / "include" / "spark" / "build.py"), "--folder", str(folder)]
    command += ["--project", str(settings.project_root / "dbt_project"), "--vars", json.dumps(variables)]
    command += ["--cores", str(settings.spark_cores), "--memory-mb", str(settings.spark_memory_mb)]
    environment = {name: value for name, value in os.environ.items() if name in _INHERITED}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("RAVENSTVO_PG_")}
    # Read before the session begins: the memory of a Java machine that runs cannot be changed.
    environment["PYSPARK_SUBMIT_ARGS"] = f"--driver-memory {settings.spark_memory_mb}m pyspark-shell"
    environment["RAVENSTVO_CALCULATION_ID"] = os.environ.get("RAVENSTVO_CALCULATION_ID", "manual")
    with log.open("a", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
        )
        assert process.stdin is not None and process.stdout is not None
        wishes, answers = process.stdin, process.stdout

        def ask(wish: str) -> dict[str, Any]:
            try:
                wishes.write(wish + "\n")
                wishes.flush()
                answer: dict[str, Any] = json.loads(answers.readline() or '{"error": "процесс закончился"}')
            except BrokenPipeError:
                answer = {"error": "процесс закончился"}
            if "error" in answer:
                raise SparkError(f"Spark не построил таблицы учеников: {answer['error']}. Журнал: {log}")
            return answer

        try:
            yield ask
        finally:
            with suppress(BrokenPipeError):  # what a process that has ended did not take is sent once more
                wishes.close()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            answers.close()
            shutil.rmtree(folder, ignore_errors=True)
