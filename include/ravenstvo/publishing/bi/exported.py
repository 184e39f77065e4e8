"""What Superset holds, written back into ``include/bi``: only files that say something else than before."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ravenstvo.publishing.bi import charts, dashboards, documents
from ravenstvo.publishing.bi.charts import Chart, Document
from ravenstvo.publishing.bi.dashboards import Dashboard
from ravenstvo.publishing.bi.documents import Documents
from ravenstvo.publishing.bi.identity import asset_uuid
from ravenstvo.publishing.dictionary import Mart


@dataclass
class Written:
    """Files written, and (in Russian) what could not be."""

    files: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def write(folder: Path, exported: dict[str, Any], marts: dict[str, Mart], *, new: bool) -> Written:
    """Write charts and dashboards of ``export.py`` into the folder: those it has, and ``new`` published ones.

    What somebody made and has not published yet is theirs.
    """
    own, done = documents.read(folder), Written()
    ours = {dashboard.uuid for dashboard in own.dashboards.values()}
    wanted = [
        item
        for item in exported["dashboards"]
        if item["document"]["uuid"] in ours or (new and item["document"]["published"])
    ]
    shown = {uuid for item in wanted for uuid in _chart_uuids(item["document"])}
    shown |= {chart.uuid for chart in own.charts.values()}
    names: dict[str, str] = {}
    for asset in exported["charts"]:
        if asset["uuid"] in shown:
            _write_chart(folder, asset, own, marts, names, done)
    for item in wanted:
        _write_dashboard(folder, item, own, names, marts, done)
    return done


def _write_chart(
    folder: Path, asset: Document, own: Documents, marts: dict[str, Mart], names: dict[str, str], done: Written
) -> None:
    datasets = {asset_uuid("dataset", mart.name): mart for mart in marts.values()}
    mart = datasets.get(str(asset.get("dataset_uuid")))
    if mart is None:
        done.refused.append(f"диаграмма «{asset['slice_name']}» построена не на витрине хранилища")
        return
    name = _name(asset["uuid"], asset["slice_name"], {item.uuid: item.name for item in own.charts.values()}, names)
    names[asset["uuid"]] = name
    found = charts.decompiled(name, asset, mart)
    old = own.charts.get(name)
    if old is not None and charts.decompiled(name, charts.compiled(old, marts[old.document["dataset"]]), mart) == found:
        return
    _write(folder, Chart(name, found), charts.KEYS, done)


def _write_dashboard(
    folder: Path, item: dict[str, Any], own: Documents, names: dict[str, str], marts: dict[str, Mart], done: Written
) -> None:
    asset = item["document"]
    missing = _chart_uuids(asset) - set(names)
    if missing:
        done.refused.append(f"дашборд «{asset['dashboard_title']}»: не выгружены его диаграммы, всего {len(missing)}")
        return
    known = {dashboard.uuid: dashboard.name for dashboard in own.dashboards.values()}
    name = _name(asset["uuid"], asset.get("slug") or asset["dashboard_title"], known, {})
    found = dashboards.decompiled(name, asset, item["roles"], names, marts)
    old = own.dashboards.get(name)
    if old is not None:
        before = dashboards.compiled(old, own.charts, marts)
        if dashboards.decompiled(name, before, old.roles, names, marts) == found:
            return
    _write(folder, Dashboard(name, found), dashboards.KEYS, done)


def _write(folder: Path, asset: Chart | Dashboard, keys: tuple[str, ...], done: Written) -> None:
    target = folder / asset.file
    target.parent.mkdir(parents=True, exist_ok=True)
    documents.write(target, asset.document, keys)
    done.files.append(asset.file)


def _chart_uuids(document: Document) -> set[str]:
    nodes = (node for node in document["position"].values() if isinstance(node, dict) and node.get("type") == "CHART")
    return {node["meta"]["uuid"] for node in nodes}


def _name(uuid: str, title: str, known: dict[str, str], taken: dict[str, str]) -> str:
    """Name of the file: that of the file with this uuid, or a new one from the title."""
    if uuid in known:
        return known[uuid]
    used = {*known.values(), *taken.values()}
    base = documents.latin(title)
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, 1000))
    return next(name for name in numbered if name not in used)
