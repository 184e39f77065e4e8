"""The command line ``ravenstvo``. Every command is thin: the work is done by the module that it names."""

from __future__ import annotations

from typing import NoReturn

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
from ravenstvo.errors import ToldError, is_of_a_place, why
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

    try:
        app()
    except SettingsError as error:
        _leave(str(error))  # no settings, to explain it by
    except ToldError as error:
        _leave(_explained(str(error)))
    except psycopg2.Error as error:
        said = str(error).strip()
        known = _explained(said)
        _leave(known, "Ошибка" if known != said else "Ошибка базы данных")
    except OSError as error:
        from ravenstvo.warehouse.no_space import NoSpaceError, is_no_space

        if is_no_space(error):
            _leave(str(NoSpaceError(get_settings().home)))
        if not is_of_a_place(error):
            raise
        _leave(f"{error.filename}: {why(error)}")
    except ValidationError as error:
        for problem in error.errors():
            if problem["type"] == "default_factory_not_called":
                continue  # waits for a setting that is wrong itself
            name = "_".join(["RAVENSTVO", *map(str, problem["loc"])]).upper()
            said = problem["msg"].removeprefix("Value error, ")
            typer.echo(f"Ошибка: настройка {name}: {said}", err=True)
        raise SystemExit(1) from None


def _explained(message: str) -> str:
    from ravenstvo.runtime.causes import explained

    return explained(get_settings(), message)


def _leave(message: str, what: str = "Ошибка") -> NoReturn:
    typer.echo(f"{what}: {message}", err=True)
    raise SystemExit(1) from None
