"""Dashboards: from a document of ``include/bi/dashboards`` to Superset's own form, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ravenstvo.publishing.bi import layout, style
from ravenstvo.publishing.bi.charts import Chart, Document, DocumentError, check_keys
from ravenstvo.publishing.bi.datasets import columns, metrics
from ravenstvo.publishing.bi.identity import VERSION, asset_uuid
from ravenstvo.publishing.dictionary import Mart

KEYS = (
    *("dashboard_title", "description", "slug", "published", "audience", "filters", "layout", "css", "metadata"),
    *("certified_by", "certification_details", "uuid"),
)
_REQUIRED = ("dashboard_title", "audience", "layout")

# Who a dashboard is for, and the Superset role of each.
AUDIENCES = {"analyst": "Аналитик", "municipality": "Муниципалитет", "guest": "Гость"}

_METADATA: Document = {
    "color_scheme": "okabe_ito",
    "cross_filters_enabled": True,
    "refresh_frequency": 0,
    "expanded_slices": {},
    "label_colors": {},
    "timed_refresh_immune_slices": [],
    "filter_bar_orientation": "VERTICAL",
}
# What the interface works out anew whenever it saves, mostly with numbers that hold in one database only.
_WORKED_OUT = (
    *("native_filter_configuration", "chart_configuration", "global_chart_configuration", "color_scheme_domain"),
    *("shared_label_colors", "map_label_colors", "default_filters", "filter_scopes", "positions", "remote_id"),
    *("import_time", "chart_customization_config"),
)

_FILTER: Document = {
    "filterType": "filter_select",
    "type": "NATIVE_FILTER",
    "description": "",
    "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
    "cascadeParentIds": [],
    "controlValues": {
        "enableEmptyFilter": False,
        "defaultToFirstItem": False,
        "multiSelect": True,
        "searchAllOptions": False,
        "inverseSelection": False,
    },
    "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
}
_FILTER_WORKED_OUT = ("chartsInScope", "tabsInScope")


@dataclass(frozen=True)
class Dashboard:
    """A dashboard as its file says: ``name`` is the file's, without the extension."""

    name: str
    document: Document

    @property
    def uuid(self) -> str:
        """Made from the file's name, unless the dashboard was born in the interface and brought its own."""
        return str(self.document.get("uuid") or asset_uuid("dashboard", self.name))

    @property
    def file(self) -> str:
        """Path from ``include/bi``, for messages."""
        return f"dashboards/{self.name}.yaml"

    @property
    def roles(self) -> list[str]:
        """Superset roles that may open it."""
        return [AUDIENCES[name] for name in self.document["audience"]]


def check(dashboard: Dashboard, charts: dict[str, Chart], marts: dict[str, Mart]) -> None:
    """Raise DocumentError unless keys, audience, charts and the filters' columns exist."""
    document, file = dashboard.document, dashboard.file
    check_keys(file, document, KEYS, _REQUIRED)
    for name in document["audience"]:
        if name not in AUDIENCES:
            raise DocumentError(f"{file}: ключ audience: {name!r}; можно: {', '.join(AUDIENCES)}")
    for name in layout.charts_of(document["layout"]):
        if name not in charts:
            raise DocumentError(f"{file}: ключ layout: нет файла charts/{name}.yaml")
    seen = set()
    for native in document.get("filters") or []:
        own_id = native.get("id")
        if not own_id or own_id in seen:
            raise DocumentError(f"{file}: ключ filters: у каждого фильтра свой id; у одного из них {own_id!r}")
        seen.add(own_id)
        _check_targets(file, native, marts)


def _check_targets(file: str, native: Document, marts: dict[str, Mart]) -> None:
    where = f"{file}: ключ filters, {native['id']}"
    for target in native.get("targets") or []:
        if not target:
            continue
        mart = marts.get(target.get("dataset", ""))
        if mart is None:
            raise DocumentError(f"{where}: нет такой витрины: {target.get('dataset')}")
        if "column" in target and target["column"] not in {column.name for column in columns(mart, ())}:
            raise DocumentError(f"{where}: в витрине {mart.name} нет столбца {target['column']}")
        order = native.get("sortMetric")
        if order and order not in {metric.name for metric in metrics(mart)}:
            raise DocumentError(f"{where}: у витрины {mart.name} нет показателя {order} (sortMetric)")


