"""One view for demonstrations."""

from typing import Any

import numpy as np
import pytest

from perception import UserError
from sim.errors import SimulatorError
from taxonomy.dataset import render_view
from tests.taxonomy.dataset.box_world import BoxWorld


def test_a_seed_is_a_view_and_another_seed_another_one() -> None:
    one, again, other = (render_view(seed, 24, BoxWorld()) for seed in (1, 1, 2))
    assert one.shape == (24, 24, 3)
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


class NoRenderer(BoxWorld):
    def renderer(self, building: Any) -> Any:
        raise SimulatorError("libLLVM is missing")


def test_a_missing_renderer_is_a_sentence_with_the_command_that_says_more() -> None:
    with pytest.raises(UserError, match="no view can be rendered: libLLVM is missing; `midlevel doctor`"):
        render_view(1, 24, NoRenderer())
