"""Who only looks asks only what the charts ask: Superset itself lets everybody send SQL of their own with a query.

Row-level security is a condition beside that SQL, and PostgreSQL has functions that run a query given as text
(``query_to_xml``), so that without this the rows of others could be read past it. It holds for users who may not make
charts: municipalities, guests, anonymous visitors.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from stored_sql import Stored, foreign_part, is_result
from superset.errors import ErrorLevel, SupersetError, SupersetErrorType
from superset.exceptions import SupersetSecurityException
from superset.security import SupersetSecurityManager

# Ways to data past the charts: SQL Lab and its results as a source, and charts of the old kind, which take any SQL.
_CLOSED = ("sql", "query", "viz")


class SecurityManager(SupersetSecurityManager):
    """Superset's own, and for viewers one condition more."""

    def raise_for_access(self, *args: Any, **kwargs: Any) -> None:
        """As Superset's; also raises when a viewer's query holds SQL that its chart does not."""
        super().raise_for_access(*args, **kwargs)
        asked = inspect.signature(super().raise_for_access).bind(*args, **kwargs).arguments
        if not any(asked.get(name) for name in (*_CLOSED, "query_context")):
            return
        if self.can_access("can_read", "Explore") or self.is_admin():
            return
        part = next((name for name in _CLOSED if asked.get(name)), None)
        if part or (part := self._foreign_part(asked["query_context"])):
            raise SupersetSecurityException(
                SupersetError(
                    error_type=SupersetErrorType.DATASOURCE_SECURITY_ACCESS_ERROR,
                    message=f"Запрос содержит выражения, которых нет в диаграмме ({part})",
                    level=ErrorLevel.WARNING,
                )
            )

    def _foreign_part(self, context: Any) -> str | None:
        from superset.connectors.sqla.models import SqlaTable

        dataset = context.datasource
        if not isinstance(dataset, SqlaTable):
            return "datasource"
        if not is_result(context.result_type):
            return "result_type"
        columns = {column.column_name for column in dataset.columns}
        metrics = {metric.metric_name for metric in dataset.metrics}
        stored = Stored(self._document(context.form_data or {}, dataset))
        found = (foreign_part(query, columns, metrics, stored) for query in context.queries)
        return next((part for part in found if part), None)

    def _document(self, form_data: Any, dataset: Any) -> Any:
        """What the chart or the filter keeps in whose name the query comes; None where the viewer is not shown it."""
        if not isinstance(form_data, dict):
            return None
        if form_data.get("type") == "NATIVE_FILTER":
            return self._filter(form_data, dataset)
        # A chart taken apart by another column («drill by») comes with its number in another place.
        return self._chart(form_data.get("slice_id") or form_data.get("chart_id"), dataset)

    def _chart(self, number: Any, dataset: Any) -> Any:
        from superset.models.slice import Slice

        chart = self.session.get(Slice, number) if isinstance(number, int) else None
        if chart is None or (chart.datasource_type, chart.datasource_id) != ("table", dataset.id):
            return None
        return chart.params_dict if any(self._shows(dashboard) for dashboard in chart.dashboards) else None

    def _filter(self, form_data: dict[str, Any], dataset: Any) -> Any:
        from superset.models.dashboard import Dashboard

        number = form_data.get("dashboardId")
        dashboard = self.session.get(Dashboard, number) if isinstance(number, int) else None
        if dashboard is None or not self._shows(dashboard):
            return None
        for one in json.loads(dashboard.json_metadata or "{}").get("native_filter_configuration") or []:
            is_asked = one.get("id") == form_data.get("native_filter_id")
            if is_asked and any(target.get("datasetId") == dataset.id for target in one.get("targets") or []):
                return one
        return None

    def _shows(self, dashboard: Any) -> bool:
        """A dashboard that was opened to a role of the user, not somebody's draft, which Superset shows as well."""
        return bool(dashboard.published and dashboard.roles and self.can_access_dashboard(dashboard))
