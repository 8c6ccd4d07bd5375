"""What stands between an agent's camera and its policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from sim import Sensor


@dataclass(frozen=True)
class SightSpec:
    """One frame as the policy gets it; several are stacked along channels.

    Args:
        key: Name of the observation: "features" or "pixels".
        channels: Of one frame.
        height: Rows.
        width: Columns.
        dtype: "float16" or "uint8".
    """

    key: str
    channels: int
    height: int
    width: int
    dtype: str


class Vision(Protocol):
    """Turns what N cameras measured into what N policies see; frozen: it never learns."""

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """What cameras have to measure for it; none for the blind."""

    @property
    def sight(self) -> SightSpec | None:
        """What it returns; None for the blind."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What has to be the same for a policy to work: kind, tasks, bank name and hash; JSON."""

    def see(self, seen: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """One frame of each agent.

        Args:
            seen: By sensor name, arrays as in `sim.Observations`, without a leading stack: "rgb" uint8 [N, H, W, 3].

        Returns:
            [N, channels, height, width] of `sight.dtype`.
        """