def compiled(dashboard: Dashboard, charts: dict[str, Chart], marts: dict[str, Mart], shared: str) -> Document:
    """The dashboard in Superset's form; ``shared``: the CSS that goes before its own."""
    document = dashboard.document
    return {
        "dashboard_title": document["dashboard_title"],
        "description": document.get("description"),
        "css": style.joined(shared, document.get("css") or ""),
        "slug": document.get("slug") or dashboard.name,
        "certified_by": document.get("certified_by"),
        "certification_details": document.get("certification_details"),
        "published": document.get("published", True),
        "uuid": dashboard.uuid,
        "position": layout.position(document["dashboard_title"], document["layout"], charts, dashboard.file),
        "metadata": _METADATA
        | (document.get("metadata") or {})
        | {"native_filter_configuration": [_native(native, marts) for native in document.get("filters") or []]},
        "is_managed_externally": False,
        "version": VERSION,
    }


def _native(native: Document, marts: dict[str, Mart]) -> Document:
    targets: list[Document] = []
    for target in native.get("targets") or [{}]:
        rest = {key: value for key, value in target.items() if key not in ("dataset", "column")}
        named = {"datasetUuid": asset_uuid("dataset", target["dataset"])} if "dataset" in target else {}
        column = {"column": {"name": target["column"]}} if "column" in target else {}
        targets.append(named | column | rest)
    full: Document = {"name": _title(native, marts)} | _filled(_FILTER, native)
    # Without it the charts would not wait for the first value.
    full.setdefault("requiredFirst", full["controlValues"]["defaultToFirstItem"])
    return full | {"id": f"NATIVE_FILTER-{native['id']}", "targets": targets}


def _title(native: Document, marts: dict[str, Mart]) -> str:
    """What the filter is called where its document does not say: as its column."""
    for target in native.get("targets") or []:
        mart = marts.get(target.get("dataset", ""))
        if mart is not None and target.get("column") in mart.titles:
            return mart.titles[target["column"]]
    return str(native["id"])


def decompiled(name: str, asset: Document, roles: list[str], names: dict[str, str], marts: dict[str, Mart]) -> Document:
    """The document of a dashboard that Superset exported; ``names``: chart's uuid to the name of its file."""
    metadata = {key: value for key, value in (asset.get("metadata") or {}).items() if key not in _WORKED_OUT}
    datasets = {asset_uuid("dataset", mart): mart for mart in marts}
    native = (asset.get("metadata") or {}).get("native_filter_configuration") or []
    document = {key: asset.get(key) for key in KEYS} | {
        "css": style.split(asset.get("css") or "")[1],
        "audience": [audience for audience, role in AUDIENCES.items() if role in roles] or ["analyst"],
        "filters": [_document_filter(item, datasets, marts) for item in native],
        "layout": layout.tree(asset["position"], names),
        "metadata": {key: value for key, value in metadata.items() if _METADATA.get(key) != value},
    }
    if document["slug"] == name:
        document["slug"] = None
    if asset["uuid"] == asset_uuid("dashboard", name):
        document["uuid"] = None
    if document["published"]:
        document["published"] = None
    return {key: value for key, value in document.items() if value not in (None, "", {}, [])}


def _document_filter(native: Document, datasets: dict[str, str], marts: dict[str, Mart]) -> Document:
    targets = []
    for target in native.get("targets") or []:
        rest = {key: value for key, value in target.items() if key not in ("datasetUuid", "datasetId", "column")}
        dataset = datasets.get(str(target.get("datasetUuid")))
        named = {"dataset": dataset} if dataset else {}
        column = {"column": target["column"]["name"]} if (target.get("column") or {}).get("name") else {}
        targets.append(named | column | rest)
    given = {key: value for key, value in native.items() if key not in ("id", "targets", *_FILTER_WORKED_OUT)}
    document: Document = {"id": str(native["id"]).removeprefix("NATIVE_FILTER-")} | _left(_FILTER, given)
    if any(targets):
        document["targets"] = targets
    if document.get("name") == _title(document, marts):
        del document["name"]
    if bool(document.get("requiredFirst")) == bool((document.get("controlValues") or {}).get("defaultToFirstItem")):
        document.pop("requiredFirst", None)
    return document


def _filled(defaults: Document, given: Document) -> Document:
    """``given`` over the defaults, mapping by mapping."""
    result = dict(defaults)
    for key, value in given.items():
        both = isinstance(value, dict) and isinstance(defaults.get(key), dict)
        result[key] = _filled(defaults[key], value) if both else value
    return result


def _left(defaults: Document, given: Document) -> Document:
    """What ``given`` says that the defaults do not: the opposite of ``_filled``."""
    result: dict[str, Any] = {}
    for key, value in given.items():
        default = defaults.get(key)
        if isinstance(value, dict) and isinstance(default, dict):
            if rest := _left(default, value):
                result[key] = rest
        elif key not in defaults or default != value:
            result[key] = value
    return result
