"""A few metrics of the product, from its own books: to an OpenTelemetry collector and to a file for Prometheus.

They are gauges with few labels: kinds of sources, states of files, steps, methods; no school and no file.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field

from psycopg2.extensions import cursor as Cursor

from ravenstvo import logs
from ravenstvo.runtime.observability import PATIENCE, SERVICE
from ravenstvo.runtime.outage import Outage
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect, has_table
from ravenstvo.warehouse.roles import TRANSFORMER

log = logging.getLogger(__name__)

# Name: what it is, in Russian; its labels.
METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ravenstvo_rows_landed": ("Записей, загруженных из файлов", ("source",)),
    "ravenstvo_rows_rejected": ("Из них отклонено проверками", ("source",)),
    "ravenstvo_files": ("Файлов в учёте по состоянию", ("status",)),
    "ravenstvo_source_last_landed_timestamp_seconds": ("Когда вид сведений загружался в последний раз", ("source",)),
    "ravenstvo_source_age_seconds": ("Сколько прошло с этого времени на момент записи", ("source",)),
    "ravenstvo_stage_seconds": ("Сколько длился шаг последнего запуска", ("stage",)),
    "ravenstvo_last_success_timestamp_seconds": ("Когда запуск в последний раз дошёл до конца", ()),
    "ravenstvo_last_failure_timestamp_seconds": ("Когда запуск в последний раз остановился на ошибке", ()),
    "ravenstvo_list_schools": ("Школ в списке метода в последнем рассчитанном году", ("method", "year")),
}

# Marks of the run in ops.setting.
_SECONDS, _ENDED, _SUCCEEDED, _FAILED = "run.seconds.", "run.ended.", "run.succeeded", "run.failed"
_FIRST, _LAST = "read_inbox", "publish"
# The file is written at the end of a calculation and of an intake.
_ENDS = (_LAST, "arrived")
# Files are loaded by tasks of their own, at once: the time between its neighbours is what the step took.
_BETWEEN = {"prepare": ("land", "read_inbox")}

_SAMPLES = f"""
with source as (
    select
        source,
        sum(n_records) as landed,
        sum(n_rows_rejected) as rejected,
        extract(epoch from max(landed_at)) as landed_at
    from ops.source_part
    where status = 'landed' and source is not null
    group by source
)
select 'ravenstvo_rows_landed', source, null, landed from source
union all
select 'ravenstvo_rows_rejected', source, null, coalesce(rejected, 0) from source
union all
select 'ravenstvo_source_last_landed_timestamp_seconds', source, null, landed_at from source
union all
select 'ravenstvo_source_age_seconds', source, null, greatest(extract(epoch from now()) - landed_at, 0) from source
union all
select 'ravenstvo_files', status, null, count(*) from ops.source_file group by status
union all
select 'ravenstvo_stage_seconds', substr(name, {len(_SECONDS) + 1}), null, value::numeric
from ops.setting where starts_with(name, '{_SECONDS}')
union all
select 'ravenstvo_last_success_timestamp_seconds', null, null, value::numeric
from ops.setting where name = '{_SUCCEEDED}'
union all
select 'ravenstvo_last_failure_timestamp_seconds', null, null, value::numeric
from ops.setting where name = '{_FAILED}'
order by 1, 2, 3
"""
_LISTS = """
select 'ravenstvo_list_schools', method_code, year::text, count(*) filter (where is_low_results)
from marts.mart_identification
where year = (select max(year) from marts.mart_identification)
group by method_code, year
order by method_code
"""
_KEEP = """
insert into ops.setting (name, value) values (%s, %s)
on conflict (name) do update set value = excluded.value
"""
_KEEP_BETWEEN = """
insert into ops.setting (name, value)
select %s, (extract(epoch from now()) - %s - value::numeric)::text from ops.setting where name = %s
on conflict (name) do update set value = excluded.value
"""


@dataclass(frozen=True)
class Sample:
    """A value of a metric; the labels' values are in the order of ``METRICS``."""

    name: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


def collect(settings: Settings) -> list[Sample]:
    """All metrics as they are now."""
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        lists = _samples(cursor, _LISTS) if has_table(cursor, "marts.mart_identification") else []
        return [*_samples(cursor, _SAMPLES), *lists]


