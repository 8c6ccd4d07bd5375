"""The batcher: gathers what many callers ask for, bounded and fair; it knows neither transport nor networks."""

from server.batching.batcher import Answer, Batcher
from server.batching.observer import DropReason, Observer

__all__ = ["Answer", "Batcher", "DropReason", "Observer"]
