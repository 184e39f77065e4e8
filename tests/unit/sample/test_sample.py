"""The made-up region: repeatable, small, and its files say what its truth says."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from ravenstvo.sample import generate, generate_broken, truth
from ravenstvo.sample.generate import SampleError
from ravenstvo.sample.truth import Truth

SEED, N_SCHOOLS, YEARS = 5, 24, [2020, 2021, 2022, 2023]
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("край") / "inbox"
    generate(out, SEED, N_SCHOOLS, YEARS)
    return out


@pytest.fixture(scope="module")
def true() -> Truth:
    return truth(SEED, N_SCHOOLS, YEARS)


@pytest.fixture(scope="module")
def codes(inbox: Path) -> dict[str, str]:
    """School code by the digits of the login, as the registry has them; the boarding school keeps its prefix."""
    header, *rows = sheet(inbox / "Реестры" / "Реестр ОО.xlsx")
    code, login = header.index("Код ОО"), header.index("Логин ФИС ОКО")
    return {key(str(row[login])): f"{int(float(str(row[code]))):06d}" for row in rows}


def sheet(path: Path, name: str | None = None) -> list[list[object]]:
    book = CalamineWorkbook.from_path(str(path))
    return book.get_sheet_by_name(name or book.sheet_names[0]).to_python(skip_empty_area=False)


def key(login: str) -> str:
    return login if login.startswith("ksh") else login[3:]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(inbox: Path, tmp_path: Path) -> None:
    generate(tmp_path, SEED, N_SCHOOLS, YEARS)
    assert digests(tmp_path) == digests(inbox)


def test_another_seed_gives_other_pupils(inbox: Path, tmp_path: Path) -> None:
    generate(tmp_path, SEED + 1, N_SCHOOLS, [2021])
    name = "ВПР/2021/5/Проведение работы по математике, 5 класс. ВПР 2021.xlsx"
    assert (tmp_path / name).read_bytes() != (inbox / name).read_bytes()


def test_a_full_folder_is_left_alone(inbox: Path) -> None:
    before = digests(inbox)
    with pytest.raises(SampleError, match="не пуста"):
        generate(inbox, SEED, N_SCHOOLS, YEARS)
    assert digests(inbox) == before


@pytest.mark.parametrize("year", [-5, 0, 1, 1999, 10_000])
def test_a_year_without_a_form_of_files_is_told_before_anything_is_written(year: int, tmp_path: Path) -> None:
    """Who means «one year» writes `--years 1`."""
    with pytest.raises(SampleError, match=f"для года {year}: есть для 2000–9999"):
        generate(tmp_path / "inbox", SEED, 1, [2022, year])
    assert not list(tmp_path.iterdir())


def test_a_place_where_no_folder_can_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("занято", "utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "inbox"):
        with pytest.raises(SampleError, match="укажите другую"):
            generate(out, SEED, 1, [2022])


def test_the_shipped_size_is_small(tmp_path: Path) -> None:
    files = generate(tmp_path, 1, 60, [2021, 2022, 2023])
    assert sum(path.stat().st_size for path in files) < 3 * MEGABYTE


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("grade", [4, 5, 6, 7, 8])
@pytest.mark.parametrize("subject", ["math", "rus"])
def test_vpr_files_say_what_is_true(
    inbox: Path, true: Truth, codes: dict[str, str], year: int, grade: int, subject: str
) -> None:
    expected = {
        code: (counts.n_listed, counts.n_absent, counts.n_participants, counts.n_below_min)
        for (y, code, procedure), counts in true.items()
        if (y, procedure) == (year, f"vpr_{subject}_{grade}")
    }
    files = [
        p
        for p in (inbox / "ВПР" / str(year) / str(grade)).glob("*.xlsx")
        if is_subject(p, subject) and "исправ" not in p.name
    ]
    path = max(files, key=lambda p: p.name)  # of two versions the newer
    rows, columns = read_vpr(path, year)
    for correction in (p for p in path.parent.glob("*_исправление*.xlsx") if is_subject(p, subject)):
        corrected, _ = read_vpr(correction, year)
        login = corrected[0][columns["login"][0]]
        rows = [row for row in rows if row[columns["login"][0]] != login] + corrected
    assert counted(rows, columns, codes, MAXIMUM[subject][grade - 4], TOP_OF_TWO[subject][grade - 4]) == expected


def is_subject(path: Path, subject: str) -> bool:
    words = {"math": ("матем", "math"), "rus": ("русск", "rus")}[subject]
    return any(word in path.name.lower() for word in words)


HEADERS = {
    2020: ("user", ["var-1", "var-2"], "sum"),
    2021: ("логин школы", ["вариант"], "всего баллов"),
    2022: ("Пользователь", ["Вариант"], "Итого баллов"),
    2023: ("ОО", ["Вариант"], "Первичный балл"),
}
MAXIMUM = {"math": [20, 20, 16, 19, 25], "rus": [38, 45, 51, 47, 51]}
TOP_OF_TWO = {"math": [5, 6, 5, 6, 7], "rus": [13, 17, 24, 21, 25]}


def read_vpr(path: Path, year: int) -> tuple[list[list[object]], dict[str, list[int]]]:
    login, variants, total = HEADERS[year]
    rows = sheet(path, "Протокол" if year == 2022 else None)
    top = next(i for i, row in enumerate(rows) if login in row)
    header = rows[top]
    columns = {
        "login": [header.index(login)],
        "variants": [header.index(name) for name in variants],
        "total": [header.index(total)],
    }
    return rows[top + 1 :], columns


def counted(
    rows: list[list[object]], columns: dict[str, list[int]], codes: dict[str, str], highest: int, top_of_two: int
) -> dict[str, tuple[int, int, int, int]]:
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        code = codes.get(key(str(row[columns["login"][0]])))
        total = str(row[columns["total"][0]]).replace("\xa0", "").strip()
        if code is None or (total and float(total) > highest):
            continue
        variants = [str(row[i]).strip() for i in columns["variants"]]
        written = [variant for variant in variants if variant]
        away = [variant == "отсутствовал" for variant in written]
        found[code][0] += 1
        found[code][1] += all(away)
        if total and not any(away):
            found[code][2] += 1
            found[code][3] += float(total) <= top_of_two
    return {code: (listed, absent, sat, below) for code, (listed, absent, sat, below) in found.items()}


def test_first_attempts_count_and_appeals_change_them(inbox: Path, true: Truth) -> None:
    """ЕГЭ Russian of 2021 read back: main day, reserve day, appeals."""
    people: dict[tuple[str, ...], tuple[str, str]] = {}
    for name in ("русский язык.csv", "русский язык резерв.csv"):
        for row in protocol((inbox / "2021" / "ЕГЭ" / name).read_bytes(), "cp1251"):
            who = (row["Фамилия"], row["Имя"], row["Отчество"], row["Серия"] + " " + row["Номер"])
            people.setdefault(who, (row["Код ОО"], row["Балл"]))
    title, header, _, *rows = sheet(inbox / "2021" / "ЕГЭ" / "апелляции.xlsx")
    assert str(title[0]).startswith("01 - ")
    for row in rows:
        by_name = dict(zip(map(str, header), map(str, row), strict=True))
        who = (by_name["Фамилия"], by_name["Имя"], by_name["Отчество"], by_name["Документ"])
        school, before = people[who]
        assert float(before) == float(by_name["Балл до изменения"])
        after = str(row[header.index("Текущие") + 1])
        if by_name["Состояние"] == "Удовлетворена":
            people[who] = (school, after)
    below = Counter(f"{int(school):06d}" for school, score in people.values() if float(score) < 24)
    sat = Counter(f"{int(school):06d}" for school, _ in people.values())
    mine = {code: counts for (year, code, procedure), counts in true.items() if (year, procedure) == (2021, "ege_rus")}
    assert sat == {code: counts.n_participants for code, counts in mine.items()}
    assert +below == {code: counts.n_below_min for code, counts in mine.items() if counts.n_below_min}


def protocol(content: bytes, encoding: str) -> list[dict[str, str]]:
    """Rows of an exploded protocol without its title and footer."""
    _, header, *rows = csv.reader(io.StringIO(content.decode(encoding)), delimiter=";")
    return [dict(zip(header, row, strict=True)) for row in rows if row[0]]


def test_an_archive_holds_protocols(inbox: Path) -> None:
    with zipfile.ZipFile(inbox / "2022" / "ЕГЭ" / "протоколы.zip") as archive:
        assert {"русский язык.csv", "математика базовая.csv"} == set(archive.namelist())
        assert protocol(archive.read("русский язык.csv"), "utf-8-sig")


def test_the_quirks_are_there(inbox: Path) -> None:
    copies = Counter(digests(inbox).values())
    assert max(copies.values()) == 2, "one file came twice under two names"
    first = (inbox / "2022" / "ЕГЭ" / "английский язык.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert first.startswith('"'), "the title holds a semicolon inside quotes"
    form = sheet(inbox / "2022" / "ЕГЭ" / "сводная форма 2022.xlsx")
    assert str(form[-1][0]).startswith("Итого по")
    titles = [row[0] for row in sheet(inbox / "2023" / "ЕГЭ" / "основной период.xlsx") if " - " in str(row[0])]
    assert len(titles) == 4, "several exams are stacked on one sheet"
    older, newer = sorted((inbox / "ВПР" / "2022" / "6").glob("Математика*.xlsx"))
    assert older.stat().st_mtime < newer.stat().st_mtime
    assert older.read_bytes() != newer.read_bytes()


def test_low_and_tiny_schools_are_few_but_there(true: Truth) -> None:
    low = defaultdict(int)
    tiny = set()
    for (year, code, procedure), counts in true.items():
        if year == 2021 and procedure.startswith("vpr") and counts.n_participants:
            low[code] += 10 * counts.n_below_min >= 3 * counts.n_participants
            if counts.n_participants <= 6:
                tiny.add(code)
    assert 1 <= sum(number >= 4 for number in low.values()) <= N_SCHOOLS // 4
    assert tiny


def test_broken_inbox_says_what_is_wrong(tmp_path: Path) -> None:
    broken = generate_broken(tmp_path)
    assert all(entry.path.is_file() for entry in broken)
    faults = [entry.fault for entry in broken]
    assert len(set(faults)) == len(faults) == 8
    by_fault = {entry.fault: entry for entry in broken}
    assert by_fault["empty"].path.stat().st_size == 0
    assert "всего баллов" not in sheet(by_fault["missing_column"].path)[0]
    assert by_fault["unknown_column"].words[0] in sheet(by_fault["unknown_column"].path)[0]
    totals = [str(row[8]).strip() for row in sheet(by_fault["above_maximum"].path)]
    assert by_fault["above_maximum"].words[0] in totals
