"""A session of Spark that does not come about, or ends before it was asked; Spark itself is not needed for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ravenstvo.calculation import spark
from ravenstvo.settings import Settings


def test_without_its_environment_it_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, spark_environment=tmp_path / "none")
    with pytest.raises(spark.SparkError, match="make setup-spark"), spark.session(settings, {}):
        pass


def test_a_process_that_has_ended_is_told_and_leaves_no_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path, spark_environment=tmp_path / "environment")
    python = settings.spark_environment / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    ended = "процесс закончился"
    with pytest.raises(spark.SparkError, match=ended), spark.session(settings, {}) as ask:
        (tmp_path / "spark" / "rows.parquet").touch()
        # The first wish may have been sent while the process still was; the second cannot.
        with pytest.raises(spark.SparkError, match=ended):
            ask("keys")
        ask("results")
    assert not (tmp_path / "spark").exists()
