"""What homes of one machine share, and what they do not trust."""

from __future__ import annotations

import os
from pathlib import Path

from ravenstvo import machine_cache
from ravenstvo.settings import Settings


def _settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", cache_dir=tmp_path / "cache", warehouse_url=None)


def _kept(settings: Settings, tmp_path: Path, name: str = "dbt-1") -> Path:
    made = tmp_path / "made"
    made.write_text("made")
    machine_cache.keep(settings, name, made)
    assert settings.cache_dir is not None
    return settings.cache_dir / name


def test_what_is_kept_is_found_by_its_name_alone(tmp_path: Path) -> None:
    settings, target = _settings(tmp_path), tmp_path / "target"
    assert not machine_cache.fetch(settings, "dbt-1", target)
    kept = _kept(settings, tmp_path)
    assert not machine_cache.fetch(settings, "dbt-2", target) and not target.exists()
    assert machine_cache.fetch(settings, "dbt-1", target)
    assert target.read_text() == "made"
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700


def test_what_another_user_could_have_written_is_not_taken(tmp_path: Path) -> None:
    settings, target = _settings(tmp_path), tmp_path / "target"
    kept = _kept(settings, tmp_path)
    kept.chmod(0o666)
    assert not machine_cache.fetch(settings, "dbt-1", target)
    kept.chmod(0o600)
    kept.parent.chmod(0o777)
    assert not machine_cache.fetch(settings, "dbt-1", target)
    kept.parent.chmod(0o700)
    (kept.parent / "dbt-link").symlink_to(kept)
    assert not machine_cache.fetch(settings, "dbt-link", target)
    assert machine_cache.fetch(settings, "dbt-1", target)


def test_only_the_latest_few_of_a_kind_stay(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    other = _kept(settings, tmp_path, "airflow-1")
    for number in range(6):
        os.utime(_kept(settings, tmp_path, f"dbt-{number}"), (number, number))
    left = sorted(path.name for path in other.parent.iterdir())
    assert left == ["airflow-1", "dbt-2", "dbt-3", "dbt-4", "dbt-5"]


def test_without_a_folder_everything_is_made_anew(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", cache_dir=None, warehouse_url=None)
    made = tmp_path / "made"
    made.write_text("made")
    machine_cache.keep(settings, "dbt-1", made)
    assert not machine_cache.fetch(settings, "dbt-1", tmp_path / "target")
