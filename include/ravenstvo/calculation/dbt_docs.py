"""The dictionary of data as one page: dbt's own documentation with lineage, which opens without a network."""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ravenstvo.calculation.inputs import code_version, seeds_hash
from ravenstvo.calculation.lifecycle import CalculationError
from ravenstvo.calculation.stages import QUIETLY, environment, parse, place
from ravenstvo.fingerprints import digest, files_digest
from ravenstvo.settings import Settings

# Folders of this machine in what dbt writes of each node; the page needs none of them.
_OF_THIS_MACHINE = ("root_path", "compiled_path", "build_path")


def write_docs(settings: Settings) -> Path | None:
    """Write ``settings.dbt_docs_file`` anew when models, seeds, the dictionary or dbt have changed since.

    The warehouse must be built: the page tells what its tables hold. Returns the page, None when it was left as it is.
    Raises CalculationError when dbt cannot write it.
    """
    page, note = settings.dbt_docs_file, settings.dbt_docs_file.parent.with_suffix(".fingerprint")
    fingerprint = _fingerprint(settings)
    if page.exists() and note.exists() and note.read_text(encoding="utf-8") == fingerprint:
        return None
    _generate(settings)
    page.parent.mkdir(parents=True, exist_ok=True)
    written = page.with_suffix(".new")
    written.write_text(_page(settings.dbt_target_dir), encoding="utf-8")
    # A reader of the page never sees half of it.
    written.replace(page)
    note.write_text(fingerprint, encoding="utf-8")
    return page


@contextmanager
def parse_apart(settings: Settings) -> Iterator[Path]:
    """Folder with the ``manifest.json`` of the project as it is now, for the time of the block; needs no warehouse."""
    with tempfile.TemporaryDirectory() as folder:
        apart = settings.model_copy(update={"home": Path(folder)})
        parse(apart)
        yield apart.dbt_target_dir


def _fingerprint(settings: Settings) -> str:
    root = settings.project_root
    words = files_digest(root, ["dbt_project/dictionary/**/*"])
    return digest([code_version(root), seeds_hash(root), words, importlib.metadata.version("dbt-core")])


def _generate(settings: Settings) -> None:
    from dbt.cli.main import dbtRunner

    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    with environment(settings, {}):
        parsed = parse(settings)
        # Compiling would cost ten times as much and overwrite the results of the last stage.
        arguments = [*QUIETLY, "docs", "generate", "--static", "--no-compile", *place(settings)]
        outcome = dbtRunner(manifest=parsed).invoke(arguments)
    if not outcome.success:
        raise CalculationError(f"Словарь данных (dbt docs) не записан: {outcome.exception or 'см. журнал dbt'}")


def _page(target: Path) -> str:
    """The page of dbt without what belongs to this machine: folders, variables of the environment."""
    page = (target / "static_index.html").read_text(encoding="utf-8")
    manifest = (target / "manifest.json").read_text(encoding="utf-8")
    if manifest not in page:
        raise CalculationError("Словарь данных (dbt docs) не записан: dbt сложил страницу иначе, чем ожидалось")
    told = json.loads(manifest)
    told["metadata"]["env"] = {}
    for part in ("nodes", "sources", "macros", "docs", "exposures", "metrics", "semantic_models", "unit_tests"):
        for node in told[part].values():
            _forget_machine(node)
    return page.replace(manifest, json.dumps(told, ensure_ascii=False).replace("</", "<\\/"))


def _forget_machine(node: dict[str, Any]) -> None:
    for name in _OF_THIS_MACHINE:
        if name in node:
            node[name] = None
