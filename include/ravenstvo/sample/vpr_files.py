"""ВПР works as files, each year in the layout of its time."""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from ravenstvo.sample.pupils import Work, mark_of
from ravenstvo.sample.region import School
from ravenstvo.sample.spec import names, vpr_items, vpr_layout, works
from ravenstvo.sample.tables import Row, stamp, write_workbook

Sheets = dict[str, Iterable[Row]]
TECHNICAL_ITEMS = 40  # the technical header has room for so many items, one of them taken by the textbook
SPILLED_COLUMNS = 3  # commas of a textbook's title spill it over unnamed columns
DATIVE = {"math": "математике", "rus": "русскому языку"}


def write_vpr(out: Path, year: int, all_works: list[Work], seed: int) -> None:
    """Write the year's works under `out/ВПР/<year>`, with a copy, an older version and a correction of one school."""
    layout = vpr_layout(year)
    by_procedure: dict[str, list[Work]] = defaultdict(list)
    for work in all_works:
        by_procedure[work.procedure].append(work)
    for procedure, listed in by_procedure.items():
        folder = out / "ВПР" / str(year) / str(listed[0].grade)
        path = folder / _file_name(layout, listed[0])
        rng = random.Random(f"{seed}|files|{year}|{procedure}")
        if layout == "protocol" and procedure == "math_6":
            path = folder / "Математика 6 класс v2.xlsx"
            older = folder / "Математика 6 класс v1.xlsx"
            _write(older, layout, _earlier(rng, listed, [work for work in listed if work.pupil_code % 7 == 0]))
            stamp(older, year, 5, 20)
        elif layout == "f1" and procedure == "math_5":
            one = next(work.login for work in listed if work.truth == "present")
            corrected = [work for work in listed if work.login == one]
            # Its name sorts after the region's file, so that it also wins where a copy lost the times of the files.
            correction = path.with_name(f"{path.stem}_исправление {one}.xlsx")
            _write(correction, layout, corrected)
            stamp(correction, year, 7, 10)
            listed = _earlier(rng, listed, corrected)
        _write(path, layout, listed)
        stamp(path, year, 6, 30)
        if layout == "protocol" and procedure == "rus_5":
            shutil.copy2(path, folder / "Русский язык 5 класс (копия).xlsx")


def _earlier(rng: random.Random, listed: list[Work], unchecked: list[Work]) -> list[Work]:
    """The same works before somebody checked them: the totals of some are not yet the final ones."""
    keys = {(work.login, work.pupil_code) for work in unchecked}
    earlier = []
    for work in listed:
        if work.truth == "present" and (work.login, work.pupil_code) in keys:
            total = rng.randint(0, 6)
            work = replace(work, total=total, mark=mark_of(work.procedure, total))
        earlier.append(work)
    return earlier


def _file_name(layout: str, work: Work) -> str:
    subject = works()["vpr_subjects"][work.subject]
    if layout == "russian":
        return f"Проведение работы по {DATIVE[work.subject]}, {work.grade} класс. ВПР {work.year}.xlsx"
    if layout == "f1":
        return f"Ф1 {work.subject.capitalize()} {work.grade} класс.xlsx"
    return f"{subject}.xlsx"


def _write(path: Path, layout: str, listed: list[Work]) -> None:
    write_workbook(path, SHEETS[layout](listed))


def _technical(listed: list[Work]) -> Sheets:
    n = len(vpr_items(listed[0].procedure))
    book = names()["textbooks"][listed[0].subject]
    header = ["groups", "user", "id", "code", "otc", "gender", "klass", "var-1", "var-2", "sum"]
    header += ["Учебник" if i == n + 1 else f"a-{i}-grade" for i in range(1, TECHNICAL_ITEMS + 1)]
    region = names()["region_code"]

    def row(work: Work) -> Row:
        place = (
            f"{region}-RU,VPR_{region},reg{region}_vpr_m{work.school.municipality['code'] if work.school else '000'}"
        )
        items = work.items or [""] * n
        return [
            place, work.login, work.pupil_code % 10000, work.pupil_code, work.journal_mark, work.sex, work.class_label,
            work.variant, work.variant_2, work.total, *items, book,
        ]  # fmt: skip

    return {"Sheet1": [header, *map(row, listed)]}


def _russian(listed: list[Work]) -> Sheets:
    labels = vpr_items(listed[0].procedure)
    book = names()["textbooks"][listed[0].subject]
    header = ["логин школы", "регион", "номер обучающегося", "код обучающегося"]
    header += ["отметка за предыдущую четверть/триместр", "пол", "класс", "вариант", "всего баллов"]
    header += [f"балл за {i}" for i in range(1, len(labels) + 1)]
    header += ["Учебник", "Др.уч. автор", "Др.уч. название", *[""] * SPILLED_COLUMNS]

    def row(work: Work) -> Row:
        place = work.school.municipality["name"] if work.school else names()["region"]
        variant = f"\xa0{work.variant}" if work.pupil_code % 50 == 3 and work.variant.isdigit() else work.variant
        total = "" if work.total is None else f"{work.total} " if work.pupil_code % 40 == 1 else str(work.total)
        spilled = book.split(",") if work.pupil_code % 60 == 2 else []
        return [
            work.login, place, str(work.pupil_code % 10000), str(work.pupil_code), work.journal_mark, work.sex,
            work.class_label, variant, total, *(work.items or [""] * len(labels)), book, "", "", *spilled,
        ]  # fmt: skip

    return {"Sheet": [header, *map(row, listed)]}


