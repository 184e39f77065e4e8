"""A collector on loopback: takes what is posted to it, metrics of OpenTelemetry and events of OpenLineage."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


@dataclass
class Received:
    """What came: bodies by path, and the address that they came to."""

    url: str
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def events(self) -> list[dict[str, Any]]:
        """OpenLineage's events."""
        return [json.loads(body) for path, _, body in self.posted if path == "/api/v1/lineage"]

    def values(self) -> dict[str, dict[str, dict[tuple[tuple[str, str], ...], float]]]:
        """Last values of gauges, counters and distributions: service → metric → attributes → value."""
        found: dict[str, dict[str, dict[tuple[tuple[str, str], ...], float]]] = {}
        for path, headers, body in self.posted:
            if path != "/v1/metrics":
                continue
            data = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
            for resource in ExportMetricsServiceRequest.FromString(data).resource_metrics:
                named = {one.key: one.value.string_value for one in resource.resource.attributes}
                for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                    points = found.setdefault(named["service.name"], {}).setdefault(metric.name, {})
                    # How long something took comes as a distribution: its sum.
                    for distribution in metric.exponential_histogram.data_points:
                        points[()] = distribution.sum
                    for point in (*metric.gauge.data_points, *metric.sum.data_points):
                        labels = tuple((one.key, one.value.string_value) for one in point.attributes)
                        points[labels] = point.as_double or point.as_int
        return found


@contextmanager
def receiver() -> Iterator[Received]:
    """A running collector."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.posted.append((self.path, dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = Received(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
