"""What models have done since the server started, as the protocol counts it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from protos.open_inference import inference_pb2 as pb
from server.backend import Spent
from server.open_inference.models import VERSION

_MOST_MODELS = 1000
"""That are counted: every list of tasks is a model, and callers could make up any number of them."""


@dataclass
class _Counts:
    successes: int = 0
    success_ns: int = 0
    failures: int = 0
    failure_ns: int = 0
    queue_ns: int = 0
    inference_ns: int = 0
    images: int = 0
    batches: float = 0.0
    last_ms: int = 0


class Statistics:
    """Counts by model."""

    def __init__(self) -> None:
        self._models: dict[str, _Counts] = {}

    def succeeded(self, model: str, seconds: float, images: int, spent: Spent) -> None:
        """A request was answered.

        Args:
            model: Its name.
            seconds: From its arrival.
            images: Of the request.
            spent: Of its batch; a batch counts for each of its requests by their share of images.
        """
        counts = self._of(model)
        counts.successes += 1
        counts.success_ns += round(1e9 * seconds)
        counts.queue_ns += 1000 * spent.queue_us
        counts.inference_ns += 1000 * spent.inference_us
        counts.images += images
        counts.batches += images / max(spent.batch_images, images)
        counts.last_ms = time.time_ns() // 10**6

    def failed(self, model: str, seconds: float) -> None:
        """A request to a model that exists was not answered."""
        counts = self._of(model)
        counts.failures += 1
        counts.failure_ns += round(1e9 * seconds)

    def _of(self, model: str) -> _Counts:
        if model not in self._models and len(self._models) >= _MOST_MODELS:
            return _Counts()
        return self._models.setdefault(model, _Counts())

    def response(self, models: Iterable[str]) -> pb.ModelStatisticsResponse:
        """Counts of models, in their order; zeros for those that were never asked."""
        return pb.ModelStatisticsResponse(
            model_stats=[_message(model, self._models.get(model, _Counts())) for model in models]
        )


def _message(model: str, counts: _Counts) -> pb.ModelStatistics:
    def duration(count: int, total_ns: int = 0) -> pb.StatisticDuration:
        return pb.StatisticDuration(count=count, ns=total_ns)

    return pb.ModelStatistics(
        name=model,
        version=VERSION,
        last_inference=counts.last_ms,
        inference_count=counts.images,
        execution_count=round(counts.batches),
        inference_stats=pb.InferStatistics(
            success=duration(counts.successes, counts.success_ns),
            fail=duration(counts.failures, counts.failure_ns),
            queue=duration(counts.successes, counts.queue_ns),
            compute_input=duration(counts.successes),
            compute_infer=duration(counts.successes, counts.inference_ns),
            compute_output=duration(counts.successes),
        ),
    )
