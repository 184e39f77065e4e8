"""The page of dbt's documentation: written when it must be, without what belongs to the machine that wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ravenstvo.calculation import dbt_docs
from ravenstvo.calculation.dbt_docs import write_docs
from ravenstvo.calculation.lifecycle import CalculationError
from ravenstvo.settings import Settings

PARTS = ("nodes", "sources", "macros", "docs", "exposures", "metrics", "semantic_models", "unit_tests")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home where dbt writes a page of one model."""
    settings = Settings(home=tmp_path / "home", warehouse_url=None, airflow_url=None)
    manifest = {part: {} for part in PARTS} | {
        "metadata": {"env": {"SECRET": "s3cret"}, "project_name": "ravenstvo"},
        "nodes": {"model.a": {"description": "Школы </script>", "root_path": "/srv/secret", "compiled_path": "/srv/a"}},
    }

    def generate(of: Settings) -> None:
        of.dbt_target_dir.mkdir(parents=True, exist_ok=True)
        text = json.dumps(manifest)
        (of.dbt_target_dir / "manifest.json").write_text(text, encoding="utf-8")
        page = f'<script>n = [{{data: {text}}}, {{data: {{"rows": 7}}}}]</script>'
        (of.dbt_target_dir / "static_index.html").write_text(page, encoding="utf-8")

    monkeypatch.setattr(dbt_docs, "_generate", generate)
    return settings


def test_page_holds_nothing_of_the_machine(settings: Settings) -> None:
    assert write_docs(settings) == settings.dbt_docs_file
    page = settings.dbt_docs_file.read_text(encoding="utf-8")
    assert "s3cret" not in page
    assert "/srv" not in page
    assert "Школы <\\/script>" in page
    assert page.count("</script>") == 1
    assert '{"rows": 7}' in page


def test_page_is_written_anew_only_when_something_has_changed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_docs(settings)
    settings.dbt_docs_file.write_text("as it was", encoding="utf-8")
    assert write_docs(settings) is None
    assert settings.dbt_docs_file.read_text(encoding="utf-8") == "as it was"
    monkeypatch.setattr(dbt_docs, "seeds_hash", lambda root: "other")
    assert write_docs(settings) == settings.dbt_docs_file
    settings.dbt_docs_file.unlink()
    assert write_docs(settings) == settings.dbt_docs_file


def test_a_page_put_together_in_another_way_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    generate = dbt_docs._generate

    def otherwise(of: Settings) -> None:
        generate(of)
        (of.dbt_target_dir / "static_index.html").write_text("<html></html>", encoding="utf-8")

    monkeypatch.setattr(dbt_docs, "_generate", otherwise)
    with pytest.raises(CalculationError, match="сложил страницу иначе"):
        write_docs(settings)
    assert not settings.dbt_docs_file.exists()
