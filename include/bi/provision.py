"""Bring Superset's metadata to what the bundle and the plan say. Runs in Superset's environment, in one process.

``python provision.py <folder of the state>``: reads ``plan.json`` and ``bundle.new/`` there,
prints a line for each step.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import export

# What people may do who only look. Nothing here makes a chart or runs SQL of one's own.
VIEWER = (
    ("can_read", "Dashboard"),
    ("can_read", "Chart"),
    ("can_read", "Dataset"),
    ("can_dashboard", "Superset"),
    ("can_dashboard_permalink", "Superset"),
    ("can_read", "DashboardPermalinkRestApi"),
    ("can_write", "DashboardPermalinkRestApi"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_drill", "Dashboard"),
    ("can_get_drill_info", "Dataset"),
    ("can_view_chart_as_table", "Dashboard"),
    ("can_time_range", "Api"),
    ("can_csv", "Superset"),
    ("can_export_data", "Superset"),
    ("can_export_image", "Superset"),
    ("can_read", "Theme"),
    ("can_read", "CssTemplate"),
    ("can_read", "CurrentUserRestApi"),
    ("can_read", "AnnotationLayerRestApi"),
    ("can_log", "Superset"),
    ("can_language_pack", "Superset"),
    ("can_recent_activity", "Log"),
    ("can_userinfo", "UserDBModelView"),
    ("resetmypassword", "UserDBModelView"),
    ("can_this_form_get", "ResetMyPasswordView"),
    ("can_this_form_post", "ResetMyPasswordView"),
    ("menu_access", "Dashboards"),
    ("menu_access", "Home"),
)


def main(folder: Path) -> None:
    """Do everything; raises on the first step that fails."""
    from superset.app import create_app

    with redirect_stdout(sys.stderr):
        app = create_app()
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    with app.app_context():
        if plan["prepare"]:
            _prepare(app)
        from superset.extensions import security_manager
        from superset.utils.core import override_user

        _make_users(security_manager, plan["users"][:1])
        with override_user(security_manager.find_user(plan["users"][0]["login"])):
            if plan["keep"]:
                export.write(folder / "before.json")
            _say("Подключения, наборы данных, диаграммы, дашборды")
            _import(folder / "bundle.new")
            _remove(plan["gone"])
            _say("Роли, строки муниципалитетов, пользователи")
            _make_roles(security_manager, plan)
            _make_rows(plan)
            _open_dashboards(security_manager, plan)
        _make_users(security_manager, plan["users"])
        _note_down(plan["stamp"])


def _say(step: str) -> None:
    print(step, flush=True)


def _prepare(app: Any) -> None:
    """What a new or another version of Superset needs: tables and permissions."""
    from flask_migrate import upgrade
    from superset.extensions import appbuilder, migrate, security_manager

    _say("Таблицы метаданных Superset")
    with redirect_stdout(sys.stderr):  # what the migrations print belongs into the log
        upgrade(directory=migrate.directory)
    _say("Права Superset")
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()


def _import(bundle: Path) -> None:
    from superset.commands.exceptions import CommandInvalidError
    from superset.commands.importers.v1.assets import ImportAssetsCommand

    contents = {
        str(path.relative_to(bundle)): path.read_text(encoding="utf-8") for path in sorted(bundle.rglob("*.yaml"))
    }
    try:
        ImportAssetsCommand(contents).run()
    except CommandInvalidError as error:
        raise SystemExit(f"{error}: {json.dumps(error.normalized_messages(), ensure_ascii=False)}") from error


def _remove(gone: dict[str, list[str]]) -> None:
    """Take away what an earlier bundle brought and this one does not; a dataset stays while others' charts need it."""
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    for model, uuids in ((Dashboard, gone["dashboards"]), (Slice, gone["charts"])):
        for asset in db.session.query(model).filter(model.uuid.in_(uuids)):
            db.session.delete(asset)
    db.session.flush()
    for dataset in db.session.query(SqlaTable).filter(SqlaTable.uuid.in_(gone["datasets"])):
        if not db.session.query(Slice).filter_by(datasource_id=dataset.id, datasource_type="table").count():
            db.session.delete(dataset)
    db.session.commit()


