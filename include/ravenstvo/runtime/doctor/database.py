"""The databases: do they answer, what are they like, what time is it there, who may do what."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg2
from psycopg2 import errors

from ravenstvo.runtime.doctor.asking import asking, asking_warehouse, first_line, value
from ravenstvo.runtime.doctor.finding import Finding, ok, some, trouble, warning
from ravenstvo.runtime.doctor.machine import SET_CLOCK
from ravenstvo.settings import Settings
from ravenstvo.warehouse import journal, migrate, roles, server
from ravenstvo.warehouse.connection import has_table, known_passwords, pipeline_login, warehouse_url

# What the product is tested with.
_SERVER = 18
# Two machines' clocks; a moment noted in the warehouse and the clock there.
_CLOCK_WARNING, _CLOCK_TROUBLE, _FUTURE = 5, 60, 2
_REPAIR = "ravenstvo migrate --repair"
_CAUSES = (
    (r"password authentication failed", "проверьте пользователя и пароль в RAVENSTVO_WAREHOUSE_URL"),
    (r"database .* does not exist", "попросите администратора завести базу"),
    (r"could not translate host name", "проверьте имя узла в адресе базы и сеть"),
    (r"no pg_hba\.conf entry", "попросите администратора пустить этот узел в pg_hba.conf"),
    (r"too many (clients|connections)", "закройте лишние подключения или увеличьте max_connections"),
    (r"[Cc]onnection refused|timeout expired|No such file", "запустите сервер базы, проверьте узел, порт и сеть"),
)


class DownError(RuntimeError):
    """The warehouse does not answer; the finding says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.seen)
        self.finding = finding


def warehouse(settings: Settings) -> Iterator[Finding]:
    """Whether the warehouse answers. Raises DownError when it does not."""
    title = "хранилище"
    if settings.warehouse_url is None:
        _check_embedded(settings, title)
    try:
        with asking_warehouse(settings) as cursor:
            version, size = (
                cursor.connection.server_version,
                value(cursor, "select pg_database_size(current_database())"),
            )
            name, place = value(cursor, "select current_database()"), cursor.connection.info.host
    except psycopg2.OperationalError as error:
        raise DownError(trouble(title, f"база не отвечает: {first_line(error)}", _cause(str(error)))) from error
    seen = f"PostgreSQL {version // 10_000}.{version % 10_000}, база {name} ({place}), {size // 2**20} МБ"
    if version // 10_000 < _SERVER:
        yield warning(title, f"{seen}; программа проверена на PostgreSQL {_SERVER}", f"обновите сервер до {_SERVER}")
    else:
        yield ok(title, seen)
    if settings.warehouse_url is None and (free := shutil.disk_usage(settings.home).free) < size:
        yield warning(
            title,
            f"свободно {free // 2**20} МБ — меньше, чем занимает база: прежнее состояние (--as-of) не поместится",
            "освободите место",
        )


def _check_embedded(settings: Settings, title: str) -> None:
    if not (settings.server_dir / "data").exists():
        raise DownError(warning(title, "встроенная база ещё не заведена", "её заведёт первый запуск: make run"))
    if not server.is_running(settings):
        seen = f"встроенный PostgreSQL не запущен; последняя запись об ошибке: {server.last_complaint(settings)}"
        advice = f"ravenstvo migrate запустит его; не запустится — журналы в {settings.server_dir / 'log'}"
        raise DownError(trouble(title, seen, advice))


def airflow(settings: Settings) -> Iterator[Finding]:
    """Airflow's metadata."""
    title = "база Airflow"
    if settings.airflow_url is None and not server.is_running(settings):
        yield warning(title, "встроенный PostgreSQL не запущен", "ravenstvo migrate")
        return
    try:
        with asking(server.database_url(settings, server.AIRFLOW_DB)) as cursor:
            revision = value(cursor, "select version_num from alembic_version")
    except errors.UndefinedTable:
        yield warning(title, "ещё не подготовлена", "ravenstvo migrate")
    except psycopg2.OperationalError as error:
        yield trouble(title, f"не отвечает: {first_line(error)}", _cause(str(error)))
    else:
        yield ok(title, f"устройство {revision}")


def shape(settings: Settings) -> Iterator[Finding]:
    """Migrations: none pending, none unknown."""
    title = "устройство хранилища"
    found = migrate.shape(settings)
    if found.unknown:
        yield trouble(
            title,
            f"{', '.join(found.unknown)} — новее, чем знает эта программа (по {found.newest_known})",
            "запустите ту версию программы, которой пользовались последней, или верните копию этой версии",
        )
    elif not found.revisions:
        yield warning(title, "хранилище пусто", "ravenstvo migrate")
    elif found.revisions != [found.newest_known]:
        seen = f"{', '.join(found.revisions)}, программе нужно {found.newest_known}: изменения ещё не внесены"
        yield warning(title, seen, "сделайте копию (ravenstvo backup), затем ravenstvo migrate; это сделает и запуск")
    elif not found.is_current:
        yield warning(title, f"{found.newest_known}; таблицы загрузки или права — прежней версии", "ravenstvo migrate")
    else:
        yield ok(title, f"{found.newest_known}, всё внесено")


