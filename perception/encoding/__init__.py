"""Encoders: what turns images into features, here, elsewhere or for a test."""

import sys

import lazy_loader

# OpenVINO's telemetry forks the process at every conversion, which a server with open connections does not survive
# unharmed, and tells strangers what runs here. Without that package OpenVINO goes on by itself.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
