"""The made-up region: what the marts say is what is true of its pupils."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import canaries
import municipal
import openpyxl
import psycopg2
import pytest
import report_numbers
from asked import comparable, counts_by_code, disagreements, told, verdicts_of
from dictionary_checks import check_charts, check_examples, check_metrics, check_page
from independent import Counts, Key, verdicts
from independent_methods import (
    check_change,
    check_context,
    check_methods,
    check_municipalities,
    check_side_by_side,
    check_sureness,
)
from publish_attack import RESULTS, SCHOOLS, attack
from ravenstvo.runtime import readers
from ravenstvo.sample import generate, truth
from ravenstvo.sample.spec import names
from ravenstvo.settings import Settings
from ravenstvo.sight import sight
from ravenstvo.warehouse import logins
from readme_table import README, query, table, written
from running import ASK_SECONDS, RUN_SECONDS, Warehouse, call
from workbooks import check_numbers, check_own_schools, opened

SEED, N_SCHOOLS, YEARS = 1, 60, [2021, 2022, 2023]
SURNAMES = "|".join(names()["surnames"])

pytestmark = pytest.mark.slow(seconds=100)


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Blanks and Cyrillic: an inbox may lie anywhere.
    out = tmp_path_factory.mktemp("sample") / "входящие файлы"
    generate(out, SEED, N_SCHOOLS, YEARS)
    return out


@pytest.fixture(scope="module")
def warehouse(inbox: Path, recalculated: Callable[[Path, int], Warehouse]) -> Warehouse:
    return recalculated(inbox, max(YEARS))


@pytest.fixture(scope="module")
def expected() -> dict[Key, Counts]:
    return {
        Key(*key): Counts(value.n_listed, value.n_absent, 0, value.n_participants, value.n_below_min)
        for key, value in truth(SEED, N_SCHOOLS, YEARS).items()
    }


def test_no_file_is_refused(warehouse: Warehouse) -> None:
    assert warehouse.ran.returncode == 0, warehouse.ran.stdout + warehouse.ran.stderr


def test_a_run_tells_its_stages_tables_and_paths(warehouse: Warehouse) -> None:
    """The command's output is no terminal here: plain lines with the time of each stage, and only paths that exist."""
    told = warehouse.ran.stdout
    assert "\x1b" not in told
    for stage in ("чтение папки", "загрузка файлов", "проверка строк", "витрины", "завершение"):
        assert re.search(rf"^  {stage} … \d.* с", told, re.MULTILINE), stage
    assert re.search(r"^  витрины … .*моделей и проверок: (\d+) из \1\)$", told, re.MULTILINE)
    rows = next(line for line in told.splitlines() if line.startswith("  Всего "))
    numbers = [int(part.replace("\xa0", "")) for part in rows.removeprefix("  Всего").split(" ") if part]
    _, read, accepted, rejected, dropped, _ = numbers
    assert read == accepted + rejected + dropped
    opened = told.partition("Открыть:\n")[2].partition("\n\n")[0].splitlines()
    paths = [Path(line[line.index("/") :]) for line in opened if "://" not in line]
    assert warehouse.home / "data_docs" / "index.html" in paths
    assert all(path.exists() for path in paths)


