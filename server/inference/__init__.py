"""Inference: the backend that serves a bank's encoders through the batcher."""

from server.inference.live import LiveBackend
from server.inference.served import Options, ServedBank

__all__ = ["LiveBackend", "Options", "ServedBank"]
