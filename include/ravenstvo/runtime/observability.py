"""What Airflow is told about its logs, metrics and lineage; everything that is not asked for is off."""

from __future__ import annotations

import json

from ravenstvo.settings import Settings

SERVICE = "ravenstvo"
# Seconds that a collector which does not answer may hold up a task.
PATIENCE = 3

# ``ravenstvo run`` follows its run by the lines of Airflow's log, whatever the services are told to write.
PLAIN_LOG = {"AIRFLOW__LOGGING__JSON_LOGS": "False", "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO"}

Options = dict[str, object]


def environment(settings: Settings) -> dict[str, str]:
    """Airflow 3 takes the address of the collector from OpenTelemetry's own variables; its options are deprecated."""
    if settings.otel_endpoint is None:
        return {}
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": settings.otel_endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TIMEOUT": str(PATIENCE),
        "OTEL_SERVICE_NAME": SERVICE,
    }


def logging_options(settings: Settings) -> Options:
    """Section ``[logging]``: the level, and JSON lines where a collector of logs wants them."""
    return {"logging_level": settings.log_level, "json_logs": settings.log_json}


def metrics_options(settings: Settings) -> Options:
    """Section ``[metrics]``: OpenTelemetry, which needs no package besides Airflow's own; StatsD would."""
    # Each metric once: with its tags, not also under an old name that holds them.
    return {"otel_on": settings.otel_endpoint is not None, "legacy_names_on": False}


def lineage_options(settings: Settings) -> Options:
    """Section ``[openlineage]``: the provider's listener costs every task its import, so off means disabled."""
    if settings.lineage is None:
        return {"disabled": True}
    return {
        "disabled": False,
        "namespace": SERVICE,
        # Not the code of tasks: it is in the repository.
        "emission_policy": json.dumps([{"scope": {}, "controls": {"include_source_code": False}}]),
        # A task waits for its event no longer than the transport does, and is not copied for it.
        "execute_in_thread": True,
        "transport": json.dumps({"type": "ravenstvo.runtime.lineage.transport.Sender"} | lineage_transport(settings)),
    }


def lineage_transport(settings: Settings) -> dict[str, str]:
    """Parameters of ``lineage.transport.Sender``."""
    found = {"file": str(settings.lineage_file)}
    if settings.lineage not in (None, "file"):
        found["url"] = str(settings.lineage)
    if settings.lineage_token:
        found["token"] = settings.lineage_token
    return found
