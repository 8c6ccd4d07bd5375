"""Servers shared by the client's tests."""

from collections.abc import Iterator

import pytest

from perception import LocalEncoder, load_bank
from tests.perception.remote.serving import served


@pytest.fixture(scope="package")
def address() -> Iterator[str]:
    """Of a server with made-up features."""
    with served() as place:
        yield f"grpc://{place}"


@pytest.fixture(scope="package")
def real_address() -> Iterator[str]:
    """Of a server with the bundled bank's features."""
    with served("--local") as place:
        yield f"grpc://{place}"


@pytest.fixture(scope="package")
def local() -> LocalEncoder:
    """What `real_address` serves, here."""
    return LocalEncoder(load_bank("buildings-v1"), precision="float32")
