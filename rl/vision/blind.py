"""No vision at all: what every other agent is held against."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from perception.errors import UserError
from rl.vision.vision import SightSpec
from sim import Sensor


class BlindVision:
    """Nothing is measured, and nothing is seen; satisfies `Vision`."""

    sensors: tuple[Sensor, ...] = ()
    sight: SightSpec | None = None

    @property
    def identity(self) -> Mapping[str, Any]:
        """See `Vision.identity`."""
        return {"kind": "blind"}

    def see(self, seen: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Refused.

        Raises:
            UserError: Always; there is no sight to ask for.
        """
        del seen
        raise UserError("a blind agent was asked what it sees; it has no sight.")
