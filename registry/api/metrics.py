"""Figures of one process for Prometheus: nothing about people, questions or addresses."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from registry.errors import ClockWrong
from registry.register import Register
from registry.web.connections import CONNECTIONS


def encode_metrics(register: Register) -> tuple[str, bytes]:
    """Encode the figures of a register as it stands: (media type, bytes)."""
    collectors = CollectorRegistry()
    collectors.register(_MetricsCollector(register))
    return CONTENT_TYPE_LATEST, generate_latest(collectors)


class _MetricsCollector(Collector):
    """Reads the figures when they are asked for: there is nothing to update meanwhile."""

    def __init__(self, register: Register) -> None:
        self._register = register

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        health = self._register.read_health()
        yield GaugeMetricFamily("registry_ready", "1 when the register can answer.", value=float(health["ready"]))
        is_wrong = any(fault["code"] == ClockWrong.code for fault in health["faults"])
        yield GaugeMetricFamily(
            "registry_clock_wrong", "1 while nothing is appended because the clock cannot be right.", value=is_wrong
        )
        yield GaugeMetricFamily(
            "registry_log_size",
            "Entries of the log as followed by this process.",
            value=self._register.verification.size,
        )
        lag = GaugeMetricFamily("registry_view_lag", "Entries a view is behind the log.", labels=["view"])
        for view, behind in health["views"].items():
            lag.add_metric([view], behind)
        yield lag
        faults = GaugeMetricFamily("registry_fault", "1 for each fault there is now; see /readyz.", labels=["code"])
        for fault in health["faults"]:
            faults.add_metric([fault["code"]], 1.0)
        yield faults
        if (age := health["state"]["age"]) is not None:
            yield GaugeMetricFamily(
                "registry_state_age_seconds", "Seconds since the log was last seen by this process.", value=float(age)
            )
        free = GaugeMetricFamily("registry_storage_free_bytes", "Bytes free on a disk.", labels=["folder"])
        for folder, size in health["storage"].items():
            free.add_metric([folder], float(size))
        yield free
        yield CounterMetricFamily(
            "registry_requests_refused",
            "Requests without a key beyond the limit of their address.",
            value=self._register.clients.refused,
        )
        yield from _collect_connections()
        if health["database"] == "ok":
            notices = GaugeMetricFamily("registry_notices", "Subscribers to notices, by state.", labels=["state"])
            for state, number in self._register.notices.count_states().items():
                notices.add_metric([state], number)
            yield notices
        search = health.get("search")
        if search is None:  # the database cannot be asked: nothing is known of the search either
            return
        engine = GaugeMetricFamily("registry_search_engine", "1 for the engine that answers.", labels=["engine"])
        for name in ("embedded", "meilisearch"):
            engine.add_metric([name], float(search["engine"] == name))
        yield engine
        yield GaugeMetricFamily("registry_search_lag", "Entries the outside search is behind.", value=search["lag"])
        yield CounterMetricFamily(
            "registry_search_fallbacks", "Questions the outside search could not answer.", value=search["fallbacks"]
        )


def _collect_connections() -> Iterator[Metric]:
    yield GaugeMetricFamily("registry_connections", "Connections open now.", value=CONNECTIONS.open)
    for name, label, meaning, counted in (
        ("refused", "reason", "Connections refused before anything was read.", CONNECTIONS.refused),
        ("cut", "at", "Connections cut because the client was too slow.", CONNECTIONS.cut),
        ("malformed", "status", "Requests refused as bytes, before the application saw them.", CONNECTIONS.malformed),
    ):
        family = CounterMetricFamily(f"registry_connections_{name}", meaning, labels=[label])
        for value, number in sorted(counted.items()):
            family.add_metric([value], number)
        yield family
    yield CounterMetricFamily(
        "registry_connections_departed",
        "Clients that went away in the middle of a request.",
        value=CONNECTIONS.departures,
    )
