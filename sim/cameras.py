"""Cameras: many at once, each with its own pose, field of view and building.

The camera frame is OpenGL's and Habitat's: x right, y up, the view along -z. A surface that faces the camera has a
normal with positive z.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.errors import SimulatorError


@dataclass(frozen=True, eq=False)
class Cameras:
    """N pinhole cameras with the optical centre in the middle of the image.

    Args:
        positions: float32 [N, 3], metres, in the frame of each camera's building.
        rotations: float32 [N, 3, 3], camera to world.
        hfov_deg: float32 [N], horizontal field of view, degrees.
        buildings: int32 [N], index of each camera's building among those loaded.

    Raises:
        SimulatorError: If shapes differ, a value is not finite, or a field of view is outside (1, 179) degrees.
    """

    positions: NDArray[np.float32]
    rotations: NDArray[np.float32]
    hfov_deg: NDArray[np.float32]
    buildings: NDArray[np.int32]

    def __post_init__(self) -> None:
        count = len(self.positions)
        for label, array, shape in (
            ("positions", self.positions, (count, 3)),
            ("rotations", self.rotations, (count, 3, 3)),
            ("hfov_deg", self.hfov_deg, (count,)),
            ("buildings", self.buildings, (count,)),
        ):
            if array.shape != shape:
                raise SimulatorError(f"cameras: {label} have shape {array.shape}, expected {shape}.")
            if not np.isfinite(array).all():
                raise SimulatorError(f"cameras: {label} hold a value that is not finite.")
        if count and (self.hfov_deg.min() <= 1 or self.hfov_deg.max() >= 179):
            raise SimulatorError(
                f"field of view {self.hfov_deg.min():g} to {self.hfov_deg.max():g} deg; expected within (1, 179)."
            )

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, index: slice | NDArray[np.integer] | NDArray[np.bool_]) -> "Cameras":
        return Cameras(self.positions[index], self.rotations[index], self.hfov_deg[index], self.buildings[index])

    @classmethod
    def looking(
        cls,
        positions: ArrayLike,
        yaw_rad: ArrayLike,
        pitch_rad: ArrayLike = 0.0,
        hfov_deg: ArrayLike = 60.0,
        buildings: ArrayLike = 0,
    ) -> "Cameras":
        """Cameras without roll; everything broadcasts over N.

        Args:
            positions: [N, 3] or [3], metres.
            yaw_rad: 0 looks along -Z; positive turns left (counter-clockwise seen from above).
            pitch_rad: Positive looks up.
            hfov_deg: Horizontal field of view, degrees.
            buildings: Index of the building.
        """
        positions = np.atleast_2d(np.asarray(positions, dtype=np.float32))
        count = max(len(positions), *(np.size(value) for value in (yaw_rad, pitch_rad, hfov_deg, buildings)))
        yaw, pitch = (np.broadcast_to(np.asarray(angle, np.float64), count) for angle in (yaw_rad, pitch_rad))
        cos_y, sin_y, cos_p, sin_p = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        zero = np.zeros(count)
        rotations = np.stack(
            [
                np.stack([cos_y, sin_y * sin_p, sin_y * cos_p], axis=-1),
                np.stack([zero, cos_p, -sin_p], axis=-1),
                np.stack([-sin_y, cos_y * sin_p, cos_y * cos_p], axis=-1),
            ],
            axis=1,
        )
        return cls(
            np.ascontiguousarray(np.broadcast_to(positions, (count, 3)), dtype=np.float32),
            rotations.astype(np.float32),
            np.array(np.broadcast_to(np.asarray(hfov_deg, np.float32), count)),
            np.array(np.broadcast_to(np.asarray(buildings, np.int32), count)),
        )

    @classmethod
    def looking_at(
        cls, positions: ArrayLike, targets: ArrayLike, hfov_deg: ArrayLike = 60.0, buildings: ArrayLike = 0
    ) -> "Cameras":
        """Cameras without roll that see each target point in the middle of the image.

        Args:
            positions: [N, 3] or [3], metres.
            targets: [N, 3] or [3], metres, away from the positions.
            hfov_deg: Horizontal field of view, degrees.
            buildings: Index of the building.
        """
        positions = np.atleast_2d(np.asarray(positions, dtype=np.float64))
        view = np.atleast_2d(np.asarray(targets, dtype=np.float64)) - positions
        yaw = np.arctan2(-view[:, 0], -view[:, 2])
        pitch = np.arctan2(view[:, 1], np.hypot(view[:, 0], view[:, 2]))
        return cls.looking(np.broadcast_to(positions, view.shape), yaw, pitch, hfov_deg, buildings)
