"""Rows of pupils on Apache Spark: the same as PostgreSQL's row for row, also in a calculation that takes them so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ravenstvo.calculation import spark
from ravenstvo.runtime.spark_check import check
from ravenstvo.sample import generate
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import connect

pytestmark = [
    pytest.mark.slow(seconds=300),
    pytest.mark.skipif("SPARK" not in os.environ, reason="Spark — минуты работы и 750 МБ: make test SPARK=1"),
]

RAVENSTVO = Path(sys.executable).with_name("ravenstvo")
FACTS = {
    # Two warehouses number their files as these come.
    "fct_result": """
        select to_jsonb(fact) - '{file_id,part_id}'::text[] || jsonb_build_object('path', file.path)
        from core.fct_result as fact inner join ops.source_file as file using (file_id)
        order by file.path, fact.row_no, to_jsonb(fact) - '{file_id,part_id}'::text[]
    """,
    # Means are sums in another order.
    "fct_school_procedure": """
        select year, school_id, procedure_code, n_enrolled_listed, n_absent, n_partial, n_without_result,
          n_participants, n_below_min, n_mark_2, n_mark_3, n_mark_4, n_mark_5, n_high, n_100, n_participants_last,
          n_below_min_last, source, round(mean_score::numeric, 9), round(sd_score::numeric, 9),
          round(mean_mark::numeric, 9)
        from core.fct_school_procedure order by 1, 2, 3
    """,
}


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inbox")
    generate(folder, seed=3, n_schools=8, years=[2022])
    return folder


def _run(home: Path, inbox: Path, engine: str) -> None:
    _call(home, "run", "--inbox", str(inbox), "--year", "2022", engine=engine)


def _call(home: Path, *arguments: str, engine: str = "postgresql") -> None:
    # One key, so that people have the same pseudonyms in both.
    key = str(home.parent / "pseudonym.key")
    environment = os.environ | {"RAVENSTVO_HOME": str(home), "RAVENSTVO_ENGINE": engine, "RAVENSTVO_KEY_FILE": key}
    ran = subprocess.run([str(RAVENSTVO), *arguments], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]


def _file_of(settings: Settings) -> str:
    """A file of 2022 with results of pupils."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select file.path from ops.source_file as file join ops.source_part as part using (file_id) "
            "where part.in_force and part.year = 2022 and part.source = 'vpr_result' order by 1 limit 1"
        )
        (path,) = cursor.fetchone()  # type: ignore[misc]
        return str(path)


def _facts(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    with connect(settings) as connection, connection.cursor() as cursor:
        for table, query in FACTS.items():
            cursor.execute(query)
            found[table] = cursor.fetchall()
    return found


def test_both_engines_give_the_same_rows(inbox: Path, tmp_path: Path) -> None:
    """All years at first; then one, because a file of it was withdrawn."""
    ours, theirs = (Settings(home=tmp_path / name, warehouse_url=None) for name in ("ours", "theirs"))
    try:
        _run(ours.home, inbox, "postgresql")
        _run(theirs.home, inbox, "spark")
        assert _facts(theirs) == _facts(ours)
        compared = check(ours, [], print)
        assert [one.table for one in compared] == [*spark.KEYS, *spark.RESULTS]
        assert all(one.agrees and one.rows > 100 for one in compared), compared

        for settings, engine in ((ours, "postgresql"), (theirs, "spark")):
            _call(settings.home, "withdraw", _file_of(settings), "--by", "Иванова", "--reason", "проба")
            _run(settings.home, inbox, engine)
            with connect(settings) as connection, connection.cursor() as cursor:
                cursor.execute("select years from ops.calculation where status = 'done' order by started_at")
                assert [years for (years,) in cursor.fetchall()][-1] == [2022]
        assert _facts(theirs) == _facts(ours)

        # It does see a difference.
        with connect(ours) as connection, connection.cursor() as cursor:
            cursor.execute(
                "update core.fct_school_procedure set n_participants = n_participants + 1 "
                "where ctid = (select ctid from core.fct_school_procedure where year = 2022 limit 1)"
            )
        changed = {one.table: one for one in check(ours, [2022], print)}
        assert (changed["fct_school_procedure"].only_spark, changed["fct_school_procedure"].only_postgresql) == (1, 1)
        assert changed["fct_result"].agrees
        assert not (ours.home / "spark").exists()
    finally:
        server.stop(ours)
        server.stop(theirs)
