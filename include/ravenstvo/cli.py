"""The command line ``ravenstvo``. Every command is thin: the work is done by the module that it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ravenstvo.settings import Settings, SettingsError, get_settings

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

app = typer.Typer(
    help="Ежегодный расчёт региональной оценки качества образования.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Inbox = Annotated[Path | None, typer.Option(help="Папка с файлами; без неё — учебный регион")]
AsOf = Annotated[
    str | None,
    typer.Option(help="На какой момент: номер расчёта, день 2024-06-01 или время «2024-06-01 12:30»"),
]
Year = Annotated[int | None, typer.Option(help="Год кампании; без него — последний в папке")]
ListYear = Annotated[int, typer.Option("--year", help="Год кампании")]
Method = Annotated[str | None, typer.Option(help="Код метода; без него — из справочника approval_method")]


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
    from ravenstvo.runtime.bi import BiError
    from ravenstvo.runtime.causes import explained
    from ravenstvo.runtime.readers import ReaderError
    from ravenstvo.runtime.recalculation import BusyError
    from ravenstvo.runtime.services import ServiceError
    from ravenstvo.runtime.withdrawal import WithdrawalError
    from ravenstvo.warehouse.account import AccountError
    from ravenstvo.warehouse.as_of import AsOfError
    from ravenstvo.warehouse.journal import JournalError
    from ravenstvo.warehouse.keys import PseudonymKeyError
    from ravenstvo.warehouse.logins import LoginError
    from ravenstvo.warehouse.no_space import NoSpaceError, is_no_space
    from ravenstvo.warehouse.server import ServerError
    from ravenstvo.warehouse.socket_folder import SocketError
    from ravenstvo.warehouse.vault import VaultError

    try:
        app()
    except (
        AccountError,
        AirflowError,
        ApprovalError,
        AsOfError,
        BiError,
        BusyError,
        CalculationError,
        DecisionWorkbookError,
        ExportError,
        DocumentError,
        FileExistsError,
        JournalError,
        LoginError,
        PseudonymKeyError,
        ReaderError,
        ReportError,
        ServerError,
        ServiceError,
        SettingsError,
        ShapeError,
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


@app.command()
def run(inbox: Inbox = None, year: Year = None, as_of: AsOf = None) -> None:
    """Загрузить папку и пересчитать год; с --as-of — посчитать прежнее состояние, не меняя витрин."""
    from ravenstvo.runtime import recalculation
    from ravenstvo.runtime.terminal import Terminal

    settings = get_settings()
    if as_of is not None:
        from ravenstvo.runtime.as_of import recalculate_as_of

        if inbox is not None:
            raise typer.BadParameter("с --as-of папка не читается: берётся то, что уже загружено")
        recalculate_as_of(settings, as_of, year, Terminal())
        return
    folder = inbox.expanduser().absolute() if inbox else settings.inbox
    raise typer.Exit(recalculation.run(settings, folder, year or settings.year, Terminal()))


@app.command()
def up() -> None:
    """Запустить Airflow: веб-интерфейс, планировщик, обработчик DAG, триггеры."""
    from ravenstvo.runtime import services
    from ravenstvo.runtime.terminal import Terminal

    services.up(get_settings(), Terminal())


@app.command()
def down() -> None:
    """Остановить Airflow и встроенный PostgreSQL."""
    from ravenstvo.runtime import services

    services.down(get_settings(), typer.echo)


@app.command()
def service(
    name: Annotated[str, typer.Argument(help="api-server, scheduler, dag-processor, triggerer, worker или superset")],
) -> None:
    """Запустить одну службу на переднем плане: для контейнера."""
    from ravenstvo.runtime import services

    services.run_in_foreground(get_settings(), name)


@app.command()
def healthy(
    name: Annotated[str, typer.Argument(help="api-server, scheduler, dag-processor, triggerer, worker или superset")],
) -> None:
    """Проверить, что служба работает: статус 0 — да, 1 — нет."""
    from ravenstvo.runtime import services

    raise typer.Exit(0 if services.is_healthy(get_settings(), name) else 1)


@app.command()
def migrate() -> None:
    """Подготовить хранилище (схемы, таблицы, роли) и базу метаданных Airflow."""
    from ravenstvo.runtime import airflow_home
    from ravenstvo.runtime.terminal import Terminal
    from ravenstvo.warehouse.migrate import upgrade

    settings: Settings = get_settings()
    settings.make_home()
    terminal = Terminal()
    with terminal.stages(["хранилище", "база Airflow"]) as stages:
        stages.start("хранилище")
        has_changed = upgrade(settings)
        stages.start("база Airflow")
        airflow_home.prepare(settings)
    terminal.say("Хранилище обновлено." if has_changed else "Хранилище уже в порядке.")


@app.command()
def query(statement: Annotated[str, typer.Argument(help="Запрос SELECT; без схемы — витрины")]) -> None:
    """Выполнить запрос и вывести CSV."""
    import sys

    from ravenstvo import asking

    with _warehouse() as connection:
        asking.query(connection, statement, sys.stdout)


@app.command()
def explain(
    school: Annotated[str, typer.Option(help="Код ОО или логин ФИС ОКО")],
    year: Annotated[int, typer.Option(help="Год кампании")],
) -> None:
    """Объяснить, почему школа в списке или не в списке."""
    from ravenstvo import asking

    with _warehouse() as connection:
        for line in asking.explain(connection, school, year):
            typer.echo(line)


@app.command()
def indicator(
    code: Annotated[str, typer.Argument(help="Код показателя, как в mart_programme_indicator; можно русскими буквами")],
    year: Annotated[int, typer.Option(help="Год, за который рассчитан показатель")],
    programme: Annotated[
        str | None, typer.Option(help="Код или название программы; без него — все с таким кодом")
    ] = None,
    territory: Annotated[str | None, typer.Option(help="Код школы или муниципалитета; без него — регион")] = None,
    full: Annotated[bool, typer.Option("--full", help="Списки школ и строк целиком, без «и ещё»")] = False,
) -> None:
    """Рассказать о показателе программы: цитата, числа, школы и строки файлов, из которых они получены."""
    from ravenstvo import asking
    from ravenstvo.asking.indicator_words import ITEMS_SHOWN

    with _warehouse() as connection:
        for line in asking.indicator(connection, code, year, programme, territory, None if full else ITEMS_SHOWN):
            typer.echo(line)


@app.command()
def status() -> None:
    """Показать файлы, версии, отклонённые строки, последние расчёты."""
    from ravenstvo import asking

    with _warehouse() as connection:
        for line in asking.status(connection):
            typer.echo(line)


@app.command()
def withdraw(
    file: Annotated[str, typer.Argument(help="Путь файла в папке, его имя или начало SHA-256")],
    by: Annotated[str, typer.Option(help="Кто отзывает")] = "",
    reason: Annotated[str, typer.Option(help="Почему")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Вернуть отозванный файл")] = False,
) -> None:
    """Отозвать файл: его строки больше не считаются, а то, что он заменил, снова действует."""
    from ravenstvo.runtime import withdrawal

    settings = get_settings()
    with _warehouse():
        done = withdrawal.undo(settings, file, by) if undo else withdrawal.withdraw(settings, file, by, reason)
    for line in withdrawal.lines(done, is_undone=undo):
        typer.echo(line)


@app.command()
def diff(
    year: Annotated[int | None, typer.Option(help="Год кампании; без него — последний с результатами")] = None,
    to: Annotated[Path | None, typer.Option(help="Куда записать книгу .xlsx; без неё — в папку отчётов")] = None,
) -> None:
    """Показать, чем расчёт года отличается от утверждённого (или прошлого), и записать книгу: школы, файлы, строки."""
    from ravenstvo.publishing import difference

    with _warehouse() as connection, connection.cursor() as cursor:
        found = difference.difference(cursor, year)
    for line in difference.difference_lines(found):
        typer.echo(line)
    if found.is_there:
        target = difference.write_difference(found, to or difference.difference_path(get_settings(), found))
        typer.echo(f"Книга: {target}")


@app.command()
def approve(
    year: ListYear,
    by: Annotated[str, typer.Option(help="Кто утверждает")] = "",
    document: Annotated[str, typer.Option(help="На каком документе: вид, номер, дата")] = "",
    method: Method = None,
    decisions: Annotated[Path | None, typer.Option(help="Книга решений .xlsx: школа, решение, основание")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Утвердить заново уже утверждённый расчёт")] = False,
    show: Annotated[bool, typer.Option("--show", help="Только показать предлагаемый перечень")] = False,
) -> None:
    """Утвердить перечень школ с низкими результатами: целиком или с изменениями из книги решений."""
    from ravenstvo.calculation import approval, proposal

    with _warehouse() as connection, connection.cursor() as cursor:
        proposed = proposal.propose(cursor, year, method)
    if show:
        for line in proposal.proposal_lines(proposed):
            typer.echo(line)
        return
    done = approval.approve(
        *(get_settings(), year, by, document), method_code=method, workbook=decisions, replace=replace
    )
    typer.echo(approval.told(done))


@app.command()
def decisions_template(
    year: ListYear, out: Annotated[Path, typer.Option(help="Куда записать книгу .xlsx")], method: Method = None
) -> None:
    """Записать книгу решений для заполнения: предлагаемый перечень, выводы и их основания."""
    from ravenstvo.calculation.proposal import propose
    from ravenstvo.publishing.decisions_template import write_template

    with _warehouse() as connection, connection.cursor() as cursor:
        proposed = propose(cursor, year, method)
    write_template(out, year, proposed.method_title, proposed.schools)
    typer.echo(f"Книга решений: {out}. Школ в предлагаемом перечне: {len(proposed.listed)}.")


@app.command()
def templates(out: Annotated[Path, typer.Option(help="Папка; одноимённые книги в ней будут заменены")]) -> None:
    """Записать пустые шаблоны .xlsx с подсказками: по одному на каждый вид сведений, которые присылают люди."""
    from ravenstvo.publishing.templates import write_templates
    from ravenstvo.reference import SEEDS

    written = write_templates(out, SEEDS)
    typer.echo(f"Шаблонов: {len(written)}, папка: {out}")


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Пустая или новая папка")],
    seed: Annotated[int, typer.Option(help="Начальное число: одно и то же даёт те же файлы")] = 1,
    schools: Annotated[int, typer.Option(help="Сколько школ", min=1)] = 60,
    years: Annotated[list[int] | None, typer.Option(help="Годы кампаний: --years 2021 2022 2023")] = None,
    more_years: Annotated[list[int] | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Сделать файлы учебного региона."""
    from ravenstvo.runtime.terminal import Terminal
    from ravenstvo.sample import DEFAULT_YEARS, generate

    # The command line gives an option one value; the years after the first arrive as arguments.
    wanted = sorted({*(years or []), *(more_years or [])}) or list(DEFAULT_YEARS)
    terminal = Terminal()
    with terminal.stages([]) as stages:
        files = generate(out, seed, schools, wanted, stages.start)
    terminal.say(f"Файлов: {len(files)}, папка: {out}")


