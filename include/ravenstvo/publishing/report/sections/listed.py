"""The list: which schools, on what evidence, how firm; how the methods disagree; adverse context."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ravenstvo.code_words import word_list, words_of
from ravenstvo.publishing.report.content import (
    Block,
    Cell,
    Fold,
    Group,
    Heading,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
    say,
)
from ravenstvo.publishing.report.content import Column as Plain
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.shown import cell, count, key, number, order, schools, share
from ravenstvo.words import noun

TITLE = "Перечень"
MARTS = (
    "mart_identification",
    "mart_identification_evidence",
    "mart_identification_methods",
    "mart_school_context",
    "dim_method",
    "dim_school",
)

_MART = "mart_identification"
_BASIS = "по нему составлен перечень"
# An approved list may hold schools that the method does not name, and the other way round: both are shown.
_LISTED = """
select mart.*, methods.n_methods, methods.n_methods_low, known.short_name
from marts.mart_identification as mart
left join marts.mart_identification_methods as methods using (year, school_id)
left join marts.dim_school as known
    on mart.school_id = known.school_id and known.is_current and mart.school_name = known.name
where mart.year = %(year)s and mart.method_code = %(method)s
    and (mart.is_low_results or mart.decided_status = 'included')
"""
_EVIDENCE = """
select evidence.school_id, evidence.procedure_code, evidence.n_below_min, evidence.n_participants
from marts.mart_identification_evidence as evidence
inner join marts.mart_identification as mart using (year, school_id, method_code)
where evidence.year = %(year)s and evidence.method_code = %(method)s
    and mart.is_low_results and evidence.procedure_code = any(mart.low_procedures)
"""
_METHODS = """
select mart.method_code, method.label_ru, method.is_proposal,
    count(mart.is_low_results) as n_verdicts,
    count(*) filter (where mart.is_low_results) as n_low,
    count(*) filter (where mart.is_low_results and listed.is_low_results) as n_both
from marts.mart_identification as mart
inner join marts.dim_method as method using (method_code, method_version)
left join marts.mart_identification as listed
    on mart.year = listed.year and mart.school_id = listed.school_id and listed.method_code = %(method)s
where mart.year = %(year)s
group by mart.method_code, method.label_ru, method.is_proposal
having count(mart.is_low_results) > 0
"""
_AGREEMENT = """
select count(*) filter (where is_low_by_any) as n_any, count(*) filter (where is_low_by_all) as n_all,
    count(*) as n_schools
from marts.mart_identification_methods where year = %(year)s
"""
_ADVERSE = """
select mart.school_id, mart.school_code, mart.login, mart.school_name, mart.municipality_name, mart.is_low_results,
    context.context_index, known.short_name
from marts.mart_identification as mart
left join marts.mart_school_context as context using (year, school_id)
left join marts.dim_school as known
    on mart.school_id = known.school_id and known.is_current and mart.school_name = known.name
