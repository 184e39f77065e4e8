"""The bundle that Superset imports: connections and datasets from the dictionary, charts and dashboards from files."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ravenstvo.publishing.bi import charts, dashboards, datasets, documents, links
from ravenstvo.publishing.bi.charts import DocumentError
from ravenstvo.publishing.bi.identity import DATABASES, VERSION
from ravenstvo.publishing.dictionary import Mart


@dataclass(frozen=True)
class Bundle:
    """Files of the import by their paths in it (JSON, which is YAML too), and what they were made from."""

    files: dict[str, str]
    marts: dict[str, Mart]
    documents: documents.Documents

    @property
    def fingerprint(self) -> str:
        """Changes when anything in it does."""
        return hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()


def build(folder: Path, marts: dict[str, Mart], catalog: str) -> Bundle:
    """The bundle of ``include/bi`` for a warehouse called ``catalog``.

    Raises DocumentError with everything that is wrong in the files, or where two marts have one title.
    """
    _check_titles(marts)
    added = links.read(folder)
    found = documents.read(folder)
    documents.check(found, marts, added)
    # Superset takes the moment of the export as a mark only; a fixed one keeps the bundle the same.
    files = {"metadata.yaml": {"version": VERSION, "type": "assets", "timestamp": "2000-01-01T00:00:00+00:00"}}
    for schema, title in DATABASES.items():
        files[f"databases/{title}.yaml"] = datasets.database(schema, catalog)
    for mart in marts.values():
        files[f"datasets/{mart.schema}/{mart.name}.yaml"] = datasets.dataset(mart, catalog, added)
    for chart in found.charts.values():
        files[chart.file] = charts.compiled(chart, marts[chart.document["dataset"]])
    for dashboard in found.dashboards.values():
        files[dashboard.file] = dashboards.compiled(dashboard, found.charts, marts, found.style)
    texts = {path: json.dumps(content, ensure_ascii=False, indent=1) for path, content in files.items()}
    return Bundle(texts, marts, found)


def write(bundle: Bundle, folder: Path) -> None:
    """Write the bundle anew into a folder of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in bundle.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def assets(files: dict[str, str], kind: str) -> dict[str, Any]:
    """Datasets, charts or dashboards of a bundle by their uuids."""
    found = (json.loads(text) for path, text in files.items() if path.startswith(f"{kind}/"))
    return {asset["uuid"]: asset for asset in found}


def read(folder: Path) -> dict[str, str]:
    """Files of a bundle that was written there; none where there is none."""
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.yaml"))}


def _check_titles(marts: dict[str, Mart]) -> None:
    """Superset tells datasets of one schema apart by what they are called."""
    seen: dict[tuple[str, str], str] = {}
    for mart in marts.values():
        other = seen.setdefault((mart.schema, mart.title), mart.name)
        if other != mart.name:
            raise DocumentError(f"витрины {other} и {mart.name} называются одинаково: {mart.title}")
