"""Every setting of the project: typed, read from the environment with the prefix ``RAVENSTVO_``."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

PROJECT_ROOT = Path(__file__).resolve().parents[2]

# Where containers find their secrets as files; the file ravenstvo_warehouse_url holds that setting.
_SECRETS = Path("/run/secrets")


class Settings(BaseSettings):
    """Settings of one run. Paths are absolute; an empty variable counts as not set."""

    model_config = SettingsConfigDict(
        env_prefix="RAVENSTVO_", env_ignore_empty=True, frozen=True, secrets_dir=_SECRETS if _SECRETS.is_dir() else None
    )

    home: Path = Field(default=PROJECT_ROOT / ".ravenstvo", description="Folder that holds all state")
    warehouse_url: str | None = Field(
        default=None, description="PostgreSQL of one's own; without it the embedded server"
    )
    airflow_url: str | None = Field(
        default=None, description="Airflow's metadata database; without it the embedded server"
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
    api_host: str = Field(default="127.0.0.1", description="Address that Airflow's web interface listens on")
    api_port: int = Field(default=8080, ge=1, le=65535, description="Port of Airflow's web interface")
    api_url: str | None = Field(
        default=None, description="Address under which the other services reach the web interface"
    )

    dashboards_url: str | None = Field(
        default=None, description="Address at which people open the dashboards; without it Superset's own"
    )
    bi_url: str | None = Field(default=None, description="Superset's metadata database; without it the embedded server")
    bi_host: str = Field(default="127.0.0.1", description="Address that Superset listens on")
    bi_port: int = Field(default=8088, ge=1, le=65535, description="Port of Superset")
    bi_workers: int = Field(default=min(2, os.cpu_count() or 1), ge=1, description="Superset's processes, 350 MB each")
    bi_environment: Path = Field(
        default=PROJECT_ROOT / ".venv-bi", description="Python environment that Superset runs in"
    )
    bi_anonymous: bool = Field(
        default=False, description="Whether what a guest may see is open without a login as well"
    )

    @field_validator("home", "inbox", "bi_environment", mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        """Paths are relative to where the command was called, also in tasks that run elsewhere."""
        return None if path is None else Path(os.path.abspath(path.expanduser()))

    @field_validator("warehouse_url", "airflow_url", "bi_url", mode="after")
    @classmethod
    def _postgresql(cls, url: str | None) -> str | None:
        """Accept ``postgres://`` and ``postgresql://``; refuse other databases."""
        if url is None:
            return None
        parsed = make_url(url)
        if parsed.get_backend_name() not in ("postgres", "postgresql"):
            raise ValueError("нужен адрес PostgreSQL вида postgresql://пользователь:пароль@узел:5432/база")
        return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)

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
    def key_file(self) -> Path:
        """Secret key of the pupils' pseudonyms."""
        return self.home / "pseudonym.key"

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
        for room in (*rooms, self.airflow_home):
            room.mkdir(exist_ok=True, mode=0o700)


def get_settings() -> Settings:
    """Settings from the environment as it is now."""
    return Settings()
