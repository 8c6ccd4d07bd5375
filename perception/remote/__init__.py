"""Encoders on another machine, or in another process: the client of `midlevel serve`."""

import os
import sys

import lazy_loader

# gRPC reads this when it is first imported. Without it, calls in a forked process hang if the parent made any.
if "grpc" not in sys.modules:
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "1")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
