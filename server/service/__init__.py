"""The perception.v1 gRPC service."""

from server.service.perception import SERVICE, PerceptionService, ServiceLimits

__all__ = ["SERVICE", "PerceptionService", "ServiceLimits"]
