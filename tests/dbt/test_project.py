"""The dbt project on a real PostgreSQL: rules proved by unit tests, an empty warehouse, Russian descriptions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.sources import Source, load_sources
from ravenstvo.warehouse.connection import connect, parameters
from ravenstvo.warehouse.migrate import upgrade

pytestmark = pytest.mark.slow(seconds=65)

PROJECT = PROJECT_ROOT / "dbt_project"
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
Dbt = Callable[..., subprocess.CompletedProcess[str]]
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def dbt(module_warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    target = str(tmp_path_factory.mktemp("dbt"))
    upgrade(module_warehouse)
    known = parameters(module_warehouse)
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "DBNAME"}
    environment = os.environ | {f"RAVENSTVO_PG_{end}": str(known[name]) for name, end in names.items() if name in known}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        place = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        place += ["--target-path", target, "--log-path", target]
        command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments, *place]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def manifest(parsed_project: Path) -> Manifest:
    """The project as dbt reads it."""
    loaded: Manifest = json.loads((parsed_project / "manifest.json").read_text(encoding="utf-8"))
    return loaded


def test_empty_warehouse_is_built_and_every_rule_holds(
    dbt: Dbt, module_warehouse: Settings, manifest: Manifest
) -> None:
    """An empty warehouse gives empty marts; then the unit tests, which read the types of the built tables."""
    built = dbt("build", "--exclude", "test_type:unit")
    assert built.returncode == 0, built.stdout[-4000:]
    rules = dbt("test", "--selector", "unit_tests")
    assert rules.returncode == 0, rules.stdout[-4000:]
    n_rules = sum(1 for node in manifest["unit_tests"].values() if node)
    assert re.search(rf"PASS={n_rules} ", rules.stdout), rules.stdout[-400:]

    with connect(module_warehouse) as connection, connection.cursor() as cursor:
        cursor.execute("""
            select c.table_schema || '.' || c.table_name || '.' || c.column_name
            from information_schema.columns as c
            where c.table_schema in ('marts', 'core', 'seeds', 'staging', 'landing', 'ops')
              and c.table_name <> 'alembic_version'
              and coalesce(col_description(format('%I.%I', c.table_schema, c.table_name)::regclass, c.ordinal_position),
                '') !~ '[а-яё]'
        """)
        assert cursor.fetchall() == []
        cursor.execute("""
            select table_schema, table_name, column_name from information_schema.columns
            where table_schema not in ('pg_catalog', 'information_schema')
        """)
        held = cursor.fetchall()
    documented = {
        (node["schema"], node.get("alias") or node["identifier"]): set(node["columns"])
        for node in [*manifest["nodes"].values(), *manifest["sources"].values()]
        if node["resource_type"] in ("model", "seed", "source")
    }
    # A column that dbt does not know would stand in its pages without a word.
    known = [(schema, table, column) for schema, table, column in held if (schema, table) in documented]
    assert len(known) > 2000
    assert [one for one in known if one[2] not in documented[one[0], one[1]]] == []


def test_every_model_and_column_is_described_in_russian(manifest: Manifest) -> None:
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    assert len(nodes) > 40
    parts = [manifest[part].values() for part in ("sources", "metrics", "semantic_models", "exposures")]
    bare = [node["name"] for part in (nodes, *parts) for node in part if not CYRILLIC.search(node["description"])]
    bare += [
        f"{node['name']}.{column['name']}"
        for node in [*nodes, *manifest["sources"].values()]
        for column in node["columns"].values()
        if not CYRILLIC.search(column["description"])
    ]
    assert bare == []


def test_core_and_marts_enforce_contracts(manifest: Manifest) -> None:
    free = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["schema"] in ("core", "marts")
        and not node["name"].startswith("int_")
        and not node["contract"]["enforced"]
    ]
    assert free == []


def test_dbt_knows_the_columns_of_every_source_document(manifest: Manifest) -> None:
    declared = {
        node["name"]: set(node["columns"]) - {"file_id", "part_id", "row_no"}
        for node in manifest["sources"].values()
        if node["schema"] == "landing"
    }
    assert declared == {name: set(source.column_names) for name, source in load_sources().items()}


def test_no_year_threshold_or_programme_in_sql() -> None:
    literal = re.compile(r"(?<![\w.])(20[12]\d|0\.3\d?|30 ?%)(?![\w.])")
    comment = re.compile(r"{#.*?#}|--[^\n]*", re.DOTALL)
    found = [
        f"{path.relative_to(PROJECT)}: {line.strip()}"
        for folder in ("models", "macros")
        for path in sorted((PROJECT / folder).rglob("*.sql"))
        for line in comment.sub("", path.read_text(encoding="utf-8")).splitlines()
        if literal.search(line)
    ]
    assert found == []


def test_sources_whose_rows_name_a_school_are_those_of_the_source_documents() -> None:
    """A source that the macro leaves out would have no schools in the marts of what came, and no municipality."""
    text = (PROJECT / "macros" / "source_titles.sql").read_text(encoding="utf-8")
    listed = {name: re.findall(r"'(\w+)'", columns) for name, columns in re.findall(r"\('(\w+)', \[(.*?)\]\)", text)}
    keys = ("school_code", "school_login")
    known = {name: [key for key in keys if key in source.column_names] for name, source in load_sources().items()}
    assert listed == {name: columns for name, columns in known.items() if columns}


@pytest.mark.parametrize("source", load_sources().values(), ids=lambda source: source.name)
def test_replaced_schools_are_known_by_the_key_of_the_source_document(source: Source) -> None:
    """Another key than the one that versions are settled by would let replaced rows count beside their replacement."""
    text = (PROJECT / "models" / "staging" / f"stg_{source.name}.sql").read_text(encoding="utf-8")
    if "staged_exam_result" in text:
        text = (PROJECT / "macros" / "staged_exam_result.sql").read_text(encoding="utf-8")
    columns = ", ".join(f"landed.{column}" for column in source.school)
    wanted = [columns if len(source.school) == 1 else f"coalesce({columns})"] if source.school else []
    assert re.findall(r'school_key="([^"]*)"', text) == wanted


def facts(source: Source) -> str:
    """SQL of the facts that come straight from the rows of a source; empty where there are none."""
    path = PROJECT / "models" / "core" / f"fct_{source.name}.sql"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text if f"ref('stg_{source.name}')" in text else ""


@pytest.mark.parametrize(
    "source", [one for one in load_sources().values() if facts(one)], ids=lambda source: source.name
)
def test_facts_read_the_lists_that_the_source_document_names(source: Source) -> None:
    """A list of another name, or none, would leave the column empty."""
    wanted = {
        (c.name, "yes_no" if c.kind == "flag" else c.values) for c in source.columns if c.kind == "flag" or c.values
    }
    gates = {(c.name, "yes_no") for c in source.columns if c.kind == "gate"}
    assert wanted <= set(re.findall(r"join_list\('(\w+)', '(\w+)'\)", facts(source))) <= wanted | gates
