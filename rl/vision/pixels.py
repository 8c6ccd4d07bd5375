"""The camera's pixels as they are, for agents that learn to see from scratch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from rl.vision.vision import SightSpec
from sim import AgentSpec, Sensor

_BLOCKS = 16


class PixelVision:
    """Frames uint8 [3, H, W]; satisfies `Vision`.

    Args:
        camera: Its images are square, and their side is a multiple of 16.

    Raises:
        UserError: If they are not.
    """

    sensors: tuple[Sensor, ...] = (Sensor.RGB,)

    def __init__(self, camera: AgentSpec) -> None:
        if camera.height != camera.width or camera.height % _BLOCKS:
            raise UserError(
                f"the camera has {camera.height} x {camera.width} px; agents that see pixels need square images with a "
                f"side that is a multiple of {_BLOCKS}, such as 64."
            )
        self.sight = SightSpec("pixels", 3, camera.height, camera.width, "uint8")

    @property
    def identity(self) -> Mapping[str, Any]:
        """See `Vision.identity`."""
        return {"kind": "pixels", "side_px": self.sight.height}

    def see(self, seen: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
        """Frames uint8 [N, 3, H, W].

        Raises:
            UserError: If "rgb" is not uint8 [N, H, W, 3].
        """
        rgb = seen["rgb"]
        if rgb.dtype != np.uint8 or rgb.shape[1:] != (self.sight.height, self.sight.width, 3):
            raise UserError(
                f"frames are {rgb.dtype} {list(rgb.shape)}; expected uint8 [N, {self.sight.height}, "
                f"{self.sight.width}, 3]."
            )
        return np.ascontiguousarray(rgb.transpose(0, 3, 1, 2))
