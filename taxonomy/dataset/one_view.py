"""One view of a building that nobody has seen, for demonstrations."""

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from sim.errors import SimulatorError
from taxonomy.dataset.labelling import label_views, labeller_for, stored_domains
from taxonomy.dataset.sampling import sample_views
from taxonomy.dataset.world import HouseWorld, World

_VIEWS = 8
"""Sampled, of which the one with most to see is taken."""


def render_view(seed: int, size_px: int, world: World | None = None) -> NDArray[np.uint8]:
    """The picture of one view of a house, chosen as for datasets; takes a second or two.

    Args:
        seed: Of the house and of the view; the same seed gives the same picture.
        size_px: Pixels a side.
        world: Where houses come from; procedural ones by default.

    Returns:
        uint8 [size_px, size_px, 3].

    Raises:
        UserError: If the renderer is not installed as it should be, or the house has no such view.
    """
    world = HouseWorld() if world is None else world
    try:
        building = world.building(seed)
        renderer = world.renderer(building)
        views = sample_views(building, renderer, np.random.default_rng(seed), _VIEWS)
        pictures = {"rgb": stored_domains()["rgb"]}
        found = label_views(building, renderer, views, size_px, labeller_for(world.classes), pictures)["rgb"]
        renderer.close()
    except (SimulatorError, ImportError, OSError) as error:
        raise UserError(f"no view can be rendered: {error}; `midlevel doctor` says what is missing.") from error
    return np.asarray(found[np.argmax(found.reshape(_VIEWS, -1).std(axis=1))], np.uint8)