def test_vpr_counts_are_true(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    by_pupils = {key: value for key, value in expected.items() if key.procedure.startswith(("vpr_rus", "vpr_math"))}
    mart = {key: value for key, value in counts_by_code(warehouse).items() if key in by_pupils or is_pupil_work(key)}
    assert not disagreements(comparable(mart), comparable(by_pupils))


def is_pupil_work(key: Key) -> bool:
    return key.procedure.startswith(("vpr_rus", "vpr_math"))


def test_participants_and_fails_are_true_everywhere(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    """Exams too: first attempts, appeals, the summary form, the report of marks in percent."""
    mart = {
        key: (value.n_participants, value.n_below_min)
        for key, value in counts_by_code(warehouse).items()
        if key.procedure.startswith(("vpr_", "oge_", "ege_")) and value.n_participants > 0
    }
    mine = {key: (v.n_participants, v.n_below_min) for key, v in expected.items() if v.n_participants}
    assert not disagreements(mart, mine)


def test_verdicts_are_true(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    mine = told(verdicts(expected))
    assert {verdict.is_low_results for verdict in mine.values()} == {True, False}
    assert not disagreements(told(verdicts_of(warehouse, "school_code")), mine)


def test_what_the_year_before_had_and_this_has_not_is_told(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    held: dict[int, dict[str, set[str]]] = {}
    for key, value in expected.items():
        if value.n_participants and key.procedure.startswith(("vpr_", "oge_", "ege_")):
            held.setdefault(key.year, {}).setdefault(key.procedure, set()).add(key.school)
    last = max(YEARS)
    gone = sorted(set(held[last - 1]) - set(held[last]))
    assert gone
    mart = warehouse.ask_with(
        "select procedure_code, procedure_title, n_schools, n_schools_last_year, state"
        " from marts.mart_procedure_presence where year = %s and procedure_code ~ '^(vpr|oge|ege)_' order by 1",
        (last,),
    )
    assert [procedure for procedure, *_, state in mart if state == "missing_came_last_year"] == gone
    assert {procedure: counts for procedure, _, *counts, _ in mart if counts[0]} == {
        procedure: [len(schools), len(held[last - 1][procedure]) if procedure in held[last - 1] else None]
        for procedure, schools in held[last].items()
    }
    told = warehouse.ran.stdout.partition("Чего не хватает рядом с прошлым годом")[2].partition("\n\n")[0]
    listed = re.search("Результатов нет, в прошлом году были: (.*)", told)
    assert listed and set(listed[1].split("; ")) == {title for procedure, title, *_ in mart if procedure in gone}


def test_who_has_not_delivered_is_told_as_of_a_day(warehouse: Warehouse) -> None:
    """A municipality has delivered where the mart of completeness counts schools of it, and not elsewhere."""
    disagreeing = """
        select delivery.year, delivery.source, delivery.municipality_code
        from mart_source_delivery as delivery
        inner join mart_source_presence_municipality as presence using (year, source, municipality_code)
        where delivery.procedure_code is null and (delivery.state in ('missing', 'awaited')) <> (presence.n_schools = 0)
            -- A summary does instead of protocols.
            and delivery.source <> 'vpr_result'
    """
    assert warehouse.ask(disagreeing) == []
    lacking = "state in ('missing', 'awaited', 'partial')"
    whole = warehouse.ask(
        f"select state from mart_source_delivery where year = 2023 and procedure_code is null and {lacking}"
    )
    assert whole
    told = call(warehouse.home, ASK_SECONDS, "expected", "--year", "2023", "--on", "2024-01-01")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("Кампания 2023 года, на 01.01.2024. Ещё не пришло: ")
    n_told = int(re.search(r"не пришло: (\d+), из них срок прошёл: (\d+)", told.stdout)[1])  # type: ignore[index]
    n_procedures = len(warehouse.ask(f"select 1 from mart_source_delivery where year = 2023 and {lacking}")) - len(
        whole
    )
    assert len(whole) <= n_told <= len(whole) + n_procedures


def test_every_input_row_ends_in_one_place(warehouse: Warehouse) -> None:
    rows = warehouse.ask_inside("""
        select part_id from ops.source_part
        where status = 'landed' and n_rows_read <> n_rows_dropped + n_rows_landed
    """)
    assert rows == []


@pytest.mark.parametrize("table", [RESULTS, SCHOOLS], ids=["results", "schools"])
def test_no_hidden_count_can_be_computed_from_what_is_published(warehouse: Warehouse, table: str) -> None:
    """Every hidden size stays open by at least the least size that is shown; every part, as the region's own."""
    policy = warehouse.ask_inside("select min_n, rounding_base from seeds.suppression_policy where audience = 'public'")
    min_n, base = int(policy[0]["min_n"]), int(policy[0]["rounding_base"])
    found = list(attack(warehouse.ask, table, base))
    assert found
    known = [
        one for one in found if one.size[1] - one.size[0] < min_n or one.part[1] - one.part[0] < one.published - 1e-6
    ]
    assert known == []


def test_what_an_attacker_supposes_is_true(warehouse: Warehouse) -> None:
    """The bounds hold the true counts: the attack reads the published figures as they are meant."""
    true = {
        (int(row["year"]), row["procedure_code"], row["municipality_code"]): (
            int(row["n_participants"]),
            int(row["n_below_min"]),
        )
        for row in warehouse.ask("select * from mart_municipality_results")
    }
    for one in attack(warehouse.ask, RESULTS, 5):
        size, part = true[one.year, one.subject, one.area]
        assert one.size[0] - 1e-6 <= size <= one.size[1] + 1e-6, one
        assert one.part[0] - 1e-6 <= part <= one.part[1] + 1e-6, one


def test_no_name_of_a_pupil_reaches_the_warehouse(warehouse: Warehouse) -> None:
    columns = warehouse.ask_inside("""
        select table_schema, table_name, column_name from information_schema.columns
        where table_schema in ('landing', 'staging', 'core', 'marts')
            and table_name ~ '(ege_result|oge_result|appeal|fct_result)' and data_type = 'text'
    """)
    assert columns
    for row in columns:
        table, column = f'{row["table_schema"]}."{row["table_name"]}"', f'"{row["column_name"]}"'
        found = warehouse.ask_inside(f"select 1 from {table} where {column} ~ '({SURNAMES})' limit 1")
        assert found == [], f"{table}.{column}"


MARTS = ("mart_identification", "mart_identification_evidence", "fct_school_procedure", "fct_result", "dim_school")


def fingerprints(warehouse: Warehouse) -> dict[str, str]:
    """Content of each mart, whatever the order of its rows and whichever calculation made them."""
    found = {}
    for name in MARTS:
        row = "(to_jsonb(m) - 'calculation_id')::text"
        query = f"select md5(string_agg({row}, '' order by {row})) from marts.{name} as m"
        found[name] = warehouse.ask_inside(query)[0]["md5"]
    return found


def test_report_is_written_and_says_what_the_marts_hold(warehouse: Warehouse) -> None:
    report = Settings(home=warehouse.home).report_file(max(YEARS))
    assert report.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    page = report.read_text(encoding="utf-8")
    assert page.count("<data ") > 500
    assert list(report_numbers.disagreements(page, max(YEARS), warehouse.ask_with)) == []


def test_second_run_with_nothing_new_changes_nothing(warehouse: Warehouse, inbox: Path) -> None:
    before = fingerprints(warehouse)
    calculations = warehouse.ask_inside("select count(*) from ops.calculation")
    again = call(warehouse.home, RUN_SECONDS, "run", "--inbox", str(inbox), "--year", str(max(YEARS)))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Ничего нового" in again.stdout
    assert fingerprints(warehouse) == before
    assert warehouse.ask_inside("select count(*) from ops.calculation") == calculations


def test_explain_names_counts_threshold_interval_and_rows(warehouse: Warehouse) -> None:
    school = warehouse.ask("""
        select i.school_code, e.n_below_min, e.n_participants from mart_identification as i
        join mart_identification_evidence as e using (year, school_id, method_code)
        where i.year = 2023 and i.is_low_results and e.is_low and e.procedure_code = 'vpr_math_5'
        order by 1 limit 1
    """)[0]
    told_lines = call(warehouse.home, ASK_SECONDS, "explain", "--school", school["school_code"], "--year", "2023")
    assert told_lines.returncode == 0, told_lines.stderr
    text = told_lines.stdout
    assert "НИЗКИЕ РЕЗУЛЬТАТЫ" in text
    line = next(line for line in text.splitlines() if "математика, 5 класс" in line)
    assert f"ниже минимума {school['n_below_min']} из {school['n_participants']}" in line
    assert "порог 30,0 %" in line
    assert "доверительный интервал" in line
    place = text.splitlines()[text.splitlines().index(line) + 1]
    assert ".xlsx, лист «" in place
    assert "ниже минимума: " in place


def test_explain_of_an_unknown_school_says_so(warehouse: Warehouse) -> None:
    answer = call(warehouse.home, ASK_SECONDS, "explain", "--school", "000000", "--year", "2023")
    assert answer.returncode == 1
    assert "000000" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_status_tells_of_files_and_versions(warehouse: Warehouse) -> None:
    answer = call(warehouse.home, ASK_SECONDS, "status")
    assert answer.returncode == 0, answer.stderr
    assert "заменён более новым" in answer.stdout
    assert "не сошлось: 0" not in answer.stdout
    assert "Первичный балл не больше максимального за работу (vpr_result.score_above_max)" in answer.stdout
    assert "; выполнен за " in answer.stdout


def test_query_prints_csv(warehouse: Warehouse) -> None:
    statement = "select school_id, year, is_low_results, decided_status from mart_identification order by 1, 2, 3"
    answer = call(warehouse.home, ASK_SECONDS, "query", f"{statement};")
    assert answer.returncode == 0, answer.stderr
    rows = list(csv.DictReader(io.StringIO(answer.stdout)))
    assert rows == warehouse.ask(statement)
    assert len(rows) > N_SCHOOLS
    assert {row["decided_status"] for row in rows} == {""}


def test_query_cannot_write(warehouse: Warehouse) -> None:
    answer = call(warehouse.home, ASK_SECONDS, "query", "delete from marts.mart_identification returning year")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert warehouse.ask("select count(*) as n from mart_identification")[0]["n"] != "0"


def test_reader_of_the_marts_reads_nothing_else(warehouse: Warehouse) -> None:
    rows = warehouse.ask_inside("""
        select n.nspname || '.' || c.relname as name, has_table_privilege('bi_reader', c.oid, 'select')
          and has_schema_privilege('bi_reader', n.oid, 'usage') as can
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'v', 'm')
          and n.nspname in ('landing', 'ops', 'seeds', 'staging', 'core', 'marts', 'vault', 'publish')
    """)
    can = {row["name"] for row in rows if row["can"] == "True"}
    assert can == {row["name"] for row in rows if row["name"].startswith("marts.")}
    assert can


def test_every_other_method_has_the_same_verdicts(warehouse: Warehouse) -> None:
    for year in YEARS:
        check_methods(warehouse, year)
    n_low = check_methods(warehouse, max(YEARS))
    assert all(n_low[method] for method in ("regional_rank", "ege_fails_60", "hse_context", "hse_context_all")), n_low


def test_intervals_shrinkage_and_context_agree(warehouse: Warehouse) -> None:
    assert check_sureness(warehouse, max(YEARS)) > 500
    assert check_context(warehouse, max(YEARS)) > 0


def test_methods_side_by_side_and_changes_agree(warehouse: Warehouse) -> None:
    for year in YEARS:
        check_side_by_side(warehouse, year)
    for method in ("rosobr_30", "rosobr_30_repeated", "regional_rank", "crisis_risk"):
        check_change(warehouse, max(YEARS), method)


def test_municipalities_are_judged_over_pupils(warehouse: Warehouse) -> None:
    groups = {
        "ege_rus": ["ege_rus"],
        "ege_math": ["ege_math_base", "ege_math_prof"],
        "oge_rus": ["oge_rus"],
        "oge_math": ["oge_math"],
    }
    check_municipalities(warehouse, max(YEARS), "municipal", groups)


def test_explain_tells_of_every_method_and_of_what_stands_beside(warehouse: Warehouse) -> None:
    school = warehouse.ask(f"""
        select c.school_code from marts.mart_identification_change as c
        join marts.mart_school_context as x using (year, school_id)
        where c.year = {max(YEARS)} and c.comparison = 'year' and c.method_code = 'rosobr_30' and c.change = 'stayed'
          and x.expected_score is not null
        order by 1 limit 1
    """)[0]["school_code"]
    told_lines = call(warehouse.home, ASK_SECONDS, "explain", "--school", school, "--year", str(max(YEARS)))
    assert told_lines.returncode == 0, told_lines.stderr
    text = told_lines.stdout
    methods = warehouse.ask(f"""
        select i.method_code, m.title_ru from marts.mart_identification as i
        join marts.dim_method as m using (method_code, method_version)
        join marts.dim_school as s on s.school_id = i.school_id and s.is_current
        where s.school_code = '{school}' and i.year = {max(YEARS)}
    """)
    assert len(methods) >= 12
    for method in methods:
        assert f"{method['title_ru']} ({method['method_code']}, версия" in text
    for beside in (
        "Вероятность, что правило выполнено для истинных долей школы",
        "стянутая доля",
        "Условия работы",
        "по условиям ожидается",
        "ризнак",
        "По годам",
        "По сравнению с 2022 годом, rosobr_30: осталась в списке",
        "Решения человека о школе за этот год нет",
        "Расчёт: ",
    ):
        assert beside in text, beside
    # People read titles; codes are those of methods only.
    procedures = warehouse.ask("select procedure_code from marts.dim_procedure")
    assert not [one["procedure_code"] for one in procedures if re.search(rf"\b{one['procedure_code']}\b", text)]


def told_rows(line: str) -> set[int]:
    """Row numbers of a line such as «…, лист «…», строки 2–4, 7»."""
    rows: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:–(\d+))?", line.rsplit("строк", 1)[1]):
        rows.update(range(int(first), int(last or first) + 1))
    return rows


def test_an_indicator_is_traced_to_the_rows_of_the_files(warehouse: Warehouse, inbox: Path) -> None:
    """The rows that are named hold just the schools that are named."""
    mart = warehouse.ask("""
        select numerator, denominator from mart_programme_indicator
        where indicator_code = 'T16' and period = '2018' and territory_kind = 'region'
    """)[0]
    answer = call(warehouse.home, ASK_SECONDS, "indicator", "т16", "--year", "2018", "--full")
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert f"  {mart['numerator']} из {mart['denominator']}: " in answer.stdout
    assert "«в 100% школ, включенных в региональные программы" in answer.stdout
    done = next(line for line in lines if line.startswith("      выполнено: "))
    schools = set(re.findall(r"\((\d{6})\)", done))
    assert len(schools) == int(mart["numerator"]) > 0
    for label in ("Засчитано", "Участники программы"):
        place = lines[next(i for i, line in enumerate(lines) if line.startswith(f"    {label}, строки файлов")) + 1]
        file = re.fullmatch(r" +(.+\.xlsx), лист «(.+)», строк[аи] .*", place)
        assert file, place
        head, *rows = openpyxl.load_workbook(inbox / file[1], read_only=True)[file[2]].iter_rows(values_only=True)
        code = head.index("Код ОО")
        # A sender may keep codes as numbers: the zero in front is lost.
        assert {str(rows[number - 2][code]).zfill(6) for number in told_rows(place)} == schools


def test_as_many_rows_are_named_as_are_counted(warehouse: Warehouse) -> None:
    """Items of a road map done in time, and services: one row of a file is one of the figure."""
    for code, year, labels in (("P11", "2022", ("Исполнено", "Не исполнено")), ("O17", "2021", ("Засчитано",))):
        values = warehouse.ask(f"""
            select numerator, denominator from mart_programme_indicator
            where indicator_code = '{code}' and year = {year} and territory_kind = 'region'
            order by period_kind <> 'year', period
        """)
        told = told_of(warehouse, code, year)
        counted = [
            [int(number) for number in re.findall(rf"    {label}, строки файлов \((\d+)\):", told)] for label in labels
        ]
        assert counted[0] == [int(value["numerator"]) for value in values]
        assert len(values) > 0
        if len(labels) > 1:
            both = [done + undone for done, undone in zip(*counted, strict=True)]
            assert both == [int(value["denominator"]) for value in values]


def test_every_indicator_can_be_told_and_tells_of_no_person(warehouse: Warehouse) -> None:
    for code, year in (("P06", "2021"), ("Р1.8б", "2021"), ("L03", "2023"), ("P07", "2022"), ("M09", "2018")):
        answer = call(warehouse.home, ASK_SECONDS, "indicator", code, "--year", year, "--full")
        assert answer.returncode == 0, answer.stderr
        assert f"{year} год" in answer.stdout
        assert "строки файлов" in answer.stdout
        assert not re.search(rf"{SURNAMES}|[0-9a-f]{{32}}", answer.stdout)
    assert "За 2005 год показателя нет. Есть годы: 2018" in told_of(warehouse, "T16", "2005")
    unknown = call(warehouse.home, ASK_SECONDS, "indicator", "T161", "--year", "2018")
    assert unknown.returncode == 1
    assert "T16" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def told_of(warehouse: Warehouse, code: str, year: str) -> str:
    return call(warehouse.home, ASK_SECONDS, "indicator", code, "--year", year).stdout


def test_the_readme_tells_what_the_sample_says_of_the_programmes(warehouse: Warehouse) -> None:
    """When numbers change: python tests/end_to_end/readme_table.py."""
    readme = README.read_text(encoding="utf-8")
    assert written(readme) == table(warehouse.ask(query(readme)))


def test_metrics_say_what_the_marts_say_elsewhere(warehouse: Warehouse) -> None:
    check_metrics(warehouse)


def test_example_queries_of_the_marts_run(warehouse: Warehouse) -> None:
    check_examples(warehouse)


def test_sql_of_the_charts_runs(warehouse: Warehouse) -> None:
    check_charts(warehouse)


def test_dictionary_of_data_is_a_page_without_secrets_or_a_network(warehouse: Warehouse) -> None:
    check_page(warehouse)


def test_workbooks_say_what_the_marts_say_and_nothing_of_schools_elsewhere(warehouse: Warehouse) -> None:
    year = max(YEARS)
    done = call(warehouse.home, ASK_SECONDS, "export", "--year", str(year))
    assert done.returncode == 0, done.stderr
    books = warehouse.home / "reports" / str(year) / "workbooks"
    assert done.stdout.splitlines()[-1] == f"Книг: {len(list(books.iterdir()))}, папка: {books}"
    by_territory = opened(books, year)
    check_numbers(warehouse, by_territory, year)
    check_own_schools(warehouse, by_territory, year)


def test_workbooks_of_an_unknown_year_or_municipality_are_refused_in_words(warehouse: Warehouse) -> None:
    unknown = call(warehouse.home, ASK_SECONDS, "export", "--year", "2015")
    assert unknown.returncode == 1
    assert f"За 2015 год результатов нет; есть за годы: {', '.join(map(str, YEARS))}" in unknown.stderr
    nowhere = call(warehouse.home, ASK_SECONDS, "export", "--year", str(max(YEARS)), "--municipality", "нигде")
    assert nowhere.returncode == 1
    assert "Назовите код или название" in nowhere.stderr


def test_a_municipality_is_shown_its_own_rows_of_every_mart_by_the_database(warehouse: Warehouse) -> None:
    """A login of the database itself: what dashboards show is not asked. The whole region is shown to whoever may."""
    settings = Settings(home=warehouse.home, warehouse_url=None)
    codes = [row["municipality_code"] for row in warehouse.ask("select municipality_code from dim_municipality")]
    reader = readers.add(settings, codes[0], "Проверка", "увидеть своё")
    with readers.passwords_file(settings).open(encoding="utf-8", newline="") as lines:
        passwords = {row["login"]: row["password"] for row in csv.DictReader(lines)}
    logins.make_login(settings, "test_whole_region", "bi_reader", "0" * 48)
    marts = municipal.marts(warehouse.home)
    assert len(marts) > 50
    n_seen = n_denied = 0
    with (
        municipal.as_login(settings, reader.login, passwords[reader.login]) as seeing,
        municipal.as_login(settings, "test_whole_region", "0" * 48) as whole,
    ):
        for mart in marts:
            n_all = len(municipal.rows(whole, mart.name))
            assert n_all == int(warehouse.ask(f"select count(*) as n from {mart.name}")[0]["n"]), mart.name
            shown = municipal.rows(seeing, mart.name)
            way = sight(mart.audience, mart.titles)
            if way == "closed":
                assert shown is None, mart.name
                n_denied += 1
                continue
            assert municipal.foreign(seeing, mart, reader) == 0, mart.name
            if way == "open":
                assert len(shown) == n_all, mart.name
                continue
            n_own = municipal.own(settings, mart, reader)
            assert len(shown) == n_own if way in ("code", "name") else n_own <= len(shown) <= n_all, mart.name
            n_seen += bool(shown) and len(shown) < n_all
        assert n_seen > 20 and n_denied > 10
        # A rule is no slower than a comparison: what it rests on is looked up once.
        seeing.execute("explain (analyze, format json) select count(*) from marts.mart_school_result")
        plan = str(seeing.fetchone())
        assert "InitPlan" in plan and "'Actual Loops': 1" in plan
        # The statistics of a guarded table would tell its values; its whole group has no municipality.
        seeing.execute("select count(*) from pg_stats where schemaname = 'marts' and tablename = 'mart_school_card'")
        assert seeing.fetchone() == (0,)
        seeing.execute("set role municipality_reader; select count(*) from marts.mart_school_card")
        assert seeing.fetchone() == (0,)
    readers.remove(settings, reader.login, "Проверка", "проверено")
    with pytest.raises(psycopg2.OperationalError), municipal.as_login(settings, reader.login, passwords[reader.login]):
        pass


def test_no_person_of_the_files_is_left_anywhere(warehouse: Warehouse, inbox: Path) -> None:
    """In no table of any database, Airflow's own among them, and in no file: logs, pages, reports, workbooks."""
    people = canaries.persons(inbox)
    assert len(people) > 300
    left = [*canaries.in_databases(warehouse.home, people), *canaries.in_files(warehouse.home, people)]
    assert left == []
