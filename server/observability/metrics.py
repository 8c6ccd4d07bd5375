"""What is counted, as Prometheus metrics on a registry of their own."""

import platform
from collections.abc import Callable
from importlib.metadata import version

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from perception import Bank

_REQUEST_SECONDS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.033, 0.066, 0.125, 0.25, 0.5, 1, 2, 5, 10)
_STAGE_SECONDS = (0.00025, 0.0005, *_REQUEST_SECONDS)
_BATCH_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The server's metrics; its methods may be called from any thread, take microseconds and never raise.

    It satisfies the batcher's observer.

    Args:
        registry: Where they are registered; a new one by default.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        ProcessCollector(registry=self.registry)  # memory, CPU time, open files
        self._requests = Counter(
            "midlevel_requests",
            "Calls that ended, by method and gRPC status code.",
            ["method", "code"],
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "midlevel_request_seconds", "From a call's arrival to its end; of a stream, its whole life.",
            ["method"], buckets=_REQUEST_SECONDS, registry=self.registry,
        )  # fmt: skip
        stage_seconds = Histogram(
            "midlevel_stage_seconds", "Time of a request in a stage: decode, queue or inference.",
            ["stage"], buckets=_STAGE_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._decode_seconds = stage_seconds.labels("decode")
        self._wait_seconds = stage_seconds.labels("queue")
        self._inference_seconds = stage_seconds.labels("inference")
        self._batch_images = Histogram(
            "midlevel_batch_images", "Images computed together.", buckets=_BATCH_IMAGES, registry=self.registry
        )
        self._queue_images = Gauge("midlevel_queue_images", "Images that wait for inference.", registry=self.registry)
        self._model_seconds = Counter("midlevel_model_seconds", "Time that inference was busy.", registry=self.registry)
        self._dropped = Counter(
            "midlevel_dropped", "Requests that never reached inference: rejected, expired or cancelled.",
            ["reason"], registry=self.registry,
        )  # fmt: skip
        self._in_flight = Gauge("midlevel_calls_in_flight", "Calls that have not ended.", registry=self.registry)
        self._bank = Gauge(
            "midlevel_bank_info", "The bank that is served; always 1.",
            ["name", "architecture", "precision", "sha256"], registry=self.registry,
        )  # fmt: skip
        build = Gauge(
            "midlevel_build_info", "Versions; always 1.", ["version", "python", "grpc"], registry=self.registry
        )
        build.labels(version("midlevel"), platform.python_version(), grpc.__version__).set(1)

    def set_bank(self, bank: Bank, precision: str) -> None:
        """Say what is served from now on."""
        self._bank.clear()
        self._bank.labels(bank.name, bank.architecture, precision, bank.sha256).set(1)

    def call_began(self) -> None:
        """A call reached its handler."""
        self._in_flight.inc()

    def call_ended(self, method: str, code: str, seconds: float, *, was_begun: bool = False) -> None:
        """A call ended.

        Args:
            method: Full name; from a bounded set, since each makes series of its own.
            code: Name of its gRPC status, such as "OK".
            seconds: Since it arrived.
            was_begun: Whether `call_began` was called for it.
        """
        if was_begun:
            self._in_flight.dec()
        self._requests.labels(method, code).inc()
        self._request_seconds.labels(method).observe(seconds)

    def decoded(self, seconds: float) -> None:
        """A request's bytes were made into images."""
        self._decode_seconds.observe(seconds)

    def watch_queue(self, images: Callable[[], float]) -> None:
        """Ask how many images wait for inference whenever the metrics are read."""
        self._queue_images.set_function(images)

    def waited(self, seconds: float) -> None:
        """A request left the queue for inference."""
        self._wait_seconds.observe(seconds)

    def computed(self, images: int, seconds: float) -> None:
        """A batch was computed."""
        self._batch_images.observe(images)
        self._inference_seconds.observe(seconds)
        self._model_seconds.inc(seconds)

    def dropped(self, reason: str) -> None:
        """A request was rejected, expired or cancelled before inference."""
        self._dropped.labels(reason).inc()
