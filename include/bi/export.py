"""Write what Superset holds of charts and dashboards as one JSON file. Runs in Superset's environment.

``python export.py <file> <login>``: ``{"charts": […], "dashboards": [{"document": …, "roles": [name, …]}, …]}``,
each document as Superset itself exports it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml


def main(target: Path, login: str) -> None:
    """Write the file, in the name of a user who sees everything."""
    from superset.app import create_app

    with create_app().app_context():
        from superset import security_manager
        from superset.utils.core import override_user

        with override_user(security_manager.find_user(login)):
            write(target)


def write(target: Path) -> None:
    """Write the file, in the name of the current user."""
    from superset import db
    from superset.commands.chart.export import ExportChartsCommand
    from superset.commands.dashboard.export import ExportDashboardsCommand
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    content = {
        "charts": [_document(ExportChartsCommand, chart) for chart in db.session.query(Slice).order_by(Slice.id)],
        "dashboards": [
            {
                "document": _document(ExportDashboardsCommand, dashboard),
                "roles": sorted(role.name for role in dashboard.roles),
            }
            for dashboard in db.session.query(Dashboard).order_by(Dashboard.id)
        ],
    }
    target.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _document(command: Any, model: Any) -> Any:
    return yaml.safe_load(command._file_content(model))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
