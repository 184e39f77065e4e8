"""Every protocol layout of ЕГЭ and ОГЭ gives the same kind of records, and its footer is a control total."""

from __future__ import annotations

import protocols
import pytest


@pytest.mark.parametrize(
    ("name", "encoding", "layout", "content", "expected"),
    [
        (
            "EXPLODED",
            "cp1251",
            "ege_result",
            "ege_result|2022|rus|2022-06-23|основной",
            [
                {"school_code": "101001", "class_label": "11А", "primary_score": "6", "test_score": "39"},
                {"school_code": "101002", "class_label": "11", "primary_score": "1", "test_score": "12"},
            ],
        ),
        (
            "LANGUAGE_2022",
            "utf-8",
            "ege_result",
            "ege_result|2022|eng|2022-06-14|основной",
            [{"school_code": "101001", "oral_score": "15", "written_score": "40", "test_score": "61"}],
        ),
        (
            "LANGUAGE_2021",
            "utf-8-sig",
            "ege_result",
            "ege_result|2021|eng|2021-06-18|основной",
            [{"municipality_code": "105", "room": "п:0003 у:0002", "oral_answers": "3(7)", "test_score": "61"}],
        ),
        (
            "BASE_MATH",
            "utf-8-sig",
            "ege_result_base_math",
            "ege_result|2022|math_base|2022-06-27|основной",
            [{"primary_score": "4", "mark": "2"}, {"primary_score": "13", "mark": "4"}],
        ),
        (
            "COMPUTER",
            "utf-8-sig",
            "ege_result",
            "ege_result|2021|inf|2021-06-24|основной",
            [{"subject_code": "25", "primary_score": "3", "test_score": "20"}],
        ),
        (
            "TITLE_ASIDE",
            "cp1251",
            "ege_result",
            "ege_result|2021|soc|2021-06-15|основной",
            [{"school_code": "001001", "test_score": "45"}],
        ),
        (
            "OGE_DENSE",
            "utf-8-sig",
            "oge_result",
            "oge_result|2022|math|2022-05-23|основной",
            [{"station_code": "6001", "long_answers": "2(2)0(2)", "primary_score": "9", "mark": "3"}],
        ),
        (
            "OGE_SPARSE",
            "utf-8-sig",
            "oge_result",
            "oge_result|2022|math|2022-05-23|основной",
            [{"municipality_code": "105", "long_answers": "2(2)0(2)", "primary_score": "9", "mark": "3"}],
        ),
    ],
)
def test_layout(read, table, name, encoding, layout, content, expected):
    path = table("протокол.csv", getattr(protocols, name), encoding)
    answer, records = read("протокол.csv", path)
    assert not answer["refused"], answer["problems"]
    assert [part["layout"] for part in answer["parts"]] == [layout]
    assert answer["parts"][0]["content_key"] == content
    assert len(records[0]) == len(expected)
    for record, wanted in zip(records[0], expected, strict=True):
        assert wanted.items() <= record.items()


def test_code_and_date_come_from_the_file_name(read, table):
    answer, records = read("ОГЭ/02_2026.06.05.csv", table("02_2026.06.05.csv", protocols.OGE_ENGLISH))
    assert answer["parts"][0]["content_key"] == "oge_result|2026|math|2026-06-05|основной"
    assert [record["mark"] for record in records[0]] == ["3", "2"]


def test_stacked_exams_are_parts_of_their_own(read, table):
    answer, records = read("ЕГЭ.csv", table("ЕГЭ.csv", protocols.STACKED))
    keys = [part["content_key"].split("|")[2] for part in answer["parts"]]
    assert keys == ["rus", "phys", "chem"]
    assert [[record["row_no"] for record in part] for part in records] == [["3"], ["7", "8"], ["11"]]
    n_lines = len(protocols.STACKED.splitlines())
    assert sum(part["n_rows_read"] for part in answer["parts"]) == n_lines


def test_footer_is_compared_with_the_rows(read, table):
    answer, _ = read("а.csv", table("а.csv", protocols.EXPLODED, "cp1251"))
    totals = {(t["total_name"], t["column_name"]): (t["stated"], t["agrees"]) for t in answer["parts"][0]["totals"]}
    assert totals["Всего участников", ""] == ("2", True)
    assert totals["Средние", "Тестовый балл"] == ("25.5", True)
    assert totals["Минимальная граница", "Тестовый балл"] == ("24", None)


def test_footer_that_disagrees_is_found(read, table):
    answer, _ = read("ЕГЭ.csv", table("ЕГЭ.csv", protocols.STACKED))
    physics = next(part for part in answer["parts"] if "phys" in part["content_key"])
    assert [(t["stated"], t["computed"], t["agrees"]) for t in physics["totals"]] == [("3", "2", False)]


def test_appeals_link_to_results_by_pseudonym(read, table):
    _, results = read("а.csv", table("а.csv", protocols.EXPLODED, "cp1251"))
    answer, appeals = read("б.csv", table("б.csv", protocols.EGE_APPEALS))
    appeal = appeals[0][0]
    assert answer["parts"][0]["content_key"] == "appeal|2022|ege|rus|2022-06-23"
    assert (appeal["score_before"], appeal["primary_score"], appeal["score_after"]) == ("12", "2", "24")
    assert appeal["changed_on"] == "2022-07-05"
    assert appeal["person_key"] == results[0][1]["person_key"]


def test_oge_appeal_names_its_exam_in_the_row(read, table):
    answer, records = read("апелляции.csv", table("апелляции.csv", protocols.OGE_APPEALS))
    assert answer["parts"][0]["content_key"] == "appeal|2026|oge|math|2026-06-02"
    wanted = {"year": "2026", "exam": "oge", "subject": "Математика", "primary_score": "8", "score_after": "3"}
    assert wanted.items() <= records[0][0].items()


def test_no_name_or_document_passes_the_gate(read, table, tmp_path):
    names = [name for name in vars(protocols) if name.isupper()]
    for name in names:
        path = "02_2026.06.05.csv" if name == "OGE_ENGLISH" else "протокол.csv"
        answer, _ = read(path, table(path, getattr(protocols, name)))
        written = "".join(file.read_text(encoding="utf-8") for file in (tmp_path / "spool").iterdir()) + str(answer)
        for secret in ("Берёзкина", "Дубов", "Соснова", "Клёнов", "123456", "123457", "22345"):
            assert secret not in written, name
