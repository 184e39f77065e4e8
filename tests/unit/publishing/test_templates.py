"""Blank workbooks: what a person fills in is read without a word about its form, and a blank one is no data."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.datavalidation import DataValidation
from ravenstvo import cli
from ravenstvo.intake.pseudonym import Pseudonyms
from ravenstvo.intake.reader import read_file
from ravenstvo.layouts import load_layouts, normalise_header
from ravenstvo.publishing.template_fields import Field, Template, load_hints, load_templates
from ravenstvo.publishing.template_lists import TemplateError
from ravenstvo.publishing.templates import write_templates
from ravenstvo.reference import SEEDS
from ravenstvo.sample.spec import template as sample_headers
from ravenstvo.settings import PROJECT_ROOT
from ravenstvo.sources import load_sources
from typer.testing import CliRunner

NAMES = sorted(load_templates())
# As the contract of the sources has them.
HEADERS = {
    "agreement": "Номер договора; Дата подписания; Действует с; Действует по; Код ОО; Код ОО партнёра; "
    "Наименование партнёра; Вид партнёра; Статус; Дата расторжения; Программа",
    "staff": "Год; Код ОО; СНИЛС; ФИО; Дата рождения; Должность; Предмет; Квалификационная категория; "
    "Русский как неродной; Инклюзивные классы",
    "infrastructure": "Код МСУ; Уровень; Дата приказа; Контакт; Услуг оказано за год; Год",
    "event_participant": "Код мероприятия; Регион; Код ОО; СНИЛС; Роль",
    "plan_item": "Программа; Код пункта; Этап; Наименование; Код ОО; Код МСУ; Срок с; Срок по; Периодичность; "
    "Исполнено; Документ",
} | {
    name: "; ".join(sample_headers(name))
    for name in ("school", "school_login", "municipality", "school_context", "regional_monitoring")
}
SNILS = "112-233-445 95"
BIRTH = datetime.datetime(1985, 5, 14)
# A person's cells go in; nothing that could be recognised may come out.
PRIVATE = {
    "person.snils": SNILS,
    "person.full_name": "Осинова Вера Ильинична",
    "person.birth_date": BIRTH,
    "person.contact": "Осинова, 8 (000) 000-00-00",
}
# Kind → what a person puts into a cell, and what reading makes of it.
FILLED: dict[str, tuple[Any, str]] = {
    "date": (datetime.datetime(2021, 3, 7), "2021-03-07"),
    "year": (2021, "2021"),
    "whole": (7, "7"),
    "number": (0.5, "0.5"),
    "school": ("041001", "041001"),
    "municipality": ("041", "041"),
    "code": ("01.02", "01.02"),
    "text": (" 1.2 «Школа» ", "1.2 «Школа»"),
}


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lists of made-up values: the documents' examples, and enough others to outgrow a rule of a cell."""
    folder = tmp_path_factory.mktemp("seeds")
    lists = {"yes_no": ["да", "нет"]}
    for source in load_sources().values():
        for column in source.columns:
            if column.values:
                known = lists.setdefault(column.values, [f"другое значение № {n}" for n in range(1, 30)])
                known += [column.example] if column.example and column.example not in known else []
    with (folder / "value_list.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["list_name", "spelling", "value", "source"])
        for name, values in lists.items():
            writer.writerows([name, spelling, value, "x"] for value in values for spelling in (value, f"{value} тоже"))
    with (folder / "programme.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["programme_code", "title", "short_title", "year_from"])
        writer.writerow(["first_2021", "Первая программа области", "Первая", 2021])
        writer.writerow(["second_2022", "=Вторая программа", "=1+1", 2022])
    return folder


@pytest.fixture(scope="session")
def written(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "шаблоны"
    write_templates(folder, seeds)
    return folder


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Path], tuple[dict[str, Any], list[dict[str, str]]]]:
    """Read a workbook as the reading process does: its answer, and the records of its rows."""

    def go(path: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
        spool = tmp_path / "spool"
        spool.mkdir(exist_ok=True)
        answer = read_file(f"входящие/{path.name}", path, spool, Pseudonyms(b"k" * 32))
        records = []
        for part in answer["parts"]:
            if part["spool"]:
                names = ("row_no", *load_sources()[part["source"]].column_names)
                for line in (spool / part["spool"]).read_text(encoding="utf-8").splitlines():
                    records.append({k: v for k, v in zip(names, line.split("\t"), strict=True) if v})
        return answer, records

    return go


def _book(written: Path, template: Template) -> tuple[openpyxl.Workbook, Any]:
    book = openpyxl.load_workbook(written / f"{template.title}.xlsx")
    return book, book[template.title]


def _choices(book: openpyxl.Workbook, rule: DataValidation) -> list[str]:
    match = re.fullmatch(r"'(.+)'!\$B\$(\d+):\$B\$(\d+)", rule.formula1)
    assert match, rule.formula1
    return [book[match[1]].cell(row, 2).value for row in range(int(match[2]), int(match[3]) + 1)]


def _rules(sheet: Any) -> dict[str, DataValidation]:
    """Header → the one rule of the cells under it."""
    heads = {cell.column_letter: cell.value for cell in sheet[1]}
    found: dict[str, DataValidation] = {}
    for rule in sheet.data_validations.dataValidation:
        match = re.fullmatch(r"([A-Z]+)2:\1(\d+)", str(rule.sqref))
        assert match and int(match[2]) == load_hints().rows + 1 > 1000 and heads[match[1]] not in found
        found[heads[match[1]]] = rule
    return found


def _filled(book: openpyxl.Workbook, field: Field, rule: DataValidation) -> tuple[Any, str | None]:
    if field.name in PRIVATE:
        return PRIVATE[field.name], None
    if field.values:
        chosen = _choices(book, rule)[-1]
        return chosen, chosen
    return FILLED[field.kind]


def _fill(book: openpyxl.Workbook, template: Template, rows: tuple[int, ...]) -> dict[str, str]:
    """Put the same values into some rows; gives the record that each of them must become."""
    sheet, rules, expected = book[template.title], _rules(book[template.title]), {}
    for place, field in enumerate(template.fields, start=1):
        value, text = _filled(book, field, rules[field.title])
        for row in rows:
            sheet.cell(row, place).value = value
        if text is not None:
            expected[field.name] = text
    return expected


def _check_records(template: Template, records: list[dict[str, str]], rows: tuple[int, ...], expected: Any) -> None:
    made = {"person_key", "snils_state", "name_key", "birth_year", "has_contact"}
    assert [record.pop("row_no") for record in records] == [str(row) for row in rows]
    for record in records:
        assert {name: value for name, value in record.items() if name not in made} == expected
        told = "\t".join(record.values())
        assert "112" not in re.sub(r"[0-9a-f]{32}", "", told) and "Осинова" not in told and "1985-05-14" not in told
        if "person.snils" in {field.name for field in template.fields}:
            assert re.fullmatch(r"[0-9a-f]{32}", record["person_key"])


def test_every_register_of_people_has_a_template_with_the_headers_of_the_contract(written: Path) -> None:
    assert len(NAMES) == 26
    assert {path.stem for path in written.iterdir()} == {template.title for template in load_templates().values()}
    for name, template in load_templates().items():
        book, sheet = _book(written, template)
        heads = [cell.value for cell in sheet[1]]
        assert book.sheetnames[:2] == [template.title, "Как заполнять"]
        assert heads == [mapped.header[0] for mapped in load_layouts()[name].columns.values()]
        assert "; ".join(heads) == HEADERS.get(name, "; ".join(heads))
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref.startswith("A1:")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_filled_in_is_what_is_read(name: str, written: Path, tmp_path: Path, read: Any) -> None:
    template, rows = load_templates()[name], (3, 5, 8)
    book, _sheet = _book(written, template)
    expected = _fill(book, template, rows)
    book.save(tmp_path / "что угодно.xlsx")
    answer, records = read(tmp_path / "что угодно.xlsx")
    assert (answer["refused"], answer["problems"]) == (False, [])
    _check_records(template, records, rows, expected)
    first, *others = answer["parts"]
    assert first["layout"] == name
    assert first["dropped"] == {"title": 0, "header": 1, "footer": 1, "blank": 3}
    assert first["n_rows_read"] == 8
    assert [part["layout"] for part in others] == ["template_instructions", "template_lists"][: len(others)]
    assert all(set(part["dropped"]) == {"not_data"} for part in others)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_may_be_deleted_and_the_first_row_may_be_data(
    name: str, written: Path, tmp_path: Path, read: Any
) -> None:
    template = load_templates()[name]
    book, sheet = _book(written, template)
    expected = _fill(book, template, (3,))
    sheet.delete_rows(2)
    book.save(tmp_path / "без примера.xlsx")
    answer, records = read(tmp_path / "без примера.xlsx")
    assert not answer["refused"]
    _check_records(template, records, (2,), expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_blank_template_is_told_to_be_blank(name: str, written: Path, read: Any) -> None:
    template = load_templates()[name]
    answer, _records = read(written / f"{template.title}.xlsx")
    assert answer["refused"]
    assert [(problem["code"], problem["sheet"]) for problem in answer["problems"]] == [("no_data", template.title)]


@pytest.mark.parametrize("name", NAMES)
def test_cells_help_and_the_example_obeys_them(name: str, written: Path, seeds: Path) -> None:
    template = load_templates()[name]
    book, sheet = _book(written, template)
    rules = _rules(sheet)
    assert list(rules) == [field.title for field in template.fields]
    for place, field in enumerate(template.fields, start=1):
        rule, cell = rules[field.title], sheet.cell(2, place)
        assert rule.prompt and len(rule.prompt) <= 255 and len(rule.promptTitle) <= 32
        assert len(rule.error or "") <= 255
        value = str(cell.value).removeprefix("Пример: ") if place == 1 else cell.value
        assert place > 1 or (str(cell.value).startswith("Пример: ") and value)
        if field.values and value:
            assert value in _choices(book, rule)
            assert rule.type == "list" and (rule.errorStyle == "warning") == (field.kind == "suggestion")
        if field.kind == "date":
            assert (rule.type, rule.operator) == ("date", None)
            assert int(rule.formula1) < 45000 < int(rule.formula2)
            assert sheet.column_dimensions[cell.column_letter].number_format == "dd.mm.yyyy"
        if field.kind in ("whole", "number"):
            assert (rule.operator, rule.formula1) == ("greaterThanOrEqual", "0")
            assert rule.type == {"whole": "whole", "number": "decimal"}[field.kind]
        if field.kind in ("text", "code", "school", "municipality", "snils"):
            assert sheet.column_dimensions[cell.column_letter].number_format == "@"
        assert cell.font.italic
    colours = {field.need: sheet.cell(1, place).fill.fgColor.rgb for place, field in enumerate(template.fields, 1)}
    assert len(set(colours.values())) == len(colours) and "required" in colours


def test_lists_hold_each_value_once_and_a_programme_may_be_called_by_its_short_title_or_code(written: Path) -> None:
    book, sheet = _book(written, load_templates()["agreement"])
    rules = _rules(sheet)
    assert _choices(book, rules["Программа"]) == ["Первая", "=1+1", "first_2021", "second_2022"]
    kinds = _choices(book, rules["Вид партнёра"])
    assert len("".join(kinds)) > 255 and len(set(kinds)) == len(kinds) == 30
    assert sheet["K2"].value == "first_2021"
    assert book["Списки"].sheet_state == "hidden"
    assert {cell.data_type for page in book for row in page.iter_rows() for cell in row} <= {"s", "n", "d", "inlineStr"}


def test_instructions_tell_every_column_and_what_is_rejected(written: Path) -> None:
    for template in load_templates().values():
        book, _sheet = _book(written, template)
        rows = list(book["Как заполнять"].iter_rows(values_only=True))
        start = rows.index(("Столбец", "Что писать", "Обязательно", "Допустимые значения", "Пример"))
        told = rows[start + 1 : start + 1 + len(template.fields)]
        assert [row[0] for row in told] == [field.title for field in template.fields]
        assert all(row[1] and row[2] for row in told)
        text = "\n".join(row[0] for row in rows if row[0])
        assert template.use.purpose in text
        assert "Не загружается" in text and "целиком" in text
        assert ("необратимый код" in text) == any(row[0] in ("СНИЛС", "Контакт") for row in told)
    book, _sheet = _book(written, load_templates()["agreement"])
    rows = {row[0]: row for row in book["Как заполнять"].iter_rows(values_only=True) if row[0]}
    assert rows["Код ОО"][2] == "да"
    assert rows["Код ОО партнёра"][2] == "да, если нет: Наименование партнёра"
    assert rows["Статус"][2] == "да" and rows["Дата подписания"][2] == "нет"
    assert any("«Действует по» раньше, чем «Действует с»" in text for text in rows)
    book, _sheet = _book(written, load_templates()["event_participant"])
    rules = "\n".join(row[0] for row in book["Как заполнять"].iter_rows(values_only=True) if row[0])
    for reason in ("нет в реестре ОО", "нет в присланной форме «Мероприятия»", "СНИЛС — не 11 цифр"):
        assert reason in rules


def test_the_same_documents_give_the_same_bytes(written: Path, seeds: Path, tmp_path: Path) -> None:
    again = write_templates(tmp_path, seeds)
    assert [path.name for path in again] == sorted(path.name for path in written.iterdir())
    assert all(path.read_bytes() == (written / path.name).read_bytes() for path in again)


def test_lacking_lists_are_named_and_nothing_is_written(seeds: Path, tmp_path: Path) -> None:
    poor = tmp_path / "seeds"
    poor.mkdir()
    text = (seeds / "value_list.csv").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines(True) if not line.startswith("work_kind,")]
    (poor / "value_list.csv").write_text("".join(kept), encoding="utf-8")
    with pytest.raises(TemplateError) as error:
        write_templates(tmp_path / "out", poor)
    assert re.findall(r"(\w+) \((\w+\.csv)\)", str(error.value)) == [
        ("programme", "programme.csv"),
        ("work_kind", "value_list.csv"),
    ]
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").write_text("")
    with pytest.raises(TemplateError, match="это файл"):
        write_templates(tmp_path / "out", seeds)


def test_command_says_how_many_it_wrote(seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ravenstvo.reference.SEEDS", seeds)
    result = CliRunner().invoke(cli.app, ["templates", "--out", str(tmp_path / "a")])
    assert result.exit_code == 0, result.output
    assert "Шаблонов: 26" in result.output
    assert len(list((tmp_path / "a").iterdir())) == 26


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    codes=st.lists(st.from_regex(r"[0-9]{6}", fullmatch=True), min_size=1, max_size=6),
    days=st.data(),
    as_text=st.booleans(),
)
def test_codes_and_dates_survive_however_they_are_typed(
    codes: list[str], days: st.DataObject, as_text: bool, written: Path, tmp_path: Path, read: Any
) -> None:
    """A code that became a number, and a date that stayed text, are read as those that did not."""
    template = load_templates()["contest"]
    book, sheet = _book(written, template)
    expected = []
    for row, code in enumerate(codes, start=3):
        day = days.draw(st.dates(datetime.date(1990, 1, 1), datetime.date(2050, 12, 31)))
        values = [f"{day:%d.%m.%Y}" if as_text else day, int(code) if as_text else code, "Конкурс", "школьный", "x"]
        for place, value in enumerate(values, start=1):
            sheet.cell(row, place).value = value
        expected.append((day.isoformat(), code))
    path = tmp_path / "конкурсы.xlsx"
    book.save(path)
    _answer, records = read(path)
    assert sorted((record["held_on"], record["school_code"]) for record in records) == sorted(expected)


def test_examples_of_the_documents_are_values_that_the_seeds_know() -> None:
    with (SEEDS / "value_list.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, template in load_templates().items():
        for field in template.fields:
            if field.values and field.kind != "programme":
                known = {row["value"] for row in rows if row["list_name"] == field.values}
                spelled = {row["spelling"] for row in rows if row["list_name"] == field.values}
                assert known, f"{name}.{field.name}: {field.values}"
                assert {normalise_header(value) for value in known} <= {normalise_header(text) for text in spelled}
                assert not field.example or field.example in known, f"{name}.{field.name}"


def test_the_guide_names_every_template_and_what_it_is_for() -> None:
    text = (PROJECT_ROOT / "docs" / "sending.md").read_text(encoding="utf-8")
    for template in load_templates().values():
        assert f"| {template.title} | {template.use.purpose} | {template.use.who} |" in text
