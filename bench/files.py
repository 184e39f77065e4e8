"""An inbox of workbooks of any size: ВПР in two subjects of five grades and ОГЭ in two, with the registers of schools.

    python bench/files.py FOLDER --rows 1000000

The forms are those that really come; every row can be accepted. The same arguments give the same rows.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
from pathlib import Path
from typing import Any

import xlsxwriter
from shape import ITEMS

YEAR = 2023
PUPILS = 25
# Works of a pupil of each grade: a row is a work.
GRADES = range(4, 9)
# Highest scores by grade; of ОГЭ, with the scores from which the marks 3, 4 and 5 begin.
SUBJECTS = {"Русский язык": (38, 45, 51, 47, 51), "Математика": (20, 20, 16, 19, 25)}
OGE = {"Русский язык": ("01", 33, (15, 23, 29)), "Математика": ("02", 31, (8, 15, 22))}
ROWS_OF_SCHOOL = PUPILS * (len(GRADES) * len(SUBJECTS) + len(OGE))

_NAMES = ("Анна", "Борис", "Вера", "Глеб", "Дина", "Егор", "Жанна", "Захар", "Инна", "Кирилл", "Лада", "Макар")
_STEMS = ("Берёзов", "Вяз", "Горн", "Дубов", "Елов", "Журавл", "Зимов", "Ивов", "Кедров", "Липов", "Мостов", "Нивов")
_VPR_HEAD = ("Пользователь", "Код региона", "Регион", "Муниципалитет", "Школа", "Дата загрузки", "Код", "Вариант")
_VPR_TAIL = ("Наименование класса", "Пол", "Отметка за предыдущий триместр/ четверть/полугодие", "Итого баллов")
_OGE_HEAD = ("№", "Код ОО", "Класс", "Код ППЭ", "Аудитория", "Код МСУ", "Фамилия", "Имя", "Отчество",
             "Задания с кратким ответом", "Задания с развёрнутым ответом", "Первичный балл", "Оценка")  # fmt: skip
N_MUNICIPALITIES = 40


def schools_for(rows: int) -> int:
    """How many schools have about so many rows."""
    return max(1, round(rows / ROWS_OF_SCHOOL))


def code(number: int) -> str:
    """Code of a school: three digits of its municipality, three of its own."""
    return f"{101 + number % N_MUNICIPALITIES}{1 + number // N_MUNICIPALITIES:03d}"


def make(folder: Path, n_schools: int, n_processes: int = 2) -> int:
    """Write the inbox. Returns the rows of results."""
    if n_schools > N_MUNICIPALITIES * 999:
        raise ValueError("codes have three digits for the schools of a municipality")
    _registers(folder, n_schools)
    jobs: list[tuple[Any, ...]] = [
        (_vpr, folder, n_schools, grade, subject) for grade in GRADES for subject in SUBJECTS
    ]
    jobs += [(_oge, folder, n_schools, 0, subject) for subject in OGE]
    with multiprocessing.Pool(n_processes) as pool:
        return sum(pool.map(_do, jobs, chunksize=1))


def _do(job: tuple[Any, ...]) -> int:
    write, *arguments = job
    return int(write(*arguments))


def _book(path: Path) -> xlsxwriter.Workbook:
    path.parent.mkdir(parents=True, exist_ok=True)
    return xlsxwriter.Workbook(str(path), {"constant_memory": True})


def _registers(folder: Path, n_schools: int) -> None:
    numbers = range(n_schools)
    towns = sorted({101 + number % N_MUNICIPALITIES for number in numbers})
    tables = {
        "Муниципалитеты": [("Код МСУ", "Муниципалитет", "Код ОКТМО"),
                           *((str(town), f"Район {town}", f"88{town}000") for town in towns)],
        "Логины": [("логин", "имя", "регион"), *((_login(n), _name(n), _town(n)) for n in numbers)],
        "Реестр ОО": [
            ("Код ОО", "Логин ФИС ОКО", "Полное наименование", "Краткое наименование", "Код МСУ", "Муниципалитет",
             "Вид ОО", "Тип местности", "Статус", "Действует с", "Численность обучающихся"),
            *((code(n), _login(n), f"Средняя общеобразовательная школа № {n}", _name(n), code(n)[:3], _town(n), "СОШ",
               "село", "действует", "01.09.1990", PUPILS * 11) for n in numbers),
        ],
    }  # fmt: skip
    for name, rows in tables.items():
        with _book(folder / "Реестры" / f"{name}.xlsx") as book:
            sheet = book.add_worksheet(name)
            for index, row in enumerate(rows):
                sheet.write_row(index, 0, row)


def _login(number: int) -> str:
    return f"edu{code(number)}"


def _name(number: int) -> str:
    return f"СОШ № {number}"


def _town(number: int) -> str:
    return f"Район {101 + number % N_MUNICIPALITIES}"


def _skill(chance: random.Random, number: int) -> float:
    quality = (number * 7919 % 1000) / 1000
    return min(1.0, max(0.0, 0.25 + 0.5 * quality + chance.gauss(0, 0.15)))


def _vpr(folder: Path, n_schools: int, grade: int, subject: str) -> int:
    chance, top = random.Random(f"{grade}{subject}"), SUBJECTS[subject][GRADES.index(grade)]
    most = [top // ITEMS + (item < top % ITEMS) for item in range(ITEMS)]
    with _book(folder / "ВПР" / str(YEAR) / str(grade) / f"{subject}.xlsx") as book:
        sheet = book.add_worksheet("Протокол")
        sheet.write_row(0, 0, (*_VPR_HEAD, *(f"{n + 1} ({points}б)" for n, points in enumerate(most)), *_VPR_TAIL))
        line = 1
        for number in range(n_schools):
            town, school = f"reg88_m{code(number)[:3]} | {_town(number)}", f"{_login(number)} | {_name(number)}"
            for pupil in range(PUPILS):
                skill = _skill(chance, number)
                points = [
                    min(most[item], int(skill * (most[item] + 1) + chance.random() * 0.5)) for item in range(ITEMS)
                ]
                sheet.write_row(line, 0, (
                    _login(number), 88, "reg88 | Учебная область", town, school, "17.03.2023 06:33:20",
                    grade * 10000 + pupil, 1 + pupil % 2, *points, "а", "жм"[pupil % 2],
                    2 + min(3, int(skill * 4)), sum(points),
                ))  # fmt: skip
                line += 1
    return line - 1


def _oge(folder: Path, n_schools: int, _grade: int, subject: str) -> int:
    chance, (place, top, marks) = random.Random(subject), OGE[subject]
    with _book(folder / str(YEAR) / "ОГЭ" / f"{subject.lower()}.xlsx") as book:
        sheet = book.add_worksheet("Лист1")
        sheet.write_string(0, 0, f"{place} - {subject} {YEAR}.05.{20 + int(place)}")
        sheet.write_row(1, 0, _OGE_HEAD)
        line = 2
        for number in range(n_schools):
            for pupil in range(PUPILS):
                score = round(_skill(chance, number) * top)
                person = number * PUPILS + pupil
                sheet.write_row(line, 0, (
                    line - 1, code(number), "9А", 101, "0001", code(number)[:3],
                    f"{_STEMS[person % 12]}{'абвгдежзик'[person // 12 % 10]}{'лмнопрстуф'[person // 120 % 10]}ин",
                    _NAMES[person // 1200 % 12], f"{_STEMS[person // 14400 % 12]}ович", "+-+-++++--+-+++",
                    "1(2)1(2)0(2)2(2)", score, 2 + sum(score >= border for border in marks),
                ))  # fmt: skip
                line += 1
    return line - 2


def main() -> None:
    """Write an inbox."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    asked = parser.parse_args()
    print(make(asked.folder, schools_for(asked.rows)), "rows")


if __name__ == "__main__":
    main()
