"""A dashboard's layout: a tree of rows, columns, tabs, charts and texts in the file; a flat table in Superset.

A node of the file is a mapping: ``type`` (may be left out where it can be guessed), ``id`` (may be left out where it
follows from the place), ``children``, for a chart ``chart`` (the name of its file), and the node's own settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ravenstvo.publishing.bi.charts import Chart, Document, DocumentError

_DEFAULTS: dict[str, Document] = {
    "ROW": {"background": "BACKGROUND_TRANSPARENT"},
    "COLUMN": {"background": "BACKGROUND_TRANSPARENT", "width": 3},
    "HEADER": {"background": "BACKGROUND_TRANSPARENT", "headerSize": "MEDIUM_HEADER"},
    "CHART": {"width": 4, "height": 50},
    "MARKDOWN": {"width": 12, "height": 20},
    "TABS": {},
    "TAB": {},
    "DIVIDER": {},
}
# What Superset keeps of a chart besides its place; follows from the chart itself.
_OF_CHART = ("uuid", "chartId", "sliceName")


def charts_of(nodes: list[Document]) -> Iterator[str]:
    """Names of the charts in a layout, in order."""
    for node in nodes:
        if "chart" in node:
            yield node["chart"]
        yield from charts_of(node.get("children") or [])


def position(title: str, nodes: list[Document], charts: dict[str, Chart], file: str) -> Document:
    """The layout as Superset keeps it. Raises DocumentError for an unknown kind of node or chart."""
    tabbed = len(nodes) == 1 and _kind(nodes[0], "GRID") == "TABS"
    table: Document = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
    }
    parents = ["ROOT_ID"] if tabbed else ["ROOT_ID", "GRID_ID"]
    ids = _place(nodes, "GRID", parents, (), table, charts, file)
    table["ROOT_ID" if tabbed else "GRID_ID"]["children"] = ids
    return table


def _place(
    nodes: list[Document],
    parent: str,
    parents: list[str],
    path: tuple[int, ...],
    table: Document,
    charts: dict[str, Chart],
    file: str,
) -> list[str]:
    ids = []
    for number, node in enumerate(nodes):
        place = (*path, number)
        kind = _kind(node, parent)
        if kind not in _DEFAULTS:
            raise DocumentError(f"{file}: ключ layout: неизвестный вид части {kind!r}; есть: {', '.join(_DEFAULTS)}")
        own_id = str(node.get("id") or _default_id(kind, node.get("chart"), place))
        if own_id in table:
            raise DocumentError(f"{file}: ключ layout: {own_id} встречается дважды, задайте разные id")
        settings = {key: value for key, value in node.items() if key not in ("type", "id", "children", "chart")}
        meta = _DEFAULTS[kind] | settings
        if kind == "CHART":
            chart = charts.get(node.get("chart", ""))
            if chart is None:
                raise DocumentError(f"{file}: ключ layout: нет файла charts/{node.get('chart')}.yaml")
            meta |= {"uuid": chart.uuid, "chartId": len(table), "sliceName": chart.document["slice_name"]}
        entry: Document = {"type": kind, "id": own_id, "children": [], "parents": parents, "meta": meta}
        table[own_id] = entry
        entry["children"] = _place(node.get("children") or [], kind, [*parents, own_id], place, table, charts, file)
        ids.append(own_id)
    return ids


def tree(table: Document, names: dict[str, str]) -> list[Document]:
    """The layout of the file, from what Superset keeps; ``names``: chart's uuid to the name of its file."""
    root = table["ROOT_ID"]["children"]
    tabbed = bool(root) and table[root[0]]["type"] == "TABS"
    top = root if tabbed else table["GRID_ID"]["children"]
    return _nodes(top, "GRID", (), table, names)


def _nodes(
    ids: list[str], parent: str, path: tuple[int, ...], table: Document, names: dict[str, str]
) -> list[Document]:
    nodes = []
    for number, own_id in enumerate(ids):
        entry, place = table[own_id], (*path, number)
        kind, meta = entry["type"], entry.get("meta") or {}
        node: Document = {"type": kind, "id": own_id}
        if kind == "CHART":
            node["chart"] = names[meta["uuid"]]
        node |= {
            key: value
            for key, value in meta.items()
            if key not in _OF_CHART and not (key in _DEFAULTS.get(kind, {}) and _DEFAULTS[kind][key] == value)
        }
        if own_id == _default_id(kind, node.get("chart"), place):
            del node["id"]
        children = _nodes(entry.get("children") or [], kind, place, table, names)
        if children:
            node["children"] = children
        if _kind({key: value for key, value in node.items() if key != "type"}, parent) == kind:
            del node["type"]
        nodes.append(node)
    return nodes


def _kind(node: Document, parent: str) -> str:
    """The node's type, or the one to guess from what it has and where it stands."""
    if "type" in node:
        return str(node["type"])
    if "chart" in node:
        return "CHART"
    if "code" in node:
        return "MARKDOWN"
    if parent == "TABS":
        return "TAB"
    return "COLUMN" if parent == "ROW" else "ROW"


def _default_id(kind: str, chart: Any, place: tuple[int, ...]) -> str:
    return f"{kind}-{chart}" if chart else "-".join([kind, *map(str, place)])
