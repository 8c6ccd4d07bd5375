"""The Open Inference Protocol (KServe v2, as Triton speaks it): every task and every feature set is a model."""

from server.open_inference.service import SERVICE, OpenInferenceService

__all__ = ["SERVICE", "OpenInferenceService"]
