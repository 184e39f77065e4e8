"""Exam protocols, appeals and the yearly ЕГЭ form as files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ravenstvo.sample.exams import Appeal, Attempt, ExamYear, by_school
from ravenstvo.sample.region import School
from ravenstvo.sample.spec import names, template, works
from ravenstvo.sample.tables import Row, add_to_zip, csv_bytes, write_workbook

Cell = Callable[[Attempt], object]
#: What stands under each header of a protocol; other columns stay empty.
CELLS: dict[str, Cell] = {
    "Код МСУ|GovernmentCell": lambda a: int(a.school.municipality["code"]),
    "Код ППЭ|StationCode": lambda a: 100 + int(a.school.municipality["code"]),
    "Аудитория|AuditoriumCode": lambda a: f"{1 + a.school.index % 5:04d}",
    "Класс|ClassCode": lambda a: a.person.class_label,
    "Фамилия|SurnameCell": lambda a: a.person.surname,
    "Имя|NameCell": lambda a: a.person.given_name,
    "Отчество|SecondNameCell": lambda a: a.person.patronymic,
    "Серия|DocumentSeriesCode": lambda a: a.person.series,
    "Номер|DocumentNumberCode": lambda a: a.person.number,
    "Документ": lambda a: f"{a.person.series} {a.person.number}",
    "Задания с кратким ответом|Часть с кратким ответом|TestResultBCell": lambda a: a.short,
    "Задания с развёрнутым ответом|Часть с развёрнутым ответом|TestResultCCell": lambda a: a.long,
    "Устная часть": lambda a: a.oral,
    "Первичный балл устной части": lambda a: a.oral_primary,
    "Первичный балл письм. части": lambda a: a.primary - a.oral_primary,
    "Первичный балл|PrimaryMark": lambda a: a.primary,
    "Балл|Тестовый балл|Оценка|Mark5": lambda a: a.score,
    "Экзамен": lambda a: f"{works()[a.exam][a.subject]['name']}({a.date.replace('-', '.')})",
}
BY_HEADER = {header: cell for headers, cell in CELLS.items() for header in headers.split("|")}
SCORE_HEADERS = ("Балл", "Тестовый балл")
FOOTER_AT = 1
APPEAL_KIND = "Апелляция о несогласии с выставленными баллами"
#: The tool that writes this layout turns the code into a fraction; a whole number loses its leading zero anyway.
FLOAT_CODES = "computer"


def write_protocols(out: Path, year: int, exams: ExamYear, left_out: Callable[[School], bool]) -> None:
    """Write the year's protocols under `out/<year>`, without the schools that send a summary form instead."""
    blocks: dict[str, list[Row]] = defaultdict(list)
    encodings: dict[str, str] = {}
    for entry, attempts in exams.planned:
        shown = [a for a in attempts if not (a.exam == "ege" and left_out(a.school))]
        name = entry["file"].format(date=_dotted(f"{year}-{entry['date']}"))
        blocks[name] += _block(entry, year, shown)
        encodings[name] = entry.get("encoding", "")
    for name, rows in blocks.items():
        write_table(out / str(year) / name, rows, encodings[name])
    for exam in ("ege", "oge"):
        appeals = [
            a for a in exams.appeals if a.before.exam == exam and not (exam == "ege" and left_out(a.before.school))
        ]
        if appeals:
            folder = {"ege": "ЕГЭ", "oge": "ОГЭ"}[exam]
            write_table(out / str(year) / folder / "апелляции.xlsx", _appeal_rows(exam, appeals))


def write_table(path: Path, rows: list[Row], encoding: str = "") -> None:
    """Write rows as a workbook, a CSV file, or a CSV file inside an archive (`….zip/name.csv`)."""
    if path.suffix == ".xlsx":
        write_workbook(path, {"Лист1": rows})
    elif path.parent.suffix == ".zip":
        add_to_zip(path.parent, path.name, csv_bytes(rows, encoding))
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(csv_bytes(rows, encoding))


def _dotted(iso: str) -> str:
    return iso.replace("-", ".")


def _block(entry: dict[str, Any], year: int, attempts: list[Attempt]) -> list[Row]:
    """Title, header, rows and footer of one exam."""
    spec = works()[entry["exam"]][entry["subject"]]
    header = works()["protocols"][entry["layout"]].split(";")
    oral = _dotted(f"{year}-{entry['oral']}") if "oral" in entry else ""
    title = entry.get("title", "{code:02d} - {name} {date}").format(
        code=spec["code"], name=spec["name"], date=_dotted(f"{year}-{entry['date']}"), oral=oral
    )
    rows: list[Row] = []
    if title:
        rows.append([*[""] * entry.get("title_at", 0), title])
    rows.append(header)
    ordered = [attempt for found in by_school(attempts).values() for attempt in found]
    for number, attempt in enumerate(ordered, 1):
        rows.append([_cell(name, attempt, number, entry["layout"]) for name in header])
    return rows + _footer(entry, header, ordered, spec)


def _cell(name: str, attempt: Attempt, number: int, layout: str) -> object:
    if name in ("№", "ColumnName"):
        return number
    if name in ("Код ОО", "SchoolCode"):
        return f"{int(attempt.school.code)}.0" if layout == FLOAT_CODES else int(attempt.school.code)
    if name == "Код участника":
        return f"{attempt.school.code}{number:05d}"
    return BY_HEADER[name](attempt) if name in BY_HEADER else ""