where mart.year = %(year)s and mart.method_code = %(method)s and mart.is_adverse_context
"""
_CONTEXT_KNOWN = """
select count(is_adverse_context) as n_known, count(*) as n_schools
from marts.mart_identification where year = %(year)s and method_code = %(method)s
"""


def school_cell(row: Any, *more: Text) -> Cell:
    """A school as people know it: its short name, its code."""
    name = getattr(row, "short_name", None) or row.school_name or "Школа без названия"
    return cell(name, f"код {row.school_code or row.login or row.school_id}", *more)


def by_municipality(rows: list[Any], shown: dict[str, Row]) -> tuple[Group, ...]:
    """Rows of schools under the names of their municipalities, in the order of the alphabet."""
    grouped: dict[str | None, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.municipality_name].append(row)
    return tuple(
        Group(
            name or "Муниципалитет не указан",
            tuple(
                shown[row.school_id]
                for row in sorted(
                    grouped[name], key=lambda row: (order(row.school_code or row.login), order(row.school_name))
                )
            ),
        )
        for name in sorted(grouped, key=order)
    )


def section(reader: Reader) -> Section:
    """The list by the method whose list is approved, beside the other methods."""
    if reader.method is None:
        text = f"Результатов оценочных процедур за {reader.year} год нет, поэтому нет и перечня."
        return Section("list", TITLE, (Paragraph((text,), "empty"),), MARTS)
    blocks: list[Block] = [*_list(reader), *_methods(reader), *_adverse(reader)]
    return Section("list", TITLE, tuple(blocks), MARTS)


def _list(reader: Reader) -> list[Block]:
    rows = reader.rows(_LISTED)
    told: list[Block] = [
        Paragraph(
            (f"Метод перечня — «{reader.method_title}»: {reader.method.title_ru or reader.method.method_code}.",)
        ),
        Paragraph(
            (
                "Рядом с каждой низкой процедурой — сколько участников ниже минимума из скольких. Вероятность говорит, "
                "насколько верно, что низки и истинные доли школы, а не только результаты этого года. "
                + _grades(reader),
            )
        ),
    ]
    if not rows:
        return [*told, Paragraph(("Метод не назвал ни одной школы.",), "empty")]
    evidence: dict[str, list[Any]] = defaultdict(list)
    for row in reader.rows(_EVIDENCE):
        evidence[row.school_id].append(row)
    shown = {row.school_id: _row(reader, row, evidence[row.school_id]) for row in rows}
    columns = (
        reader.column(_MART, "school_name", "wide"),
        reader.column(_MART, "low_procedures", "wide"),
        reader.column(_MART, "evidence_grade"),
        reader.column(_MART, "probability_low", "number"),
        reader.column(_MART, "is_fragile"),
        reader.column(_MART, "years_identified", "number"),
        reader.column("mart_identification_methods", "n_methods_low", "number"),
        *([reader.column(_MART, "decided_status")] if reader.publication else []),
    )
    table = Table(
        "list",
        f"Перечень школ, {reader.year} год",
        columns,
        by_municipality(rows, shown),
        _MART,
        key(year=reader.year, method_code=reader.method_code),
        cards=True,
        search="Найти школу или муниципалитет",
    )
    return [*told, table]


def _grades(reader: Reader) -> str:
    """What the letters of the grade mean, in the numbers of the method's own row."""
    method = reader.method
    if method.grade_a_min_participants is None:
        return ""
    return (
        f"Разряд надёжности — слабейшей из этих процедур: A — участников не меньше {method.grade_a_min_participants} и "
        f"весь интервал выше региона, B — не меньше {method.grade_b_min_participants}, C — "
        f"{method.grade_c_min_pooled} набирается только за несколько лет, D — данных недостаточно."
    )


def _row(reader: Reader, row: Any, evidence: list[Any]) -> Row:
    here = {"mart": "mart_identification_methods", "key": key(year=reader.year, school_id=row.school_id)}
    if not row.is_low_results:
        basis: tuple[Text, ...] = (("методом не названа, включена решением",),)
    else:
        basis = tuple(_basis(reader, one) for one in sorted(evidence, key=lambda one: one.procedure_code))
        basis = basis or _other_basis(row)
    return Row(
        key(school_id=row.school_id),
        (
            school_cell(row),
            Cell(basis),
            cell(row.evidence_grade or "нет"),
            cell(share(row.probability_low, 0), bar=row.probability_low),
            _fragile(row.is_fragile),
            cell(count(row.years_identified)),
            cell(
                (
                    count(row.n_methods_low, column="n_methods_low", **here),
                    " из ",
                    count(row.n_methods, column="n_methods", **here),
                )
            ),
            *([_decision(row.decided_status)] if reader.publication else []),
        ),
    )


def _basis(reader: Reader, evidence: Any) -> Text:
    here = {
        "mart": "mart_identification_evidence",
        "key": key(
            year=reader.year,
            school_id=evidence.school_id,
            method_code=reader.method_code,
            procedure_code=evidence.procedure_code,
        ),
    }
    return say(
        "{title}: {below}\N{NO-BREAK SPACE}из\N{NO-BREAK SPACE}{all}",
        title=reader.procedure(evidence.procedure_code),
        below=count(evidence.n_below_min, column="n_below_min", **here),
        all=count(evidence.n_participants, column="n_participants", **here),
    )


