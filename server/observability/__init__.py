"""What the server tells its operators: metrics and logs."""

from server.observability.endpoint import MetricsEndpoint, start_metrics
from server.observability.logs import configure_logs
from server.observability.measuring import MeasuringInterceptor
from server.observability.metrics import Metrics

__all__ = ["MeasuringInterceptor", "Metrics", "MetricsEndpoint", "configure_logs", "start_metrics"]
