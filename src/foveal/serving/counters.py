"""What a server counts of itself, as Prometheus reads it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TOGETHER = (1, 2, 4, 8, 16, 32, 64)


class Counters:
    """Counts since the process began; labels are routes and models, never what a client says."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "foveal_requests",
            "Requests that were answered.",
            ["route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "foveal_request_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.batches = Histogram(
            "foveal_batch_pictures",
            "Pictures that went through a network together.",
            buckets=TOGETHER,
            registry=self.registry,
        )
        self.engine = Counter(
            "foveal_engine_seconds", "Seconds that networks ran.", registry=self.registry
        )
        self.queue = Gauge(
            "foveal_queue_pictures",
            "Pictures that wait or are being answered.",
            registry=self.registry,
        )
        self.reloads = Counter(
            "foveal_reloads",
            "Model files that changed and were loaded again.",
            ["model", "outcome"],
            registry=self.registry,
        )

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def batch(self, pictures: int, seconds: float) -> None:
        """Count a batch."""
        self.batches.observe(pictures)
        self.engine.inc(seconds)

    def text(self) -> bytes:
        """Return all counts in Prometheus' text format."""
        return generate_latest(self.registry)