def _other_basis(row: Any) -> tuple[Text, ...]:
    """A method that rests on no procedure says its category or status."""
    for column in ("category", "status"):
        known = words_of(_MART, column) or {}
        if (code := getattr(row, column)) in known:
            return ((known[code].word,),)
    return (("сведений об основании нет",),)


def _decision(status: str | None) -> Cell:
    word = word_list("decision").get(status or "null")
    return cell(word.word if word else status or "—", look=word.look if word else None)


def _fragile(is_fragile: bool | None) -> Cell:
    if is_fragile is None:
        return cell("не определяется", look="unknown")
    return cell("да", look="warn") if is_fragile else cell("нет")


def _methods(reader: Reader) -> list[Block]:
    rows = reader.rows(_METHODS)
    if not rows:
        return []
    agreement = reader.one(_AGREEMENT)
    told = Paragraph(
        say(
            "Методы отвечают на разные вопросы и потому расходятся. Хотя бы один метод называет {any}, все методы, у "
            "которых есть вывод, — {all}. Какой перечень утвердить, решает человек.",
            any=schools(agreement.n_any, "named_by_any"),
            all=schools(agreement.n_all, "named_by_all"),
        )
    )
    shown = tuple(
        Row(
            key(method_code=row.method_code),
            (
                cell(
                    row.label_ru or row.method_code,
                    "(основа перечня)" if row.method_code == reader.method_code else None,
                ),
                cell(count(row.n_verdicts)),
                cell(count(row.n_low), bar=row.n_low / row.n_verdicts),
                cell(count(row.n_both)),
                cell(count(row.n_low - row.n_both)),
            ),
        )
        for row in sorted(rows, key=lambda row: (row.method_code != reader.method_code, -row.n_low, row.method_code))
    )
    columns = (
        Plain("method", "Метод", "wide"),
        Plain("n_verdicts", "Школ с выводом", "number"),
        Plain("n_low", "Названо школ", "number"),
        Plain("n_both", "Из них в перечне", "number"),
        Plain("n_only", "Нет в перечне", "number"),
    )
    table = Table(
        "methods", f"Сколько школ называет каждый метод, {reader.year} год", columns, (Group("", shown),), cards=True
    )
    return [Heading("Как расходятся методы"), told, table]


def _adverse(reader: Reader) -> list[Block]:
    known = reader.one(_CONTEXT_KNOWN)
    heading = Heading("Неблагоприятные социальные условия")
    if not known.n_known:
        text = f"Сведений об условиях школ за {reader.year} год нет: вывода об условиях нет."
        return [heading, Paragraph((text,), "empty")]
    rows = reader.rows(_ADVERSE)
    both = sum(bool(row.is_low_results) for row in rows)
    told = Paragraph(
        say(
            "В неблагоприятных условиях {verb} {n} из {known}, о которых есть сведения; из них в перечне — {both}. "
            "Условия школы — не её вина и не причина вывода: они говорят, какая нужна помощь.",
            verb=noun(len(rows), "работает", "работают", "работают"),
            n=schools(len(rows), "adverse"),
            known=count(known.n_known, name="context_known"),
            both=count(both, name="adverse_listed"),
        )
    )
    verdict = word_list("verdict")
    shown = {
        row.school_id: Row(
            key(school_id=row.school_id),
            (
                school_cell(row),
                cell(
                    number(
                        row.context_index,
                        mart="mart_school_context",
                        column="context_index",
                        key=key(year=reader.year, school_id=row.school_id),
                    )
                ),
                cell(
                    verdict[{True: "true", False: "false", None: "null"}[row.is_low_results]].word,
                    look=verdict[{True: "true", False: "false", None: "null"}[row.is_low_results]].look,
                ),
            ),
        )
        for row in rows
    }
    columns = (
        reader.column(_MART, "school_name", "wide"),
        reader.column("mart_school_context", "context_index", "number"),
        reader.column(_MART, "is_low_results"),
    )
    table = Table(
        "adverse",
        f"Школы в неблагоприятных социальных условиях, {reader.year} год",
        columns,
        by_municipality(rows, shown),
        _MART,
        key(year=reader.year, method_code=reader.method_code),
        cards=True,
    )
    return [heading, told, *([Fold(f"Какие это школы ({len(rows)})", (table,))] if rows else [])]