def _footer(entry: dict[str, Any], header: list[str], attempts: list[Attempt], spec: dict[str, Any]) -> list[Row]:
    """Control totals; one file declares a pupil more than it has."""
    if entry["layout"] == "oge_normalized" or not attempts:
        return []
    score = next((i for i, name in enumerate(header) if name in SCORE_HEADERS), None)
    declared = len(attempts) + (1 if entry["subject"] == "soc" and entry["exam"] == "ege" else 0)
    last = len(header) - 1
    rows: list[Row] = []
    if score is not None:
        primary = header.index("Первичный балл")
        average: list[object] = [""] * len(header)
        average[FOOTER_AT] = "Средние"
        average[primary] = _rounded([attempt.primary for attempt in attempts])
        average[score] = _rounded([attempt.score for attempt in attempts])
        minimum: list[object] = [""] * len(header)
        minimum[FOOTER_AT], minimum[score] = "Минимальная граница", spec["minimum"]
        rows += [average, minimum]
    total: list[object] = [""] * len(header)
    total[FOOTER_AT], total[last] = "Всего участников", declared
    return [*rows, total]


def _rounded(values: list[int]) -> int:
    return (2 * sum(values) + len(values)) // (2 * len(values))


def _appeal_rows(exam: str, appeals: list[Appeal]) -> list[Row]:
    """A title per exam day (ЕГЭ) or the exam named in each row (ОГЭ), under a header of two rows."""
    header, second = (line.split(";") for line in works()["appeals"][exam])
    days: dict[tuple[str, str], list[Appeal]] = defaultdict(list)
    for appeal in appeals:
        days[appeal.before.subject, appeal.before.date].append(appeal)
    rows: list[Row] = [] if exam == "ege" else [header, second]
    for (subject, day), found in days.items():
        if exam == "ege":
            spec = works()[exam][subject]
            rows += [[f"{spec['code']:02d} - {spec['name']} {_dotted(day)}"], header, second]
        rows += [_appeal_row(header, second, appeal, number) for number, appeal in enumerate(found, 1)]
    return rows


def _appeal_row(header: list[str], second: list[str], appeal: Appeal, number: int) -> Row:
    sent = date.fromisoformat(appeal.before.date) + timedelta(days=14)
    known: dict[str, object] = {
        "Тип апелляции / перепроверки": APPEAL_KIND,
        "Тип апелляции": APPEAL_KIND,
        "Состояние": appeal.state,
        "Дата отправки на обработку": sent.strftime("%d.%m.%Y"),
        "Дата изменений": (sent + timedelta(days=3)).strftime("%d.%m.%Y"),
        "Балл до изменения": appeal.before.score,
        "Разница": appeal.after.score - appeal.before.score,
    }
    under = {"Первичный балл": appeal.after.primary, "Балл": appeal.after.score, "Оценка": appeal.after.score}
    return [
        under[below] if below else known[name] if name in known else _cell(name, appeal.before, number, "appeal")
        for name, below in zip(header, second, strict=True)
    ]


def write_summary_form(out: Path, year: int, schools: list[School], attempts: list[Attempt]) -> None:
    """Write the yearly form (two header rows, total row) of the municipality's schools; blank stands for zero."""
    subjects = [(key, spec["name"]) for key, spec in works()["ege"].items()]
    region = names()["region"]
    who, columns = template("summary_who", year=year), template("summary_subject")
    rows: list[Row] = [[], [f"Информация о результатах ЕГЭ выпускников школ в {year} году"], [], [region], []]
    rows.append([*who, *(cell for _, name in subjects for cell in (name, *[""] * (len(columns) - 1)))])
    rows.append([*[""] * len(who), *columns * len(subjects)])

    def cells(attempts: list[Attempt]) -> list[object]:
        return [cell for key, _ in subjects for cell in _summary([a for a in attempts if a.subject == key])]

    mine = by_school(a for a in attempts if a.exam == "ege" and a.school in schools)
    for school, found in mine.items():
        place = school.municipality
        head = [place.get("spelling", place["name"]), school.full_name, "X", len({a.person for a in found})]
        rows.append([*head, *cells(found)])
    everybody = [attempt for found in mine.values() for attempt in found]
    n_graduates = len({(a.school, a.person) for a in everybody})
    if len(schools) > 1 and everybody:
        # A school under a name that no register holds: whose it is, a person has to say.
        unknown = everybody[:1]
        place = schools[0].municipality
        rows.append([place.get("spelling", place["name"]), names()["name_variant"], "X", 1, *cells(unknown)])
        everybody, n_graduates = everybody + unknown, n_graduates + 1
    rows.append([f"Итого по {region}", "", "", n_graduates, *cells(everybody)])
    write_workbook(out / str(year) / "ЕГЭ" / f"сводная форма {year}.xlsx", {str(year): rows})


def _summary(attempts: list[Attempt]) -> list[object]:
    if not attempts:
        return [""] * 5
    scores = [attempt.score for attempt in attempts]
    high, full = sum(80 <= score <= 99 for score in scores), scores.count(100)
    below = sum(attempt.is_below for attempt in attempts)
    mean = round(sum(scores) / len(scores), 2)
    return [len(attempts), below or "", high or "", full or "", mean]
