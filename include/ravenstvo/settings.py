"""Every setting of the project: typed, read from the environment with the prefix ``RAVENSTVO_``."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ravenstvo.errors import ToldError
from ravenstvo.passwords import weakness

PROJECT_ROOT = Path(__file__).resolve().parents[2]

# Where containers find their secrets as files; the file ravenstvo_warehouse_url holds that setting.
_SECRETS = Path("/run/secrets")
# Settings that hold a password. Each may be given as the name of a file: RAVENSTVO_WAREHOUSE_URL_FILE=/path.
DATABASES = ("warehouse_url", "loader_url", "transformer_url", "airflow_url", "bi_url", "shared_url")
SECRET = (*DATABASES, "broker_url", "lineage_token")
# Settings that name a place on the disk.
PLACES = (
    *("home", "cache_dir", "key_file", "archive_key_file", "backups"),
    *("bi_environment", "spark_environment", "metrics_file"),
)

# Storages that an inbox may be in.
REMOTE = ("s3", "sftp")
# Campaign years that can be meant; another one is a slip of the pen.
YEARS = range(1990, 2101)

_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")


class SettingsError(ToldError):
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


def _user_cache() -> Path | None:
    """The place for such things among the user's own; None for a user without a home."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(base) / "ravenstvo" if base else Path.home() / ".cache" / "ravenstvo"
    except RuntimeError:
        return None


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
    cache_dir: Path | None = Field(
        default_factory=_user_cache,
        description="Folder of what every home of this machine can share: the parsed dbt project, an empty Airflow",
    )
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
    inbox: str | None = Field(
        default=None,
        description="Folder of files to load, or s3://connection@bucket/prefix, sftp://connection@/path; "
        "without it the shipped sample region",
    )
    inbox_settle_seconds: int = Field(
        default=30, ge=1, description="A file that has not changed for so long between two looks is complete, seconds"
    )
    inbox_patience_minutes: int = Field(
        default=60, ge=0, description="How long an archive that does not close is waited for before it is refused"
    )
    region: str = Field(
        default="00",
        description="Code of the region whose files are loaded, two digits; 00, which no region has, is the sample's",
    )
    shared_url: str | None = Field(
        default=None,
        repr=False,
        description="Shared warehouse of several regions; without it a database on the embedded server",
    )
    engine: Literal["postgresql", "spark"] = Field(
        default="postgresql", description="Where rows of pupils are calculated; all the rest is PostgreSQL's"
    )
    spark_environment: Path = Field(
        default=PROJECT_ROOT / ".venv-spark", description="Python environment that Spark runs in"
    )
    spark_cores: int = Field(default=min(2, os.cpu_count() or 1), ge=1, description="Cores of the local Spark session")
    spark_memory_mb: int = Field(default=2048, ge=512, description="Memory of Spark's Java machine, MB")
    year: int | None = Field(
        default=None, ge=YEARS[0], le=YEARS[-1], description="Campaign year; without it the latest in the inbox"
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
    notify_email: str | None = Field(
        default=None, description="Who is told of failures and of what was not delivered: addresses, by commas"
    )
    notify_smtp: str = Field(default="smtp_default", description="Airflow's connection that e-mail is sent through")
    notify_chat: str | None = Field(
        default=None, description="Airflow's connection of Apprise: Telegram, a webhook; without it no chat is told"
    )
    notify_window_hours: int = Field(
        default=24, ge=0, description="Hours in which the same cause is told once and then counted"
    )
    notify_days_before: int = Field(default=7, ge=0, description="Days before a due date at which it is told of")
    time_zone: str = Field(default="Europe/Moscow", description="By whose clocks a day begins: due dates")
    api_host: str = Field(default="127.0.0.1", description="Address that Airflow's web interface listens on")
    api_port: int = Field(default=8080, ge=1, le=65535, description="Port of Airflow's web interface")
    api_url: str | None = Field(
        default=None, description="Address under which the other services reach the web interface"
    )
    public_url: str | None = Field(
        default=None, description="Address at which people open the web interface; without it that of the services"
    )
    executor: Literal["LocalExecutor", "CeleryExecutor"] = Field(
        default="LocalExecutor", description="Who runs Airflow's tasks: the scheduler itself, or workers"
    )
    broker_url: str | None = Field(
        default=None, repr=False, description="Redis that tasks reach the workers through (CeleryExecutor only)"
    )
    task_slots: int = Field(default=4, ge=1, description="Tasks that run at once: in all, and in one worker")
    task_silence: int = Field(
        default=60, ge=10, description="Seconds without a sign of life after which a task or a scheduler counts as dead"
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

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least important lines that are logged"
    )
    log_json: bool = Field(default=False, description="Whether the services of Airflow log in JSON as well")
    metrics_file: Path = Field(
        default_factory=lambda given: given["home"] / "metrics.prom",
        description="File of the metrics in Prometheus' text format",
    )
    otel_endpoint: str | None = Field(
        default=None, description="OpenTelemetry collector (OTLP over HTTP) that metrics are sent to"
    )
    lineage: str | None = Field(
        default=None, description="Where OpenLineage events go: «file», or the address of a server; without it nowhere"
    )
    lineage_token: str | None = Field(default=None, repr=False, description="Key of the OpenLineage server")

    @field_validator("time_zone", mode="after")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        """Refuse a time zone that there is not."""
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("нужен часовой пояс вида Asia/Tomsk") from error
        return name

    @field_validator("notify_email", mode="after")
    @classmethod
    def _addresses(cls, text: str | None) -> str | None:
        """Refuse what cannot be an address, before a letter has to be sent to it."""
        for one in split_addresses(text):
            if not _ADDRESS.fullmatch(one):
                raise ValueError(f"«{one}» — не адрес электронной почты")
        return text

    @field_validator("region", mode="after")
    @classmethod
    def _two_digits(cls, code: str) -> str:
        if not re.fullmatch("[0-9]{2}", code):
            raise ValueError("нужен код субъекта Федерации из двух цифр, например 01")
        return code

    @field_validator(*PLACES, mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        """Paths are relative to where the command was called, also in tasks that run elsewhere."""
        return None if path is None else Path(os.path.abspath(path.expanduser()))

    @field_validator("inbox", mode="after")
    @classmethod
    def _address(cls, inbox: str | None) -> str | None:
        return None if inbox is None else inbox_address(inbox)

    @field_validator(*DATABASES, mode="after")
    @classmethod
    def _postgresql(cls, url: str | None) -> str | None:
        """Accept ``postgres://`` and ``postgresql://``; refuse other databases."""
        if url is None:
            return None
        parsed = _parsed(url)
        if parsed is None or parsed.get_backend_name() not in ("postgres", "postgresql"):
            raise ValueError("нужен адрес PostgreSQL вида postgresql://пользователь:пароль@узел:5432/база")
        is_remote = bool(parsed.host) and not str(parsed.host).startswith("/")
        if (
            is_remote
            and not _is_certified(parsed)
            and (why := weakness(parsed.password or "", parsed.username, parsed.database))
        ):
            raise ValueError(f"пароль {why}. Задайте случайный: openssl rand -hex 24")
        return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)

    @field_validator("otel_endpoint", "lineage", mode="after")
    @classmethod
    def _collector(cls, address: str | None, info: ValidationInfo) -> str | None:
        """Accept the address of a web server without a password: processes find it in their environment."""
        if address is None or (address == "file" and info.field_name == "lineage"):
            return address
        parsed = urlsplit(address)
        if parsed.scheme not in ("http", "https") or not parsed.hostname or parsed.password or parsed.username:
            raise ValueError("нужен адрес вида http://узел:4318, без имени и пароля")
        return address.rstrip("/")

    @field_validator("broker_url", mode="after")
    @classmethod
    def _redis(cls, url: str | None) -> str | None:
        """Accept ``redis://`` and ``rediss://``, with a password only."""
        if url is None:
            return None
        parsed = _parsed(url)
        if parsed is None or parsed.drivername not in ("redis", "rediss"):
            raise ValueError("нужен адрес Redis вида redis://пользователь:пароль@узел:6379/0")
        if why := weakness(parsed.password or "", parsed.username):
            raise ValueError(f"пароль {why}. Задайте случайный: openssl rand -hex 24")
        return url

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
    def notify_addresses(self) -> list[str]:
        """Who is told, address by address."""
        return split_addresses(self.notify_email)

    @property
    def outbox_dir(self) -> Path:
        """Messages that wait to be sent, and what was told when."""
        return self.home / "outbox"

    @property
    def addresses_file(self) -> Path:
        """Addresses of the senders of files, a row each: the sender as in the letters to them, the e-mail."""
        return self.home / "addresses.csv"

    @property
    def layouts_dir(self) -> Path:
        """The centre's own documents of forms, beside those of the project and before them."""
        return self.home / "layouts"

    @property
    def spool_dir(self) -> Path:
        """Rows on their way from a file to landing; emptied after loading."""
        return self.home / "spool"

    @property
    def inboxes_dir(self) -> Path:
        """What the looks into the inboxes have seen, and files fetched from storages on their way to landing."""
        return self.home / "inboxes"

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
    def lineage_file(self) -> Path:
        """OpenLineage events: all of them, or those that the server did not take."""
        return self.home / "lineage" / "events.jsonl"

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
        for room in (*rooms, self.layouts_dir, self.airflow_home, self.inboxes_dir):
            room.mkdir(exist_ok=True, mode=0o700)


def inbox_address(inbox: str) -> str:
    """An inbox as it is kept: the absolute path of a folder, or the address of a storage as it is.

    Raises ValueError (Russian) for an address that names no connection, or holds a password: it stands in journals.
    """
    if "://" not in inbox:
        return os.path.abspath(os.path.expanduser(inbox))
    scheme, _, rest = inbox.partition("://")
    if scheme not in REMOTE:
        raise ValueError(f"хранилище {scheme}:// не поддерживается. Есть: {', '.join(f'{one}://' for one in REMOTE)}")
    connection, has_connection, _ = rest.partition("@")
    if ":" in connection.partition("/")[0] and has_connection:
        raise ValueError("в адресе входящей папки не должно быть пароля: имя и пароль — в подключении Airflow")
    if not has_connection or not re.fullmatch(r"[\w.-]+", connection):
        raise ValueError(
            "в адресе нужно имя подключения Airflow: s3://подключение@корзина/папка, sftp://подключение@/папка"
        )
    return inbox


def is_remote(inbox: str) -> bool:
    """Whether an inbox is a storage, not a folder of this machine."""
    return "://" in inbox


def _parsed(url: str) -> URL | None:
    """A database's address; None for what is none. Errors of the parser repeat parts of it, such as a password."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        return None


def _is_certified(url: URL) -> bool:
    """Whether the server knows the user by something else than the password in the address."""
    return any(name in url.query for name in ("passfile", "sslcert", "service")) or "PGPASSFILE" in os.environ


def split_addresses(text: str | None) -> list[str]:
    """Addresses of a text that holds several, by commas, semicolons or spaces."""
    return [one for one in re.split(r"[\s,;]+", text or "") if one]


def get_settings() -> Settings:
    """Settings from the environment as it is now."""
    return Settings()