def _make_users(manager: Any, users: list[dict[str, Any]]) -> None:
    """Users that do not exist yet. Those that do keep their password and what was changed about them by hand."""
    for user in users:
        if manager.find_user(user["login"]) is not None:
            continue
        roles = [manager.find_role(role) for role in user["roles"]]
        made = manager.add_user(
            user["login"], user["name"], "Ravenstvo", f"{user['login']}@localhost", roles, password=user["password"]
        )
        if not made:
            raise SystemExit(f"пользователь {user['login']} не создан")


def _make_roles(manager: Any, plan: dict[str, Any]) -> None:
    from superset import db
    from superset.connectors.sqla.models import SqlaTable

    datasets = {str(table.uuid): table for table in db.session.query(SqlaTable)}
    for name, wanted in plan["roles"].items():
        permissions = {pvm for like in wanted["like"] for pvm in _permissions(manager, like)}
        permissions |= {_pvm(manager, "datasource_access", datasets[uuid].perm) for uuid in wanted["datasets"]}
        for schema in plan["schemas"].get(name, ()):
            permissions |= {
                _pvm(manager, "schema_access", table.schema_perm)
                for table in datasets.values()
                if table.database.database_name == schema and table.is_managed_externally
            }
        _set(manager.add_role(name), permissions)
    for prefix, name in plan["municipalities"].items():
        old = next((role for role in manager.get_all_roles() if role.name.startswith(prefix)), None)
        if old is None:
            manager.add_role(name)
        elif old.name != name:
            old.name = name
    public = {_pvm(manager, "can_language_pack", "Superset")}
    if plan["anonymous"]:
        public |= set(manager.find_role(plan["anonymous"]).permissions)
    _set(manager.find_role("Public"), public)
    db.session.commit()


def _permissions(manager: Any, like: str) -> set[Any]:
    if like != "viewer":
        return set(manager.find_role(like).permissions)
    found = {manager.find_permission_view_menu(*names) for names in VIEWER}
    return {pvm for pvm in found if pvm is not None}


def _pvm(manager: Any, permission: str, view: str) -> Any:
    return manager.add_permission_view_menu(permission, view)


def _set(role: Any, permissions: set[Any]) -> None:
    if set(role.permissions) != permissions:
        role.permissions = sorted(permissions, key=lambda pvm: pvm.id)


def _make_rows(plan: dict[str, Any]) -> None:
    """Rules of ours are those of the municipalities' group; rules made by hand in other groups stay."""
    from superset import db, security_manager
    from superset.connectors.sqla.models import RowLevelSecurityFilter, SqlaTable

    datasets = {str(table.uuid): table for table in db.session.query(SqlaTable)}
    known = {
        rule.name: rule for rule in db.session.query(RowLevelSecurityFilter).filter_by(group_key=plan["rows_group"])
    }
    for wanted in plan["rows"]:
        rule = known.pop(wanted["name"], None)
        if rule is None:
            rule = RowLevelSecurityFilter(name=wanted["name"], filter_type="Regular", group_key=plan["rows_group"])
            rule.clause = wanted["clause"]
            db.session.add(rule)
        tables = [datasets[uuid] for uuid in wanted["datasets"]]
        roles = [security_manager.find_role(wanted["role"])]
        if rule.clause != wanted["clause"]:
            rule.clause = wanted["clause"]
        if {table.id for table in rule.tables} != {table.id for table in tables}:
            rule.tables = tables
        if rule.roles != roles:
            rule.roles = roles
    for gone in known.values():
        db.session.delete(gone)
    db.session.commit()


def _open_dashboards(manager: Any, plan: dict[str, Any]) -> None:
    from superset import db
    from superset.models.dashboard import Dashboard

    for uuid, names in plan["dashboards"].items():
        dashboard = db.session.query(Dashboard).filter_by(uuid=uuid).one()
        roles = [manager.find_role(name) for name in names]
        if plan["anonymous"] in names:
            roles.append(manager.find_role("Public"))
        if {role.id for role in dashboard.roles} != {role.id for role in roles}:
            dashboard.roles = roles
    db.session.commit()


def _note_down(stamp: dict[str, str]) -> None:
    """What was imported is written where it was imported to."""
    from sqlalchemy import text
    from superset import db

    table = stamp["table"]
    db.session.execute(text(f"create table if not exists {table} (fingerprint text not null, version text not null)"))
    db.session.execute(text(f"delete from {table}"))
    db.session.execute(text(f"insert into {table} values (:fingerprint, :version)"), stamp)
    db.session.commit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