def _protocol(listed: list[Work]) -> Sheets:
    labels = vpr_items(listed[0].procedure)
    region = names()["region_code"]
    who = ["Пользователь", "Код региона", "Регион", "Муниципалитет", "Школа", "Дата загрузки"]
    class_header = [*who, 'Буква (цифра) класса. Введите "нет" - если отсутствует', "Основной учебник по предмету"]
    class_header += ["Другое (автор учебника)", "Другое (название учебника)"]
    header = [*who, "Код", "Вариант", *[f"{label} ({score}б)" for label, score in labels], "Наименование класса", "Пол"]
    header += ["Отметка за предыдущий триместр/ четверть/полугодие", "Итого баллов"]

    def sender(work: Work) -> list[object]:
        place = work.school.municipality if work.school else {"code": "000", "name": names()["region"]}
        school = work.school.short_name if work.school else "Школа"
        spelling = place.get("spelling", place["name"])
        return [
            work.login, region, f"reg{region}0000 | {names()['region']}", f"reg{region}_m{place['code']} | {spelling}",
            f"{work.login} | {school} ", f"17.03.{work.year} 0{work.pupil_code % 9}:33:20",
        ]  # fmt: skip

    def row(work: Work) -> Row:
        here = work.truth != "absent"
        about = [work.class_label, work.sex, work.journal_mark] if here else ["", "", ""]
        # An absent pupil's total is 0 in these files, not blank.
        total = 0 if work.truth == "absent" else work.total
        items = [int(item) if item.isdigit() else item for item in work.items] or [""] * len(labels)
        return [*sender(work), work.pupil_code, work.variant, *items, *about, total]

    classes = {work.login: work for work in listed}.values()
    book = names()["textbooks"][listed[0].subject]
    return {
        "Классы": [class_header, *([*sender(work), work.class_label, book] for work in classes)],
        "Протокол": [header, *map(row, listed)],
    }


def _f1(listed: list[Work]) -> Sheets:
    first = listed[0]
    labels = vpr_items(first.procedure)
    subject = works()["vpr_subjects"][first.subject]
    declared = len(listed) + (1 if first.procedure == "rus_8" else 0)  # the declared number may differ from the rows
    levels = ["Б" if score == 1 else "П" if score == 2 else "В" for _, score in labels]
    header = ["ОО", "Муниципалитет", "Название ОО", "Код участника", "Класс", "Вариант"]
    header += [f"{label} ({score}б)" for label, score in labels] + ["Первичный балл", "Отметка", "Отметка по журналу"]

    def row(work: Work) -> Row:
        school: School | None = work.school
        items = [item if item.isdigit() else "Х" if item == "Х" else "X" for item in work.items]
        total = f"{work.total}\xa0" if work.pupil_code % 45 == 4 else work.total
        return [
            work.login, school.municipality["name"] if school else "", school.short_name + " " if school else "",
            work.pupil_code, work.class_label, work.variant, *items, total, work.mark,
            work.journal_mark or "НЕТ ОТМЕТКИ",
        ]  # fmt: skip

    title: list[Row] = [
        [f"ВПР {first.year} {subject} {first.grade} класс"],
        ["Предмет", subject],
        ["Максимальный первичный балл", sum(score for _, score in labels)],
        ["Дата", f"11.04.{first.year}"],
        [f"{names()['region']} | Кол-во участников: {declared}"],
        ["", "", "", "", "", "", *levels],
        header,
    ]
    return {"Индивидуальные результаты": [*title, *map(row, listed)]}


SHEETS: dict[str, Callable[[list[Work]], Sheets]] = {
    "technical": _technical,
    "russian": _russian,
    "protocol": _protocol,
    "f1": _f1,
}


def write_marks_report(out: Path, year: int, rows: list[tuple[School, int, str, int, dict[int, int]]]) -> None:
    """Write the flat report of marks in percent: (school, grade, subject title, participants, pupils by mark)."""

    def line(school: School, grade: int, subject: str, n: int, marks: dict[int, int]) -> Row:
        percents = [round(100 * marks[mark] / n, 2) for mark in (2, 3, 4, 5)]
        written = [str(value).replace(".", ",") for value in percents] if school.index % 2 else percents
        return [
            year,
            grade,
            subject,
            school.municipality["name"],
            school.short_name + " ",
            school.login(year),
            n,
            *written,
        ]

    header = ["Год", "Класс", "Предмет", "Муниципалитет", "ОО", "Логин", "Кол-во участников", 2, 3, 4, 5]
    path = out / "ВПР" / str(year) / "marks.xlsx"
    write_workbook(path, {"marks": [header, *(line(*row) for row in rows)]})
    stamp(path, year, 6, 30)
