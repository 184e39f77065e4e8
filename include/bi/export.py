"""Write what Superset holds of charts and dashboards as one JSON file. Runs in Superset's environment.

``python export.py <file> <login>``: ``{"charts": [document, …], "dashboards": [{"document": …, "roles": [name, …]}, …]}``, each
document as Superset itself exports it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml


def main(target: Path, login: str) -> None:
    """Write the file, in the name of a user who sees everything."""
    from superset.app import create_app

    with create_app().app_context():
        from flask import g
        from superset import db, security_manager
        from superset.commands.chart.export import ExportChartsCommand
        from superset.commands.dashboard.export import ExportDashboardsCommand
        from superset.models.dashboard import Dashboard
        from superset.models.slice import Slice

        g.user = security_manager.find_user(login)
        charts = [
            yaml.safe_load(ExportChartsCommand._file_content(chart))
            for chart in db.session.query(Slice).order_by(Slice.id)
        ]
        dashboards = [
            {
                "document": yaml.safe_load(ExportDashboardsCommand._file_content(dashboard)),
                "roles": sorted(role.name for role in dashboard.roles),
            }
            for dashboard in db.session.query(Dashboard).order_by(Dashboard.id)
        ]
    target.write_text(json.dumps({"charts": charts, "dashboards": dashboards}, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
