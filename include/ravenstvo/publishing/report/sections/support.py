"""Partnership and courses of the schools of the programmes that run in the year."""

from __future__ import annotations

from typing import Any

from ravenstvo.code_words import word_list
from ravenstvo.publishing.report.content import Block, Fold, Group, Heading, Paragraph, Row, Section, Table, say
from ravenstvo.publishing.report.content import Column as Plain
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.sections.programmes import programmes_of_year
from ravenstvo.publishing.report.shown import cell, count, key, number, order, schools, share

TITLE = "Партнёрство и курсы"
MARTS = ("mart_programme_funnel", "mart_partnership_coverage", "mart_pd_rollup", "dim_programme")

_FUNNEL = "select * from marts.mart_programme_funnel where year = %(year)s"
_COVERAGE = "select * from marts.mart_partnership_coverage where year = %(year)s"
_COURSES = "select * from marts.mart_pd_rollup where year = %(year)s"
_STEPS = ("n_all", "n_analysed", "n_identified", "n_included", "n_partnered", "n_trained", "n_moved")
_REGION = "Регион"


def section(reader: Reader) -> Section:
    """From all schools to those that have moved on; agreements; courses."""
    programmes = programmes_of_year(reader)
    if not programmes:
        text = f"В {reader.year} году не действует ни одна программа поддержки."
        return Section("support", TITLE, (Paragraph((text,), "empty"),), MARTS)
    found = {
        name: reader.rows(statement)
        for name, statement in (("funnel", _FUNNEL), ("coverage", _COVERAGE), ("courses", _COURSES))
    }
    blocks: list[Block] = []
    for programme in programmes:
        chosen = {
            name: [row for row in rows if row.programme_code == programme.programme_code]
            for name, rows in found.items()
        }
        if len(programmes) > 1:
            blocks.append(Heading(programme.short_title or programme.title))
        if not any(chosen.values()):
            blocks.append(Paragraph((f"{programme.short_title}: сведений об участниках за год нет.",), "empty"))
            continue
        blocks += _funnel(reader, programme, chosen["funnel"])
        blocks += _coverage(reader, programme, chosen["coverage"])
        blocks += _courses(reader, programme, chosen["courses"])
    return Section("support", TITLE, tuple(blocks), MARTS)


def _funnel(reader: Reader, programme: Any, rows: list[Any]) -> list[Block]:
    """Rows of one row of the mart: each step is a line."""
    mart = "mart_programme_funnel"
    if not rows:
        return []
    row = rows[0]
    shown = tuple(
        Row(
            "",
            (
                cell(reader.column(mart, step).title),
                cell(
                    count(
                        getattr(row, step),
                        mart=mart,
                        column=step,
                        key=key(year=reader.year, programme_code=row.programme_code),
                    ),
                    bar=(getattr(row, step) or 0) / row.n_all if row.n_all else None,
                ),
            ),
        )
        for step in _STEPS
    )
    columns = (Plain("step", "Шаг", "wide"), Plain("n_schools", "Школ", "number"))
    caption = f"Путь школ программы «{programme.short_title}», {reader.year} год"
    return [Table(f"funnel-{programme.programme_code}", caption, columns, (Group("", shown),))]


def _coverage(reader: Reader, programme: Any, rows: list[Any]) -> list[Block]:
    mart = "mart_partnership_coverage"
    region = next((row for row in rows if row.municipality_code is None), None)
    if region is None:
        return []
    where = {"mart": mart, "key": _key(region)}
    told = say(
        "Договор со школой-лидером или инновационной площадкой есть у {covered} из {target} ({share}); "
        "договоров: {agreements}.",
        covered=schools_of(region.n_schools_covered, "n_schools_covered", where),
        target=count(region.n_schools_target, column="n_schools_target", **where),
        share=share(region.coverage, column="coverage", **where),
        agreements=count(region.n_agreements, column="n_agreements", **where),
    )
    statuses = word_list("indicator_status")
    shown = tuple(
        Row(
            _key(row),
            (
                cell(row.municipality_name or _REGION),
                cell(count(row.n_schools_target)),
                cell(count(row.n_schools_covered)),
                cell(share(row.coverage), bar=row.coverage),
                cell(share(row.target) if row.target is not None else "нет"),
                cell(
                    statuses[row.status].word if row.status in statuses else row.status,
                    look=statuses[row.status].look if row.status in statuses else None,
                ),
            ),
        )
        for row in _region_first(rows)
    )
    columns = (
        reader.column(mart, "municipality_name"),
        *(
            reader.column(mart, name, "number")
            for name in ("n_schools_target", "n_schools_covered", "coverage", "target")
        ),
        reader.column(mart, "status"),
    )
    caption = f"Партнёрство: «{programme.short_title}», {reader.year} год"
    table = Table(f"coverage-{programme.programme_code}", caption, columns, (Group("", shown),), mart, cards=True)
    return [Paragraph(told), Fold("Партнёрство по муниципалитетам", (table,))]


def _courses(reader: Reader, programme: Any, rows: list[Any]) -> list[Block]:
    mart = "mart_pd_rollup"
    region = next((row for row in rows if row.municipality_code is None), None)
    if region is None:
        return []
    where = {"mart": mart, "key": _key(region)}
    told = say(
        "Подходящие курсы закончили {people} из {staff} работников; столько людей, сколько требуется, обучили "
        "{complete} из {schools}. Обучены директора — {directors} из {all_directors}, учителя — {teachers} из "
        "{all_teachers}.",
        people=count(region.n_persons_completed, column="n_persons_completed", **where),
        staff=count(region.headcount, column="headcount", **where),
        complete=schools_of(region.n_schools_complete, "n_schools_complete", where),
        schools=count(region.n_schools, column="n_schools", **where),
        directors=count(region.n_directors_trained, column="n_directors_trained", **where),
        all_directors=count(region.n_directors, column="n_directors", **where),
        teachers=count(region.n_teachers_trained, column="n_teachers_trained", **where),
        all_teachers=count(region.n_teachers, column="n_teachers", **where),
    )
    numbers = (
        "n_schools",
        "n_schools_complete",
        "n_persons_completed",
        "headcount",
        "n_teachers_trained",
        "n_teachers",
    )
    shown = tuple(
        Row(
            _key(row),
            (
                cell(row.municipality_name or _REGION),
                *(cell(count(getattr(row, name))) for name in numbers),
                cell(number(row.median_hours)),
            ),
        )
        for row in _region_first(rows)
    )
    columns = (
        reader.column(mart, "municipality_name"),
        *(reader.column(mart, name, "number") for name in (*numbers, "median_hours")),
    )
    caption = f"Курсы: «{programme.short_title}», {reader.year} год"
    table = Table(f"courses-{programme.programme_code}", caption, columns, (Group("", shown),), mart, cards=True)
    return [Paragraph(told), Fold("Курсы по муниципалитетам", (table,))]


def schools_of(n_schools: int | None, column: str, where: dict[str, str]) -> Any:
    """«8 школ» of a column of a mart."""
    if n_schools is None:
        return (count(None, column=column, **where), " школ")
    return (count(n_schools, column=column, **where), schools(n_schools, "")[1])


def _key(row: Any) -> str:
    return key(year=row.year, programme_code=row.programme_code, municipality_code=row.municipality_code)


def _region_first(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row.municipality_code is not None, order(row.municipality_name)))
