"""Mid-level vision: the features of a frozen encoder in place of pixels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.encoding.encoder import FEATURE_CHANNELS, FEATURE_SIDE, Encoder, check_task_list
from perception.errors import UserError
from rl.vision.vision import SightSpec
from sim import Sensor

_LARGEST_HALF = float(np.finfo(np.float16).max)


class EncodedVision:
    """Features float16 [8k, 16, 16] of the camera's image; satisfies `Vision`.

    Args:
        encoder: A bank here, a server, or a fake; it is asked for all agents' features in one call.
        tasks: Whose features, in order.
        identity: What has to be the same for a policy to work: the bank's name and hash; JSON.

    Raises:
        UserError: If no task is named.
    """

    sensors: tuple[Sensor, ...] = (Sensor.RGB,)

    def __init__(self, encoder: Encoder, tasks: Sequence[str], identity: Mapping[str, Any]) -> None:
        self.encoder = encoder
        self.tasks = check_task_list(tasks)
        self._identity = dict(identity)
        channels = FEATURE_CHANNELS * len(self.tasks)
        self.sight = SightSpec("features", channels, FEATURE_SIDE, FEATURE_SIDE, "float16")

    @property
    def identity(self) -> Mapping[str, Any]:
        """See `Vision.identity`."""
        return {"kind": "features", "tasks": list(self.tasks), **self._identity}

    def close(self) -> None:
        """Let go of a server's connection and shared memory, if the encoder has them; a later look makes them anew."""
        close = getattr(self.encoder, "close", None)
        if close is not None:
            close()

    def see(self, seen: Mapping[str, NDArray[Any]]) -> NDArray[np.float16]:
        """Features float16 [N, 8k, 16, 16], from one call of the encoder.

        Raises:
            UserError: If the encoder gives another shape, or values that are not finite in float16; or as it raises.
        """
        rgb = seen["rgb"]
        features = self.encoder.encode(rgb, self.tasks)
        expected = (len(rgb), self.sight.channels, self.sight.height, self.sight.width)
        if features.shape != expected:
            raise UserError(
                f"the encoder gave features {list(features.shape)} for {len(rgb)} frames and the tasks "
                f"{', '.join(self.tasks)}; the policy expects {list(expected)}: is it the encoder it was trained with?"
            )
        largest = np.abs(features).max(axis=(0, 2, 3), initial=0)
        if not largest.max() <= _LARGEST_HALF:  # nor for NaN
            where = int(np.flatnonzero(~(largest <= _LARGEST_HALF))[0])
            raise UserError(
                f"the encoder gave features of {self.tasks[where // FEATURE_CHANNELS]!r} that are not finite, or too "
                "large for float16 (65504); check its bank with `midlevel bank verify`."
            )
        return features.astype(np.float16)
