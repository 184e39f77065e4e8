"""The command line ``ravenstvo``. Every command is thin: the work is done by the module that it names."""

from __future__ import annotations

import typer

from ravenstvo.commands import (
    archive,
    asking,
    backfill,
    bi,
    deciding,
    keeping,
    key,
    layout,
    notifying,
    observing,
    publishing,
    reader,
    region,
    running,
    schools,
    spark,
)
from ravenstvo.settings import SettingsError, get_settings

app = typer.Typer(
    help="Ежегодный расчёт региональной оценки качества образования.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for group in (running, backfill, asking, deciding, publishing, notifying, observing, keeping, spark):
    app.add_typer(group.commands)
app.add_typer(layout.commands, name="layout")
app.add_typer(reader.commands, name="reader")
app.add_typer(key.commands, name="key")
app.add_typer(archive.commands, name="archive")
app.add_typer(region.commands, name="region")
app.add_typer(schools.commands, name="schools")
app.add_typer(bi.commands, name="bi")


def main() -> None:
    """Run a command; errors that a person can mend are told without a traceback."""
    import psycopg2
    from pydantic import ValidationError

    from ravenstvo.asking.explain import UnknownSchoolError
    from ravenstvo.asking.indicator import UnknownIndicatorError
    from ravenstvo.calculation.decision_workbook import DecisionWorkbookError
    from ravenstvo.calculation.lifecycle import CalculationError
    from ravenstvo.calculation.proposal import ApprovalError
    from ravenstvo.publishing.bi.charts import DocumentError
    from ravenstvo.publishing.export_data import ExportError
    from ravenstvo.publishing.municipality_shapes import ShapeError
    from ravenstvo.publishing.report.reader import ReportError
    from ravenstvo.publishing.template_lists import TemplateError
    from ravenstvo.runtime.airflow_home import AirflowError
    from ravenstvo.runtime.backfill import BackfillError
    from ravenstvo.runtime.backup.manifest import BackupError
    from ravenstvo.runtime.bi import BiError
    from ravenstvo.runtime.causes import explained
    from ravenstvo.runtime.housekeeping import HousekeepingError
    from ravenstvo.runtime.notifying.letters import AddressesError
    from ravenstvo.runtime.notifying.sending import NotifyError
    from ravenstvo.runtime.readers import ReaderError
    from ravenstvo.runtime.recalculation import BusyError
    from ravenstvo.runtime.services import ServiceError
    from ravenstvo.runtime.shared.tables import SharedError
    from ravenstvo.runtime.withdrawal import WithdrawalError
    from ravenstvo.warehouse.account import AccountError
    from ravenstvo.warehouse.as_of import AsOfError
    from ravenstvo.warehouse.journal import JournalError
    from ravenstvo.warehouse.keys import PseudonymKeyError
    from ravenstvo.warehouse.logins import LoginError
    from ravenstvo.warehouse.no_space import NoSpaceError, is_no_space
    from ravenstvo.warehouse.one_way import DowngradeError
    from ravenstvo.warehouse.programs import ProgramError
    from ravenstvo.warehouse.regions import RegionError
    from ravenstvo.warehouse.server import ServerError
    from ravenstvo.warehouse.socket_folder import SocketError
    from ravenstvo.warehouse.vault import VaultError

    try:
        app()
    except (
        AccountError,
        AddressesError,
        AirflowError,
        ApprovalError,
        AsOfError,
        BackfillError,
        BackupError,
        BiError,
        BusyError,
        CalculationError,
        DecisionWorkbookError,
        DowngradeError,
        ExportError,
        DocumentError,
        FileExistsError,
        HousekeepingError,
        JournalError,
        LoginError,
        NotifyError,
        ProgramError,
        PseudonymKeyError,
        ReaderError,
        RegionError,
        ReportError,
        ServerError,
        ServiceError,
        SettingsError,
        ShapeError,
        SharedError,
        SocketError,
        TemplateError,
        UnknownIndicatorError,
        UnknownSchoolError,
        VaultError,
        WithdrawalError,
    ) as error:
        typer.echo(f"Ошибка: {explained(get_settings(), str(error))}", err=True)
        raise SystemExit(1) from None
    except psycopg2.Error as error:
        said = str(error).strip()
        known = explained(get_settings(), said)
        typer.echo(f"Ошибка: {known}" if known != said else f"Ошибка базы данных: {said}", err=True)
        raise SystemExit(1) from None
    except OSError as error:
        if not is_no_space(error):
            raise
        typer.echo(f"Ошибка: {NoSpaceError(get_settings().home)}", err=True)
        raise SystemExit(1) from None
    except ValidationError as error:
        for problem in error.errors():
            if problem["type"] == "default_factory_not_called":
                continue  # waits for a setting that is wrong itself
            name = "_".join(["RAVENSTVO", *map(str, problem["loc"])]).upper()
            said = problem["msg"].removeprefix("Value error, ")
            typer.echo(f"Ошибка: настройка {name}: {said}", err=True)
        raise SystemExit(1) from None
