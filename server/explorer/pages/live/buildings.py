"""Views of buildings that nobody has seen."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from perception.pictures import png

SIDE_PX = 256

_FIRST_SEED = 1_000_000
"""Far from those of datasets."""


@lru_cache(maxsize=16)
def building_view(number: int) -> bytes:
    """A view as a PNG file's content; a second or two, and at once when asked for again.

    Args:
        number: Of the building; the same gives the same view.

    Raises:
        UserError: If the renderer is missing.
    """
    return _renderer_thread().submit(_rendered, number).result()


@lru_cache(maxsize=1)
def _renderer_thread() -> ThreadPoolExecutor:
    """One for everybody: the renderer is not made for several."""
    return ThreadPoolExecutor(1, "renderer")


def _rendered(number: int) -> bytes:
    from taxonomy.dataset import render_view

    return png(render_view(_FIRST_SEED + number, SIDE_PX))
