"""Every register of the support programmes, filled in as its template shows, lands whole; what is kept of people."""

from __future__ import annotations

import re

import pytest
from ravenstvo.sources import load_sources
from support_forms import SNILS, TEMPLATES, filled

PERSON = {"person.snils": SNILS, "person.full_name": "Ёлкина Аглая", "person.birth_date": "03.02.1980"}
PERSON |= {"person.contact": "Ёлкина Аглая, 8 900 000-00-00"}


@pytest.fixture
def registers(intake):
    for name in TEMPLATES:
        form = filled(name, PERSON)
        header, row = list(form), list(form.values())
        example = ["Пример: " + row[0], *row[1:]]
        intake.write(f"2020/Сопровождение/{name}.xlsx", [[load_sources()[name].title], header, example, row])
    return intake


def test_each_template_lands_its_one_row(registers):
    assert set(registers.take(2021).values()) == {"landed"}
    assert registers.ask(
        "select source, sum(n_rows_read), sum(n_rows_dropped), sum(n_rows_landed), bool_and(in_force)"
        " from ops.source_part group by source order by source"
    ) == [(name, 4, 3, 1, True) for name in sorted(TEMPLATES)]
    assert registers.ask("select count(*) from ops.file_problem") == [(0,)]
    made = "person_key is not null, name_key is not null, snils_state, birth_year"
    assert registers.ask(f"select {made} from landing.staff") == [(True, True, "valid", "1980")]
    assert registers.ask("select has_contact from landing.infrastructure") == [("да",)]
    keys = registers.ask(
        " union ".join(f"select person_key from landing.{name}" for name in ("staff", "pd_record", "deficit"))
    )
    assert len(keys) == 1


def test_landing_holds_no_name_number_or_telephone(registers):
    registers.take(2021)
    for name in TEMPLATES:
        (row,) = registers.ask(f"select row_to_json(landed)::text from landing.{name} as landed")[0]
        # A pseudonym may hold any digits.
        text = re.sub("[0-9a-f]{32,}", "", row)
        assert not [piece for piece in ("Аглая", "лкина", "112-233", "11223344595", "1980-02", "900") if piece in text]


def test_register_is_loaded_whole_and_a_new_year_replaces_nothing(intake):
    form = filled("event", {})
    header, row = list(form), list(form.values())
    at = header.index("Дата")

    def events(*dates: str) -> list[list[str]]:
        return [header, *([f"М-{n}", *row[1:at], date, *row[at + 1 :]] for n, date in enumerate(dates))]

    intake.write("события.xlsx", events("01.02.2020", "01.03.2020", "01.04.2020", "01.02.2021"))
    assert intake.take(2020) == {"события.xlsx": "landed"}
    in_force = "select content_key, n_rows_landed from ops.source_part where in_force order by content_key"
    assert intake.ask(in_force) == [("event|2020", 3), ("event|2021", 1)]
    intake.write("события 2020, исправлено.xlsx", events("02.02.2020", "01.03.2020"))
    intake.take(2020)
    assert intake.ask(in_force) == [("event|2020", 2), ("event|2021", 1)]
