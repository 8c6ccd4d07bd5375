"""What all tests of agents share."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Houses of tests are made by the code under test, not read from what an older version left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIDLEVEL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
