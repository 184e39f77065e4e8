"""The region that is shipped is the one that the program makes."""

from __future__ import annotations

from pathlib import Path

from ravenstvo.sample import DEFAULT_YEARS, generate
from ravenstvo.settings import PROJECT_ROOT


def test_shipped_files_are_what_the_command_makes(tmp_path: Path) -> None:
    made = generate(tmp_path / "учебный регион", 1, 60, list(DEFAULT_YEARS))
    root, shipped = tmp_path / "учебный регион", PROJECT_ROOT / "sample"
    names = {path.relative_to(root) for path in made}
    assert names == {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()}
    assert [name for name in sorted(names) if (root / name).read_bytes() != (shipped / name).read_bytes()] == []
