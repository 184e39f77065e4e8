"""Who has not delivered what, compared with a day: the list, the letter, and when it is sent again."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ravenstvo.asking.expected import campaigns, expected_lines, lacking
from ravenstvo.publishing.senders.who import load_rules
from ravenstvo.runtime.notifying import finished, outbox
from ravenstvo.runtime.notifying.finished import tell_finished, watch_deliveries
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

PROJECT = PROJECT_ROOT / "dbt_project"
TODAY = date(2031, 6, 20)
NOW = {"year": 2031, "is_watched": True, "collected_by": "municipality", "state": "missing"}
ROWS = [
    *({**NOW, "source": "vpr_result", "source_title": "Результаты ВПР", "due_on": date(2031, 6, 15)} | place
      for place in ({"municipality_code": "1", "sender_title": "Первый район"},
                    {"municipality_code": "2", "sender_title": "Второй район"},
                    {"municipality_code": "3", "sender_title": "Третий район", "state": "on_time"})),
    # A procedure is not told beside its source that has not come at all: only of the third.
    *({**NOW, "source": "vpr_result", "source_title": "Результаты ВПР", "due_on": date(2031, 6, 15),
       "procedure_code": "vpr_rus_5", "procedure_title": "ВПР, русский язык, 5 класс"} | place
      for place in ({"municipality_code": "1", "sender_title": "Первый район"},
                    {"municipality_code": "3", "sender_title": "Третий район"})),
    {**NOW, "source": "school_context", "source_title": "Социальный паспорт", "due_on": date(2031, 6, 10),
     "collected_by": "school", "municipality_code": "1", "sender_title": "Первый район", "state": "partial",
     "n_schools": 3, "n_schools_register": 5},
    {**NOW, "source": "ege_result", "source_title": "Результаты ЕГЭ", "due_on": date(2031, 6, 25),
     "collected_by": "department", "sender_title": "РЦОИ", "state": "awaited"},
    {**NOW, "source": "school", "source_title": "Реестр", "due_on": date(2031, 9, 25),
     "collected_by": "department", "sender_title": "Центр", "state": "awaited"},
    # Nobody waited for it when it came due.
    {**NOW, "year": 2029, "source": "oge_result", "source_title": "Результаты ОГЭ", "due_on": date(2029, 7, 15),
     "collected_by": "department", "sender_title": "РЦОИ", "is_watched": False},
]  # fmt: skip


def _do(settings: Settings, statement: str, values: Any = None) -> None:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture(scope="module")
def settings(module_warehouse: Settings) -> Settings:
    """A warehouse with the mart of deliveries, its columns as its contract has them."""
    upgrade(module_warehouse)
    document = yaml.safe_load((PROJECT / "models/marts/quality/mart_source_delivery.yml").read_text("utf-8"))
    columns = ", ".join(f"{one['name']} {one['data_type']}" for one in document["models"][0]["columns"])
    _do(module_warehouse, f"create table marts.mart_source_delivery ({columns})")
    for row in ROWS:
        names = ", ".join(row)
        places = ", ".join(f"%({name})s" for name in row)
        _do(module_warehouse, f"insert into marts.mart_source_delivery ({names}) values ({places})", row)
    return module_warehouse.model_copy(update={"notify_email": "centre@example.org"})


@pytest.fixture(autouse=True)
def unsent(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    """Messages stay in the outbox: how they are sent is tested with servers."""
    monkeypatch.setattr(finished, "deliver", lambda settings: len(outbox.messages(settings)))


def test_the_list_of_a_day(settings: Settings) -> None:
    with connect(settings) as connection, connection.cursor() as cursor:
        found = lacking(cursor)
    assert campaigns(found, TODAY, timedelta(days=7)) == [2031]
    assert campaigns([one for one in found if one.year == 2029], TODAY, timedelta(days=7)) == [2029]
    lines = list(expected_lines([one for one in found if one.year == 2031], TODAY))
    assert lines == [
        "Кампания 2031 года, на 20.06.2031. Ещё не пришло: 6, из них срок прошёл: 4.",
        "  срок 10.06.2031, прошло 10 дней — Социальный паспорт, не от всех школ: Первый район (школ 3 из 5)",
        "  срок 15.06.2031, прошло 5 дней — Результаты ВПР: Второй район, Первый район",
        "  срок 15.06.2031, прошло 5 дней — ВПР, русский язык, 5 класс: Третий район",
        "  срок 25.06.2031, осталось 5 дней — Результаты ЕГЭ: РЦОИ",
        "  срок 25.09.2031, осталось 97 дней — Реестр: Центр",
    ]


def test_one_letter_with_everything_and_again_only_when_that_changes(settings: Settings) -> None:
    assert watch_deliveries(settings, TODAY)
    message = outbox.messages(settings)[-1]
    assert message.subject == "Равенство: не пришло в срок: 4; срок близко: 1"
    assert "Срок прошёл, кампания 2031 года:" in message.text
    assert "Результаты ВПР: Второй район, Первый район" in message.text
    assert "Результаты ЕГЭ: РЦОИ" in message.text
    assert "Реестр" not in message.text
    assert "ОГЭ" not in message.text
    # Another day, nothing new.
    assert not watch_deliveries(settings, TODAY + timedelta(days=1))
    # A due date has passed.
    assert watch_deliveries(settings, date(2031, 6, 26))
    _do(settings, "update marts.mart_source_delivery set state = 'late' where municipality_code = '2'")
    assert watch_deliveries(settings, date(2031, 6, 27))
    assert "Второй" not in outbox.messages(settings)[-1].text
    assert len(outbox.messages(settings)) == 3


def test_a_run_that_is_done_tells_of_refused_files_once(settings: Settings) -> None:
    _do(
        settings,
        "insert into ops.source_file (sha256, name, path, size_bytes, status, message) "
        "values ('x', 'сломан.xlsx', '2031/сломан.xlsx', 1, 'refused', 'не открывается')",
    )
    n_before = len(outbox.messages(settings))
    assert tell_finished(settings, 2031, TODAY)
    assert not tell_finished(settings, 2031, TODAY)
    (message,) = outbox.messages(settings)[n_before:]
    assert message.subject.startswith(
        "Равенство: расчёт 2031 года выполнен; отклонено целиком: 1 файл; не пришло в срок"
    )
    assert "2031/сломан.xlsx: не открывается" in message.text
    assert "ravenstvo expected --year 2031" in message.text
    # The morning finds nothing new in it, but what is refused later it tells.
    watch_deliveries(settings, date(2031, 6, 27))
    _do(
        settings,
        "insert into ops.source_file (sha256, name, path, size_bytes, status, message) "
        "values ('y', 'ещё.xlsx', '2031/ещё.xlsx', 1, 'refused', 'не открывается')",
    )
    n_before = len(outbox.messages(settings))
    watch_deliveries(settings, date(2031, 6, 27))
    assert [one.subject for one in outbox.messages(settings)[n_before:]] == ["Равенство: отклонено целиком: 2 файла"]
    # The campaign of another year has not begun by then.
    assert tell_finished(settings, 2030, TODAY)
    assert "не пришло" not in outbox.messages(settings)[-1].subject


def test_the_seed_knows_the_departments_that_letters_go_to() -> None:
    import csv

    with (PROJECT / "seeds" / "expected_source.csv").open(encoding="utf-8") as file:
        rules = list(csv.DictReader(file))
    collected = load_rules().collected_by
    known = {load_rules().centre.title, *(one.title for one in load_rules().departments)}
    for rule in rules:
        of_department = rule["collected_by"] == "department"
        assert bool(rule["department"]) == of_department, rule
        if of_department:
            assert rule["department"] in known, rule
        if rule["source"] in collected:
            assert rule["department"] == collected[rule["source"]].title, rule