def clock(settings: Settings) -> Iterator[Finding]:
    """The clock of the database beside this machine's, and beside the last moment that it has noted."""
    title = "часы базы"
    before = datetime.now(UTC)
    with asking_warehouse(settings) as cursor:
        there = value(cursor, "select clock_timestamp()")
        after = datetime.now(UTC)
        moment = value(cursor, "select ops.moment()") if _has_moment(cursor) else there
        now = value(cursor, "select clock_timestamp()")
    off = (there - (before + (after - before) / 2)).total_seconds()
    ahead = (moment - now).total_seconds()
    is_fine = True
    if abs(off) > _CLOCK_WARNING:
        is_fine = False
        seen = f"отличаются от часов этой машины на {abs(off):.0f} с ({'спешат' if off > 0 else 'отстают'})"
        yield (trouble if abs(off) > _CLOCK_TROUBLE else warning)(title, seen, f"{SET_CLOCK} — на обеих машинах")
    if ahead > _FUTURE:
        is_fine = False
        seen = (
            f"последняя запись хранилища — от {moment:%d.%m.%Y %H:%M} UTC, на {_span(ahead)} позже, чем сейчас на "
            "часах: они отстают или были переведены вперёд"
        )
        yield trouble(title, seen, f"{SET_CLOCK}. Порядок версий и расчётов не нарушен, но их время записано неверно")
    if is_fine:
        yield ok(title, f"{now:%d.%m.%Y %H:%M:%S} UTC, записей из будущего нет")


def rights(settings: Settings) -> Iterator[Finding]:
    """The roles, what they may do, and nothing that they may not."""
    title = "роли и права"
    with asking_warehouse(settings) as cursor:
        missing = [role for role in (*roles.PIPELINE, *roles.READERS) if not roles.exists(cursor, role)]
        if missing:
            yield trouble(title, f"нет ролей: {', '.join(missing)}", _REPAIR)
        if not has_table(cursor, "ops.vault_access"):
            return
        lacking = [] if missing else roles.lacking(cursor)
        if lacking:
            yield trouble(title, f"не хватает прав, изменилось бы: {some(lacking)}", _REPAIR)
        excess = roles.excess(cursor)
        if excess:
            yield trouble(title, f"лишние права: {some(excess)}", "отзовите: revoke … on … from …")
        if not (missing or lacking or excess):
            yield ok(title, f"{len(roles.PIPELINE) + len(roles.READERS)} ролей, права как должны быть")


def logins(settings: Settings) -> Iterator[Finding]:
    """The pipeline's own users let it in."""
    title = "пользователи расчёта"
    owner, passwords = warehouse_url(settings), known_passwords(settings)
    is_fine = True
    for role in roles.PIPELINE:
        login = pipeline_login(owner, role)
        url = warehouse_url(settings, role)
        if getattr(settings, f"{role}_url") is None and login not in passwords:
            is_fine = False
            yield warning(title, f"{login} не заведён: шаги идут от имени владельца", "ravenstvo migrate")
            continue
        try:
            with asking(url) as cursor:
                member = value(cursor, "select pg_has_role(current_user, %s, 'member')", role)
        except psycopg2.Error as error:
            is_fine = False
            yield trouble(title, f"{url.username} не входит: {first_line(error)}", _REPAIR)
            continue
        if not member:
            is_fine = False
            yield trouble(title, f"{url.username} не состоит в роли {role}", f"grant {role} to {url.username}")
    if is_fine:
        yield ok(title, "входят")


def journal_chain(settings: Settings) -> Iterator[Finding]:
    """Nobody has changed the journal of the vault."""
    title = "журнал доступа"
    with asking_warehouse(settings) as cursor:
        if not has_table(cursor, "ops.vault_access"):
            return
        broken = [entry.access_id for entry in journal.entries(cursor) if entry.is_broken]
    if broken:
        yield trouble(title, f"записи изменены или удалены: {some(list(map(str, broken)))}", "ravenstvo audit; сверьте")
    else:
        yield ok(title, "цепочка записей цела")


def _has_moment(cursor: psycopg2.extensions.cursor) -> bool:
    return bool(value(cursor, "select to_regprocedure('ops.moment()') is not null"))


def _cause(said: str) -> str:
    advice = [advice for pattern, advice in _CAUSES if re.search(pattern, said)]
    return advice[0] if advice else "проверьте, что сервер работает, и адрес базы"


def _span(seconds: float) -> str:
    if seconds < 7200:
        return f"{seconds / 60:.0f} мин"
    return f"{seconds / 3600:.0f} ч" if seconds < 172_800 else f"{seconds / 86_400:.0f} дн."
