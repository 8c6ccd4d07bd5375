"""The perception server: frozen encoders for robots and agents, over gRPC."""
