"""What Superset holds, written back into ``include/bi``: only files that say something else than before."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ravenstvo.publishing.bi import charts, dashboards, documents, style
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


@dataclass(frozen=True)
class _Room:
    """Where the documents lie, what they are, what Superset was given for them, and the dictionary."""

    folder: Path
    own: Documents
    given: dict[str, Document]
    marts: dict[str, Mart]


def write(
    folder: Path, exported: dict[str, Any], given: dict[str, Document], marts: dict[str, Mart], *, new: bool
) -> Written:
    """Write charts and dashboards of ``export.py`` into the folder: those it has, and ``new`` published ones.

    ``given`` is what Superset would hold had nobody touched it, by uuid: what equals it is not written. What somebody
    made and has not published yet is theirs.
    """
    room, done = _Room(folder, documents.read(folder), given, marts), Written()
    ours = {dashboard.uuid for dashboard in room.own.dashboards.values()}
    wanted = [
        item
        for item in exported["dashboards"]
        if item["document"]["uuid"] in ours or (new and item["document"]["published"])
    ]
    shown = {uuid for item in wanted for uuid in _chart_uuids(item["document"])}
    shown |= {chart.uuid for chart in room.own.charts.values()}
    names: dict[str, str] = {}
    for asset in exported["charts"]:
        if asset["uuid"] in shown:
            _write_chart(room, asset, names, done)
    for item in wanted:
        _write_dashboard(room, item, names, done)
    return done


def _write_chart(room: _Room, asset: Document, names: dict[str, str], done: Written) -> None:
    datasets = {asset_uuid("dataset", mart.name): mart for mart in room.marts.values()}
    mart = datasets.get(str(asset.get("dataset_uuid")))
    if mart is None:
        done.refused.append(f"диаграмма «{asset['slice_name']}» построена не на витрине хранилища")
        return
    known = {item.uuid: item.name for item in room.own.charts.values()}
    name = _name(asset["uuid"], asset["slice_name"], known, names)
    names[asset["uuid"]] = name
    found, before = charts.decompiled(name, asset, mart), room.given.get(asset["uuid"])
    if (
        before is None
        or before["dataset_uuid"] != asset["dataset_uuid"]
        or charts.decompiled(name, before, mart) != found
    ):
        _write(room.folder, Chart(name, found), charts.KEYS, done)


def _write_dashboard(room: _Room, item: dict[str, Any], names: dict[str, str], done: Written) -> None:
    asset = item["document"]
    missing = _chart_uuids(asset) - set(names)
    if missing:
        done.refused.append(f"дашборд «{asset['dashboard_title']}»: не выгружены его диаграммы, всего {len(missing)}")
        return
    known = {dashboard.uuid: dashboard.name for dashboard in room.own.dashboards.values()}
    name = _name(asset["uuid"], asset.get("slug") or asset["dashboard_title"], known, {})
    found = dashboards.decompiled(name, asset, item["roles"], names, room.marts)
    before = room.given.get(asset["uuid"])
    if before is not None and style.split(before["css"])[0] != style.split(asset.get("css") or "")[0]:
        done.refused.append(f"дашборд «{asset['dashboard_title']}»: общее оформление меняют в include/bi/style.css")
    if before is not None and name in room.own.dashboards:
        roles = room.own.dashboards[name].roles
        same_charts = _chart_uuids(before) <= set(names)
        if same_charts and dashboards.decompiled(name, before, roles, names, room.marts) == found:
            return
    _write(room.folder, Dashboard(name, found), dashboards.KEYS, done)


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
