from __future__ import annotations

import json
import logging
import multiprocessing
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from ravenstvo import logs
from ravenstvo.intake.pool import Request, read_all
from ravenstvo.runtime import observing
from ravenstvo.runtime.airflow_home import AirflowError
from ravenstvo.settings import Settings

CANARY = "Иванова Мария 112-233-445 95"
WRITERS, LINES = 3, 200


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    product = logging.getLogger("ravenstvo")
    before, level = list(product.handlers), product.level
    made = Settings(home=tmp_path)
    made.make_home()
    logs.begin(made)
    yield made
    product.handlers, product.level = before, level


def lines(settings: Settings) -> list[dict]:
    path = logs.path(settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_line_of_a_block_carries_its_ids(settings: Settings) -> None:
    log = logging.getLogger("ravenstvo.intake.something")
    with logs.bound(calculation_id="2022-1", year=2022, **logs.file_ids("2022/Иванова/Математика.xlsx")):
        log.warning("Файл %s", "читается")
        logs.say(log, "Файл загружен", n_rows=7, codes=["no_layout"], seconds=0.5)
    log.info("Потом")
    first, second, after = lines(settings)
    ids = {"calculation_id": "2022-1", "year": 2022, "file": "Математика.xlsx"}
    assert (first["event"], first["level"], first["logger"]) == ("Файл читается", "warning", log.name)
    assert ids.items() <= first.items() and ids.items() <= second.items()
    assert len(first["path_hash"]) == 12 and "Иванова" not in str(first)
    assert {"n_rows": 7, "codes": ["no_layout"], "seconds": 0.5}.items() <= second.items()
    assert not {"calculation_id", "file", "n_rows"} & after.keys()


def test_what_is_no_known_field_is_not_written(settings: Settings) -> None:
    log = logging.getLogger("ravenstvo.intake.something")
    logs.say(log, "Строка отклонена", surname=CANARY, n_rows=1)
    try:
        raise ValueError(CANARY)
    except ValueError:
        log.exception("Не вышло")
    assert len(lines(settings)) == 2
    assert "Иванова" not in str(lines(settings))


@pytest.mark.parametrize(("error", "told"), [(ValueError(CANARY), None), (AirflowError("Не готово"), "Не готово")])
def test_the_text_of_an_error_is_written_when_it_is_the_product_s(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str | None
) -> None:
    monkeypatch.setenv("RAVENSTVO_HOME", str(settings.home))
    monkeypatch.setenv("RAVENSTVO_WAREHOUSE_URL", "postgresql://nobody:" + "0123456789abcdef01" + "@127.0.0.1:1/none")

    @observing.observed
    def land(spooled: dict[str, str]) -> None:
        raise error

    with pytest.raises(type(error)):
        land({"path": "2022/Школы.xlsx"})
    failed = next(line for line in lines(settings) if line["event"] == "Шаг не выполнен")
    assert (failed["error"], failed.get("message"), failed["level"]) == (type(error).__name__, told, "error")
    assert (failed["stage"], failed["file"]) == ("land", "Школы.xlsx")
    assert "Иванова" not in str(lines(settings))


def test_a_reading_process_writes_with_the_ids_of_its_task(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "Школы.csv"
    file.write_text("Код;Название\n", encoding="utf-8")
    with logs.bound(run_id="manual__1", task_id="read_inbox"):
        read_all([Request("входящие/2022/Школы.csv", str(file), task="check")], settings)
    (read,) = [line for line in lines(settings) if line["event"] == "Файл прочитан"]
    ids = {"run_id": "manual__1", "task_id": "read_inbox", "logger": "ravenstvo.intake.serve"}
    assert (ids | logs.file_ids("2022/Школы.csv")).items() <= read.items()


def test_a_level_is_a_setting(settings: Settings) -> None:
    logs.begin(settings.model_copy(update={"log_level": "WARNING"}))
    logging.getLogger("ravenstvo.x").info("тихо")
    logging.getLogger("ravenstvo.x").warning("громко")
    assert [line["event"] for line in lines(settings)] == ["громко"]


def _write(path: Path, who: int) -> None:
    for number in range(LINES):
        logs.append_line(path, f"{who} {number} {'я' * 40}", max_bytes=8_000, kept=9)


def test_processes_that_write_at_once_lose_no_line_while_files_are_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    processes = [multiprocessing.Process(target=_write, args=(path, who)) for who in range(WRITERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    files = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, 10))]
    assert not path.with_name(f"{path.name}.10").exists()
    kept = [line for file in files if file.exists() for line in file.read_text(encoding="utf-8").splitlines()]
    assert all(file.stat().st_size <= 8_000 for file in files if file.exists())
    assert sorted(kept) == sorted(f"{who} {number} {'я' * 40}" for who in range(WRITERS) for number in range(LINES))
