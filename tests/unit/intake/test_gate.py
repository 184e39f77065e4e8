"""What registers of teachers may keep of a person: keys, states and years, never a name, a number or a telephone."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from ravenstvo import layouts
from ravenstvo.intake.pseudonym import Person, Pseudonyms, Worker, check_snils

GATE = Pseudonyms(b"k" * 32)
DIGITS = st.text("0123456789", min_size=9, max_size=9)


def check_number(number: str) -> str:
    """The pension fund's rule, in the words in which it is published."""
    total = sum(int(digit) * weight for digit, weight in zip(number, range(9, 0, -1), strict=True))
    while total > 101:
        total %= 101
    return "00" if total in (100, 101) else f"{total:02}"


def written(number: str, check: str) -> str:
    return f"{number[:3]}-{number[3:6]}-{number[6:]} {check}"


@given(DIGITS)
@example("087654303")  # the sum is 200
@example("001001999")
def test_right_check_number_is_valid_however_it_is_written(number: str) -> None:
    assume(number.strip("0"))
    snils = number + check_number(number)
    assert check_snils(snils) == check_snils(written(number, check_number(number))) == (snils, "valid")


@given(DIGITS, st.integers(1, 99))
def test_any_other_check_number_is_wrong(number: str, shift: int) -> None:
    assume(int(number) > 1_001_998)
    check = f"{(int(check_number(number)) + shift) % 100:02}"
    assert check_snils(written(number, check)) == ("", "wrong_check")


@given(st.integers(10_019_980, 99_999_999))
def test_number_that_lost_its_zeros_is_filled_up(number: int) -> None:
    text = f"{number:09}"
    snils = text + check_number(text)
    assert check_snils(str(int(snils))) == (snils, "valid")


@given(st.integers(1, 1_001_998), st.integers(0, 99))
def test_first_numbers_have_no_check_number(number: int, check: int) -> None:
    assert check_snils(written(f"{number:09}", f"{check:02}"))[1] == "valid"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("", "missing"),
        ("—", "missing"),
        ("000-000-000 00", "missing"),
        ("нет", "malformed"),
        ("112-233-445", "malformed"),
        ("112-233-445 9", "malformed"),
        ("112-233-445 955", "malformed"),
        ("12345678", "malformed"),
        ("1.12233E+10", "malformed"),
        ("СНИЛС 112-233-445 95", "malformed"),
        ("112-233-445 96", "wrong_check"),
        ("112 233 445 95", "valid"),
        ("112–233–445–95", "valid"),
    ],
)
def test_what_is_thought_of_a_number(text: str, state: str) -> None:
    assert check_snils(text)[1] == state


WRITTEN = Worker(snils="112-233-445 95", full_name="Сидорова-Ёлкина  Анна Петровна", birth_date="1980-02-29")


@pytest.mark.parametrize(
    "same",
    [
        Worker(surname="Сидорова-Елкина", given_name="АННА", patronymic="Петровна", birth_date="1980-02-29"),
        Worker(surname="Сидорова", given_name="Ёлкина Анна", patronymic="Петровна ", birth_date="1980-02-29"),
        Worker(full_name="сидорова елкина анна петровна", birth_date="1980-02-29"),
    ],
)
def test_one_person_has_one_name_key_in_one_cell_or_in_three(same: Worker) -> None:
    assert GATE.worker(same)["name_key"] == GATE.worker(WRITTEN)["name_key"] != ""


def test_another_birthday_is_another_person() -> None:
    other = Worker(full_name=WRITTEN.full_name, birth_date="1980-03-01")
    assert GATE.worker(other)["name_key"] != GATE.worker(WRITTEN)["name_key"]


@pytest.mark.parametrize("birth_date", ["", "1980", "29 февраля", "1980-02-30"])
def test_without_a_date_of_birth_there_is_no_name_key(birth_date: str) -> None:
    assert GATE.worker(Worker(full_name=WRITTEN.full_name, birth_date=birth_date))["name_key"] == ""


def test_missing_snils_leaves_the_person_key_blank() -> None:
    kept = GATE.worker(Worker(full_name=WRITTEN.full_name, birth_date=WRITTEN.birth_date))
    assert (kept["person_key"], kept["snils_state"], kept["birth_year"]) == ("", "missing", "1980")
    assert kept["name_key"]


@pytest.mark.parametrize(("contact", "said"), [("Анна, 8-900-000-00-00", "да"), ("", "нет"), ("—", "нет")])
def test_of_a_contact_only_its_being_there_is_kept(contact: str, said: str) -> None:
    assert GATE.worker(Worker(contact=contact))["has_contact"] == said


def test_pupils_keep_the_pseudonyms_that_they_had() -> None:
    def token(text: str) -> str:
        return hmac.new(b"k" * 32, text.encode(), hashlib.sha256).hexdigest()[:32]

    pupil = Person("Иванов", "Пётр", "Ильич", "1234 567890")
    assert GATE.keys(pupil, "101001", "2021", "7") == (
        token("person:иванов|петр|ильич|1234567890"),
        token("name:иванов|петр|ильич|101001|2021"),
        "2",
    )
    assert GATE.keys(Person(), "101001", "2021", "7") == (token("code:7|101001|2021"), "", "3")