def _samples(cursor: Cursor, statement: str) -> list[Sample]:
    cursor.execute(statement)
    return [
        Sample(name, float(value), dict(zip(METRICS[name][1], labels, strict=False)))
        for name, *labels, value in cursor.fetchall()
    ]


def text(samples: list[Sample]) -> str:
    """The metrics in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    gauges = {name: Gauge(name, told, labels, registry=registry) for name, (told, labels) in METRICS.items()}
    for sample in samples:
        gauge = gauges[sample.name]
        (gauge.labels(**sample.labels) if sample.labels else gauge).set(sample.value)
    for name in {name for name, (_, labels) in METRICS.items() if not labels} - {sample.name for sample in samples}:
        registry.unregister(gauges[name])  # what has never happened has no time, not the time 0
    return generate_latest(registry).decode()


def write_file(settings: Settings, samples: list[Sample]) -> None:
    """Write the file for node_exporter's textfile collector, whole or not at all; others may read it."""
    target = settings.metrics_file
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_text(text(samples), encoding="utf-8")
        draft.chmod(0o644)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def send(settings: Settings, samples: list[Sample]) -> None:
    """Send the metrics to the collector; one that does not answer is told once and holds up nothing."""
    outage = Outage(settings.logs_dir / ".metrics-unreachable")
    if outage.is_fresh:
        return
    if _exported(f"{settings.otel_endpoint}/v1/metrics", samples):
        outage.end()
    elif outage.note():
        text = "Сборщик метрик не отвечает (RAVENSTVO_OTEL_ENDPOINT): метрики не отправлены, расчёт идёт дальше"
        logs.say(log, text, logging.WARNING)


def _exported(endpoint: str, samples: list[Sample]) -> bool:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], Resource.create({SERVICE_NAME: SERVICE}), shutdown_on_exit=False)
    meter = provider.get_meter(SERVICE)
    gauges = {name: meter.create_gauge(name, description=told) for name, (told, _) in METRICS.items()}
    for sample in samples:
        gauges[sample.name].set(sample.value, attributes=sample.labels)
    made = reader.get_metrics_data()
    if made is None:
        return True
    # The exporter tells every try that fails, with a traceback; what counts is told by the caller.
    chatty = logging.getLogger("opentelemetry")
    before, chatty.disabled = chatty.level, False
    chatty.setLevel(logging.CRITICAL)
    try:
        exporter = OTLPMetricExporter(endpoint=endpoint, timeout=PATIENCE)
        return exporter.export(made) is MetricExportResult.SUCCESS
    except OSError:
        return False
    finally:
        chatty.setLevel(before)
        provider.shutdown()


def task_ended(settings: Settings, task: str, seconds: float, *, has_failed: bool = False) -> None:
    """Note how long a task took and how it went, and give out the metrics: to a collector, at the end to the file.

    A metric that cannot be written stops nothing: the task is done, or has failed for a reason of its own.
    """
    try:
        with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
            _note(cursor, task, seconds, has_failed)
        is_end = has_failed or task in _ENDS
        if settings.otel_endpoint is None and not is_end:
            return
        samples = collect(settings)
        if is_end:
            write_file(settings, samples)
        if settings.otel_endpoint is not None:
            send(settings, samples)
    except Exception as error:  # noqa: BLE001 - whatever hinders the telling, the work itself is done
        logs.say(log, "Метрики не записаны", logging.WARNING, error=type(error).__name__)


def _note(cursor: Cursor, task: str, seconds: float, has_failed: bool) -> None:
    if task == _FIRST:
        cursor.execute("delete from ops.setting where starts_with(name, %s)", (_SECONDS,))
    if task in _BETWEEN:
        between, before = _BETWEEN[task]
        cursor.execute(_KEEP_BETWEEN, (_SECONDS + between, round(seconds, 3), _ENDED + before))
    cursor.execute("select extract(epoch from now())::text")
    (now,) = cursor.fetchone() or ("0",)
    kept = {_SECONDS + task: str(round(seconds, 3)), _ENDED + task: now}
    if has_failed:
        kept[_FAILED] = now
    elif task == _LAST:
        kept[_SUCCEEDED] = now
    cursor.executemany(_KEEP, list(kept.items()))