@app.command()
def export(
    year: ListYear,
    municipality: Annotated[
        str | None, typer.Option(help="Код или название муниципалитета; без него — регион и все муниципалитеты")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Папка; без неё — в папке отчётов года")] = None,
) -> None:
    """Записать книги .xlsx за год: перечень школ, основания, условия, показатели, партнёрство, курсы, карточки."""
    from ravenstvo.publishing import export as publishing
    from ravenstvo.runtime.terminal import Terminal

    settings, terminal = get_settings(), Terminal()
    folder = (out or publishing.workbooks_dir(settings, year)).absolute()
    with terminal.stages(["витрины", "книги"]) as stages:
        stages.start("витрины")
        with _warehouse() as connection, connection.cursor() as cursor:
            prepared = publishing.prepare(cursor, settings, year, municipality)
        stage, n_books, n_written = stages.start("книги"), len(prepared.territories), 0
        stage.progress = lambda: f"{n_written} из {n_books}"
        for _ in prepared.write(folder):
            n_written += 1
    terminal.say(f"Книг: {n_books}, папка: {folder}")


layout_commands = typer.Typer(
    help="Формы файлов: что понято, чего не хватает, как описать новую.", no_args_is_help=True
)
app.add_typer(layout_commands, name="layout")
InboxFile = Annotated[Path, typer.Argument(help="Файл, как он пришёл; папки над ним могут называть год и класс")]


@layout_commands.command("check")
def layout_check(file: InboxFile) -> None:
    """Сказать, какой форме соответствует файл и чем стал каждый столбец; ничего не загружать."""
    from ravenstvo.runtime import layouts
    from ravenstvo.runtime.terminal import Terminal

    raise typer.Exit(layouts.check(get_settings(), file, Terminal()))


@layout_commands.command("propose")
def layout_propose(
    file: InboxFile,
    source: Annotated[
        str | None, typer.Option(help="Вид сведений (имя документа из sources/), если он известен")
    ] = None,
) -> None:
    """Предложить документ новой формы: на стандартный вывод — документ, в поток ошибок — в чём нет уверенности."""
    from ravenstvo.runtime import layouts

    raise typer.Exit(layouts.propose(get_settings(), file, source))


By = Annotated[str, typer.Option(help="Кто это делает")]
Reason = Annotated[str, typer.Option(help="Почему")]

reader_commands = typer.Typer(
    help="Пользователи базы, которые видят в витринах строки одного муниципалитета.", no_args_is_help=True
)
app.add_typer(reader_commands, name="reader")


@reader_commands.command("add")
def reader_add(
    municipality: Annotated[str, typer.Option(help="Код или название муниципалитета")],
    by: By = "",
    reason: Reason = "",
) -> None:
    """Завести пользователя муниципалитета или дать ему новый пароль."""
    from ravenstvo.runtime import readers

    with _warehouse():
        reader = readers.add(get_settings(), municipality, by, reason)
    typer.echo(f"Пользователь {reader.login} видит строки: {reader.municipality_code} {reader.municipality_name}")
    typer.echo(f"Пароль: {readers.passwords_file(get_settings())}")


@reader_commands.command("remove")
def reader_remove(
    login: Annotated[str, typer.Argument(help="Пользователь, как в «reader list»")], by: By = "", reason: Reason = ""
) -> None:
    """Убрать пользователя муниципалитета."""
    from ravenstvo.runtime import readers

    with _warehouse():
        readers.remove(get_settings(), login, by, reason)
    typer.echo(f"Пользователь {login} убран.")


@reader_commands.command("list")
def reader_list() -> None:
    """Показать пользователей муниципалитетов."""
    from ravenstvo.runtime import readers

    with _warehouse():
        for reader in readers.listed(get_settings()):
            typer.echo(f"{reader.login}: {reader.municipality_code} {reader.municipality_name or 'нет в справочнике'}")


key_commands = typer.Typer(help="Ключ псевдонимов.", no_args_is_help=True)
app.add_typer(key_commands, name="key")


@key_commands.command("status")
def key_status() -> None:
    """Показать версии и отпечатки ключей; проверить, что файл ключа — тот самый."""
    from ravenstvo.runtime import key_rotation

    with _warehouse():
        known = key_rotation.state(get_settings())
    for version, fingerprint in enumerate(known.fingerprints, start=1):
        typer.echo(f"Версия {version}: отпечаток {fingerprint}")
    typer.echo(f"Действует версия {len(known.fingerprints)}. Файл: {get_settings().key_file}")
    if known.is_unfinished:
        typer.echo("Смена ключа не доведена до конца: повторите «ravenstvo key rotate».")


@key_commands.command("rotate")
def key_rotate(by: By = "", reason: Reason = "") -> None:
    """Ввести новый ключ и перевести на него загруженные записи: имена для этого не нужны."""
    from ravenstvo.runtime import key_rotation

    with _warehouse():
        done = key_rotation.rotate(get_settings(), by, reason)
    typer.echo(
        f"Действует ключ версии {done.version}. Переведено псевдонимов: {done.n_pseudonyms}, строк: {done.n_rows}"
    )
    typer.echo(f"Сохраните копию файла отдельно от базы: {get_settings().key_file}")
    typer.echo("Звезду и витрины переведёт следующий расчёт: ravenstvo run")


archive_commands = typer.Typer(help="Зашифрованный архив исходных файлов.", no_args_is_help=True)
app.add_typer(archive_commands, name="archive")


@archive_commands.command("list")
def archive_list() -> None:
    """Показать, какие исходные файлы лежат в архиве и до какого дня."""
    from ravenstvo.runtime import archive

    with _warehouse():
        originals = archive.listed(get_settings())
    for one in originals:
        stays = f"удалён {one.removed_at:%d.%m.%Y}" if one.removed_at else f"до {one.keep_until:%d.%m.%Y}"
        typer.echo(f"{one.file_id} · {one.path} · {one.size_bytes} байт · {one.archived_at:%d.%m.%Y} · {stays}")
    n_kept = sum(one.removed_at is None for one in originals)
    typer.echo(f"В архиве файлов: {n_kept}, удалено по сроку: {len(originals) - n_kept}")


@archive_commands.command("restore")
def archive_restore(
    file_id: Annotated[int, typer.Argument(help="Номер файла, как в «archive list»")],
    by: By = "",
    reason: Reason = "",
    out: Annotated[Path | None, typer.Option(help="Куда записать; без неё — в текущую папку под своим именем")] = None,
) -> None:
    """Расшифровать исходный файл. Кто и почему это сделал, остаётся в журнале."""
    from ravenstvo.runtime import archive

    with _warehouse():
        restored = archive.restore(get_settings(), file_id, by, reason, out)
    typer.echo(f"Записан {restored}: в нём личные данные, удалите его, как только он станет не нужен.")


@archive_commands.command("expire")
def archive_expire() -> None:
    """Удалить из архива файлы, срок хранения которых истёк; расчёт делает это и сам."""
    from ravenstvo.runtime import archive

    with _warehouse():
        typer.echo(f"Удалено файлов: {archive.expire(get_settings())}")


@app.command()
def audit() -> None:
    """Показать журнал: кто открывал исходные файлы, менял ключ и круг читателей; проверить, что он не изменён."""
    from ravenstvo.asking import journal_lines

    with _warehouse() as connection:
        lines, is_whole = journal_lines(connection)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(0 if is_whole else 1)


school_commands = typer.Typer(help="Ключи школ, которые не распознаны: книга и решения.", no_args_is_help=True)
app.add_typer(school_commands, name="schools")


@school_commands.command("review")
def schools_review(
    out: Annotated[Path | None, typer.Option(help="Куда записать книгу .xlsx; без неё — в папку отчётов")] = None,
) -> None:
    """Записать книгу нераспознанных ключей школ: где встретились, на какие школы похожи; решает человек."""
    from ravenstvo.publishing import school_review

    with _warehouse() as connection, connection.cursor() as cursor:
        keys, schools = school_review.open_keys(cursor)
    target = school_review.write_review(out or get_settings().school_review_file, keys, schools)
    n_open = sum(key.is_open for key in keys)
    typer.echo(f"Ключей на решение: {n_open}, решённых: {len(keys) - n_open}. Книга: {target}")


@school_commands.command("decide")
def schools_decide(
    file: Annotated[Path, typer.Argument(help="Заполненная книга, которую пишет «schools review»")],
    by: Annotated[str, typer.Option(help="Кто решил, где в строке не сказано")] = "",
) -> None:
    """Принять решения о ключах школ из книги; следующий расчёт их учтёт."""
    from ravenstvo.calculation import school_decisions

    with _warehouse():
        done = school_decisions.decide(get_settings(), file, by)
    for line in school_decisions.told(done):
        typer.echo(line)


bi_commands = typer.Typer(help="Superset: дашборды на витринах.", no_args_is_help=True)
app.add_typer(bi_commands, name="bi")


@bi_commands.command("up")
def bi_up() -> None:
    """Подготовить Superset и запустить его."""
    from ravenstvo.runtime import bi

    bi.up(get_settings(), typer.echo)


@bi_commands.command("provision")
def bi_provision() -> None:
    """Загрузить в Superset подключения, наборы данных, диаграммы, дашборды, роли и пользователей."""
    from ravenstvo.runtime import bi

    if not bi.provision(get_settings(), typer.echo):
        typer.echo("Изменений нет.")


@bi_commands.command("export")
def bi_export(
    to: Annotated[Path | None, typer.Option(help="Папка с charts и dashboards; без неё — include/bi")] = None,
) -> None:
    """Записать диаграммы и дашборды, изменённые в Superset, в файлы."""
    from ravenstvo.runtime import bi

    bi.export(get_settings(), typer.echo, to)


@bi_commands.command("map")
def bi_map(file: Annotated[Path, typer.Argument(help="Файл GeoJSON с границами муниципалитетов")]) -> None:
    """Загрузить границы муниципалитетов для карты; прежние будут заменены."""
    from ravenstvo.publishing.municipality_shapes import load_shapes, loaded_lines

    with _warehouse() as connection, connection.cursor() as cursor:
        loaded = load_shapes(cursor, file)
    for line in loaded_lines(loaded, file):
        typer.echo(line)


@bi_commands.command("down")
def bi_down() -> None:
    """Остановить Superset."""
    from ravenstvo.runtime import bi

    bi.down(get_settings(), typer.echo)


@bi_commands.command("status")
def bi_status() -> None:
    """Показать, работает ли Superset и где."""
    from ravenstvo.runtime import bi

    bi.status(get_settings(), typer.echo)


@app.command()
def report(
    year: ListYear, out: Annotated[Path | None, typer.Option(help="Папка; без неё — папка отчётов года")] = None
) -> None:
    """Записать отчёт кампании: страницу HTML, которая открывается без сети, и PDF."""
    from ravenstvo.publishing.report import write_report

    with _warehouse():
        written = write_report(get_settings(), year, out)
    typer.echo(f"Отчёт: {written.page}\nPDF: {written.pdf}")


@app.command()
def docs(
    marts: Annotated[Path | None, typer.Option(help="Записать страницу витрин (docs/marts.md); без хранилища")] = None,
    exposures: Annotated[Path | None, typer.Option(help="Записать, кто читает витрины; без хранилища")] = None,
) -> None:
    """Записать словарь данных (dbt docs): одна страница HTML, которая открывается без сети."""
    from ravenstvo.calculation.dbt_docs import write_docs

    settings = get_settings()
    if marts or exposures:
        _write_documents(marts, exposures)
        return
    with _warehouse():
        written = write_docs(settings)
    typer.echo(f"Словарь данных{'' if written else ' без изменений'}: {settings.dbt_docs_file}")


def _write_documents(marts: Path | None, exposures: Path | None) -> None:
    """Write the documents that are made of other documents and kept with them."""
    from ravenstvo.calculation.dbt_docs import parse_apart
    from ravenstvo.publishing import dictionary
    from ravenstvo.publishing import exposures as readers
    from ravenstvo.publishing.marts_page import marts_page

    with parse_apart(get_settings()) as target:
        known = dictionary.load(target)
    if marts:
        marts.write_text(marts_page(known), encoding="utf-8")
        typer.echo(f"Витрины: {marts}")
    if exposures:
        found = readers.exposures(get_settings().project_root / "include" / "bi")
        exposures.write_text(readers.exposures_file(found, known), encoding="utf-8")
        typer.echo(f"Кто читает витрины: {exposures}")


@contextmanager
def _warehouse() -> Iterator[Connection]:
    """A connection to the warehouse; the embedded server is started when it is not up."""
    from ravenstvo.warehouse import server
    from ravenstvo.warehouse.connection import connect

    settings = get_settings()
    if settings.warehouse_url is None:
        server.ensure_running(settings)
    with connect(settings) as connection:
        yield connection