STAFF = ["Год", "Код ОО", "СНИЛС", "ФИО", "Дата рождения", "Должность"]
PERSONAL = ["112-233-445 95", "11223344595", "Ёлкина", "елкина", "Аглая", "1980-02-03", "03.02.1980", "89000000000"]


def test_nothing_personal_leaves_the_reader(read, workbook, tmp_path) -> None:
    rows = [
        STAFF,
        [2021, 41001, "112-233-445 95", "Ёлкина Аглая Ивановна", "03.02.1980", "учитель"],
        [2021, 41001, 11223344595, "ЁЛКИНА Аглая Ивановна", "1980-02-03", "логопед"],
        [2021, 41001, "112-233-445 99", "Ёлкина Аглая", "", "дефектолог"],
    ]
    contacts = [
        ["Код МСУ", "Уровень", "Дата приказа", "Контакт", "Услуг оказано за год", "Год"],
        [41, "муниципальный", "01.02.2021", "Аглая Ёлкина, 89000000000", 3, 2021],
    ]
    book = workbook("Штат.xlsx", Работники=rows, Службы=contacts)
    answer, (staff, services) = read("Штат.xlsx", book)
    first, second, third = staff
    assert first["person_key"] == second["person_key"]
    assert first["name_key"] == second["name_key"]
    assert (first["school_code"], first["birth_year"], first["snils_state"]) == ("041001", "1980", "valid")
    assert third["snils_state"] == "wrong_check"
    assert {"person_key", "name_key"}.isdisjoint(third)
    assert services[0]["has_contact"] == "да"
    told = json.dumps([answer, staff, services], ensure_ascii=False)
    spooled = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "spool").iterdir())
    assert not [text for text in PERSONAL if text in told or text in spooled]


def test_stray_cell_beside_people_is_not_quoted(read, workbook) -> None:
    rows = [[*STAFF, ""], [2021, 41001, "112-233-445 95", "", "", "учитель", "Ёлкина Аглая"]]
    answer, _ = read("Штат.xlsx", workbook("Штат.xlsx", Лист1=rows))
    assert [problem["code"] for problem in answer["problems"]] == ["unnamed_column"]
    assert "Аглая" not in json.dumps(answer, ensure_ascii=False)


def document(**columns):
    base = {"name": "x", "source": "deficit", "title": "x", "absent": ["school_code", "stage", "deficit_code"]}
    return layouts.Layout.model_validate(base | {"columns": {"is_found": {"header": ["Выявлен"]}} | columns})


@pytest.mark.parametrize(
    ("layout", "says"),
    [
        (
            document(person_key={"header": ["СНИЛС"]}, **{"person.snils": {"header": ["СНИЛС"]}}),
            "эти столбцы делает загрузка",
        ),
        (document(**{"person.snlis": {"header": ["СНИЛС"]}}), "ничего не получается"),
        (document(), "ни в columns, ни в absent"),
    ],
)
def test_document_cannot_lead_around_the_gate(layout, says) -> None:
    with pytest.raises(ValueError, match=says):
        layouts.check(layout, layouts.load_sources()["deficit"])


NAMED = Person("Выдуманова", "Анна-Мария", "Петровна")
WITH_DOCUMENT = replace(NAMED, document="1234 567890")


@pytest.mark.parametrize(
    ("person", "same", "level"),
    [
        # Whoever has a СНИЛС is known by it, whatever else is written.
        (replace(WITH_DOCUMENT, snils="112-233-445 95"), Person("Другая", snils="11223344595"), "1"),
        (WITH_DOCUMENT, replace(WITH_DOCUMENT, surname="ВЫДУМАНОВА ", document="1234567890"), "2"),
        (WITH_DOCUMENT, replace(WITH_DOCUMENT, given_name="анна мария", snils="112-233-445 00"), "2"),
        (
            replace(WITH_DOCUMENT, birth_date="2006-05-04"),
            replace(WITH_DOCUMENT, birth_date="2006-05-04", snils="не указан"),
            "2",
        ),
    ],
)
def test_a_pupil_is_the_same_in_every_year_and_school_by_what_is_stable(
    person: Person, same: Person, level: str
) -> None:
    first, again = GATE.keys(person, "101001", "2021", "7"), GATE.keys(same, "202002", "2023", "8")
    assert (first[0], first[2]) == (again[0], level) == (again[0], again[2])
    assert len(first[0]) == 32 and first[0] != GATE.keys(Person("Иная", document="1234567890"), "", "", "")[0]


def test_another_date_of_birth_or_document_is_another_pupil() -> None:
    told = [
        WITH_DOCUMENT,
        replace(WITH_DOCUMENT, birth_date="2006-05-04"),
        replace(WITH_DOCUMENT, birth_date="2006-05-05"),
    ]
    told.append(replace(WITH_DOCUMENT, document="1234 567891"))
    assert len({GATE.keys(person, "101001", "2021", "7")[0] for person in told}) == len(told)


@pytest.mark.parametrize("person", [NAMED, Person()])
def test_a_pupil_known_by_name_or_code_alone_is_known_in_one_school_and_year(person: Person) -> None:
    known = {GATE.keys(person, *place, "7") for place in (("101001", "2021"), ("101001", "2022"), ("202002", "2021"))}
    assert len({key for key, _name, _level in known}) == 3
    assert {level for _key, _name, level in known} == {"3"}
    assert GATE.keys(Person(), "101001", "2021", "") == ("", "", "")
