"""Asks a server over gRPC whether it serves; exits with 0 if it does, 1 if not.

For Docker and Kubernetes, whose own gRPC probes speak no TLS.
"""

import argparse
import os
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def main() -> int:
    """Read the command line, and ask."""
    parser = argparse.ArgumentParser(description="Ask a server whether it serves.")
    parser.add_argument("address", help="such as 127.0.0.1:50051")
    parser.add_argument("--service", default="", help="full name; the server as a whole by default")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds")
    parser.add_argument("--ca", default=os.environ.get("HEALTH_CA"), help="PEM, for TLS; $HEALTH_CA by default")
    parser.add_argument("--server-name", default=os.environ.get("HEALTH_SERVER_NAME"), help="that the certificate has")
    parser.add_argument("--cert", default=os.environ.get("HEALTH_CERT"), help="PEM, where clients need one")
    parser.add_argument("--key", default=os.environ.get("HEALTH_KEY"), help="PEM, of --cert")
    options = parser.parse_args()
    request = health_pb2.HealthCheckRequest(service=options.service)
    try:
        with _channel(options) as channel:
            status = health_pb2_grpc.HealthStub(channel).Check(request, timeout=options.timeout).status
    except (grpc.RpcError, OSError) as error:
        sys.stderr.write(f"no answer from {options.address}: {error}\n")
        return 1
    sys.stderr.write(f"{health_pb2.HealthCheckResponse.ServingStatus.Name(status)}\n")
    return 0 if status == health_pb2.HealthCheckResponse.SERVING else 1


def _channel(options: argparse.Namespace) -> grpc.Channel:
    if not options.ca:
        return grpc.insecure_channel(options.address)
    pem = [Path(path).read_bytes() if path else None for path in (options.ca, options.key, options.cert)]
    names = [("grpc.ssl_target_name_override", options.server_name)] if options.server_name else []
    return grpc.secure_channel(options.address, grpc.ssl_channel_credentials(*pem), names)


if __name__ == "__main__":
    sys.exit(main())
