"""Every setting of the project: typed, read from the environment with the prefix ``RAVENSTVO_``."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy.engine import URL, make_url

from ravenstvo.passwords import weakness

PROJECT_ROOT = Path(__file__).resolve().parents[2]

# Where containers find their secrets as files; the file ravenstvo_warehouse_url holds that setting.
_SECRETS = Path("/run/secrets")
# Settings that hold a password. Each may be given as the name of a file: RAVENSTVO_WAREHOUSE_URL_FILE=/path.
SECRET = ("warehouse_url", "loader_url", "transformer_url", "airflow_url", "bi_url")


class SettingsError(RuntimeError):
    """A setting cannot be read; the message (Russian) says which."""


def _from_named_files() -> dict[str, str]:
    found = {}
    for name in SECRET:
        variable = f"RAVENSTVO_{name.upper()}_FILE"
        if path := os.environ.get(variable):
            try:
                found[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"Настройка {variable}: файл {path} не читается") from error
    return found


class Settings(BaseSettings):
    """Settings of one run. Paths are absolute; an empty variable counts as not set."""

    model_config = SettingsConfigDict(
        env_prefix="RAVENSTVO_",
        env_ignore_empty=True,
        frozen=True,
        secrets_dir=_SECRETS if _SECRETS.is_dir() else None,
        # An address that is refused may hold a password.
        hide_input_in_errors=True,
    )

    home: Path = Field(default=PROJECT_ROOT / ".ravenstvo", description="Folder that holds all state")
    warehouse_url: str | None = Field(
        default=None, repr=False, description="PostgreSQL of one's own; without it the embedded server"
    )
    loader_url: str | None = Field(
        default=None,
        repr=False,
        description="Login of the role loader, where an administrator has made it",
    )
    transformer_url: str | None = Field(
        default=None, repr=False, description="Login of the role transformer, where an administrator has made it"
    )
    airflow_url: str | None = Field(
        default=None, repr=False, description="Airflow's metadata database; without it the embedded server"
    )
    key_file: Path = Field(
        default_factory=lambda given: given["home"] / "pseudonym.key", description="File of the pseudonyms' keys"
    )
    archive_days: int = Field(
        default=30, ge=0, description="Days that originals of landed files stay in the encrypted archive; 0: no archive"
    )
    archive_key_file: Path = Field(
        default_factory=lambda given: given["home"] / "archive.key", description="Secret key of the archive"
    )
    inbox: Path | None = Field(
        default=None, description="Folder of files to load; without it the shipped sample region"
    )
    year: int | None = Field(
        default=None, ge=1990, le=2100, description="Campaign year; without it the latest in the inbox"
    )
    readers: int = Field(default=min(2, os.cpu_count() or 1), ge=1, description="Processes that read files at once")
    read_memory_mb: int = Field(default=900, ge=100, description="Memory limit of one reading process, MB")
    read_seconds: int = Field(default=300, ge=5, description="Time limit of reading one file, seconds")
    histories_kept: int = Field(
        default=5, ge=1, description="Calculations of a year whose verdicts are kept, besides the published ones"
    )
    calculations_kept: int = Field(
        default=20,
        ge=1,
        description="Calculations of a year that are kept on the books, besides the published ones and their bases",
    )
    logs_days: int = Field(default=90, ge=1, description="Days that logs are kept")
    reports_days: int = Field(
        default=365, ge=1, description="Days that earlier states and proposals are kept among the reports"
    )
    airflow_days: int = Field(default=365, ge=1, description="Days that Airflow's history of runs is kept")
    backups: Path = Field(
        default_factory=lambda given: given["home"] / "backups", description="Folder of the backups; best another disk"
    )
    backups_kept: int = Field(default=8, ge=1, description="Backups of this warehouse that are kept in their folder")
    backup_days: int = Field(default=14, ge=1, description="Days after which the last backup counts as too old")
    reports_contact: str | None = Field(
        default=None, description="Whom senders ask about remarks: stands in the letters to them"
    )
    corrections_until: date | None = Field(
        default=None, description="Until when corrections are waited for: stands in the letters to senders"
    )
    api_host: str = Field(default="127.0.0.1", description="Address that Airflow's web interface listens on")
    api_port: int = Field(default=8080, ge=1, le=65535, description="Port of Airflow's web interface")
    api_url: str | None = Field(
        default=None, description="Address under which the other services reach the web interface"
    )

    dashboards_url: str | None = Field(
        default=None, description="Address at which people open the dashboards; without it Superset's own"
    )
    bi_url: str | None = Field(
        default=None, repr=False, description="Superset's metadata database; without it the embedded server"
    )
    bi_host: str = Field(default="127.0.0.1", description="Address that Superset listens on")
    bi_port: int = Field(default=8088, ge=1, le=65535, description="Port of Superset")
    bi_workers: int = Field(default=min(2, os.cpu_count() or 1), ge=1, description="Superset's processes, 350 MB each")
    bi_environment: Path = Field(
        default=PROJECT_ROOT / ".venv-bi", description="Python environment that Superset runs in"
    )
    bi_anonymous: bool = Field(
        default=False, description="Whether what a guest may see is open without a login as well"
    )

    @field_validator("home", "key_file", "archive_key_file", "backups", "inbox", "bi_environment", mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        """Paths are relative to where the command was called, also in tasks that run elsewhere."""
        return None if path is None else Path(os.path.abspath(path.expanduser()))

    @field_validator("warehouse_url", "loader_url", "transformer_url", "airflow_url", "bi_url", mode="after")
    @classmethod
    def _postgresql(cls, url: str | None) -> str | None:
        """Accept ``postgres://`` and ``postgresql://``; refuse other databases."""
        if url is None:
            return None
        parsed = make_url(url)
        if parsed.get_backend_name() not in ("postgres", "postgresql"):
            raise ValueError("нужен адрес PostgreSQL вида postgresql://пользователь:пароль@узел:5432/база")
        is_remote = bool(parsed.host) and not str(parsed.host).startswith("/")
        if (
            is_remote
            and not _is_certified(parsed)
            and (why := weakness(parsed.password or "", parsed.username, parsed.database))
        ):
            raise ValueError(f"пароль {why}. Задайте случайный: openssl rand -hex 24")
        return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[Any, ...]:
        """Given in the call, in the environment, in a named file, in the folder of secrets: the first that there is."""
        return init_settings, env_settings, _from_named_files, file_secret_settings

    @property
    def project_root(self) -> Path:
        """Folder with ``dags/``, ``dbt_project/`` and ``expectations/``."""
        return PROJECT_ROOT

    @property
    def sample_dir(self) -> Path:
        """The shipped sample region: made up, small."""
        return self.project_root / "sample"

    @property
    def dashboards_address(self) -> str:
        """Address at which people open the dashboards."""
        return self.dashboards_url or f"http://{self.bi_host}:{self.bi_port}"

    @property
    def layouts_dir(self) -> Path:
        """The centre's own documents of forms, beside those of the project and before them."""
        return self.home / "layouts"

    @property
    def spool_dir(self) -> Path:
        """Rows on their way from a file to landing; emptied after loading."""
        return self.home / "spool"

    @property
    def reports_dir(self) -> Path:
        """What people read, by year: the report, error workbooks."""
        return self.home / "reports"

    @property
    def school_review_file(self) -> Path:
        """The workbook of keys of schools that people have to decide on."""
        return self.reports_dir / "Ключи школ.xlsx"

    def report_file(self, year: int) -> Path:
        """The report of a year as one HTML page; the PDF lies beside it."""
        return self.reports_dir / str(year) / "report.html"

    @property
    def decisions_dir(self) -> Path:
        """Decision workbooks that people put here for an approval in Airflow."""
        return self.home / "decisions"

    @property
    def data_docs_dir(self) -> Path:
        """Great Expectations' HTML pages."""
        return self.home / "data_docs"

    @property
    def logs_dir(self) -> Path:
        """Logs of Airflow, dbt and the services."""
        return self.home / "logs"

    @property
    def archive_dir(self) -> Path:
        """Encrypted originals of landed files."""
        return self.home / "archive"

    @property
    def archive_public_key_file(self) -> Path:
        """What originals are sealed for; the secret half may lie elsewhere."""
        return self.home / "archive.pub"

    @property
    def last_inbox_file(self) -> Path:
        """What the last run found in its inbox: counts, year, folder."""
        return self.home / "last_inbox.json"

    @property
    def server_dir(self) -> Path:
        """Embedded PostgreSQL: data, log, password, socket."""
        return self.home / "postgres"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder."""
        return self.home / "airflow"

    @property
    def bi_dir(self) -> Path:
        """Superset's own folder: secrets, logins, what was imported, logs."""
        return self.home / "bi"

    @property
    def dbt_target_dir(self) -> Path:
        """Dbt's compiled project and results."""
        return self.home / "dbt" / "target"

    @property
    def dbt_docs_file(self) -> Path:
        """Dbt's documentation as one HTML page."""
        return self.home / "dbt" / "docs" / "index.html"

    @property
    def dbt_logs_dir(self) -> Path:
        """Dbt's logs."""
        return self.logs_dir / "dbt"

    def make_home(self) -> None:
        """Create the state folder and its private rooms (0700: they hold rows and secrets).

        Root's server runs under an account of its own that must pass through the home, so there the home
        itself is 0711: it can be crossed, not listed.
        """
        self.home.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        rooms = (self.spool_dir, self.reports_dir, self.decisions_dir, self.data_docs_dir, self.logs_dir)
        for room in (*rooms, self.layouts_dir, self.airflow_home):
            room.mkdir(exist_ok=True, mode=0o700)


def _is_certified(url: URL) -> bool:
    """Whether the server knows the user by something else than the password in the address."""
    return any(name in url.query for name in ("passfile", "sslcert", "service")) or "PGPASSFILE" in os.environ


def get_settings() -> Settings:
    """Settings from the environment as it is now."""
    return Settings()
