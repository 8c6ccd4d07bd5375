"""Cameras: many at once, each with its own pose, field of view and building.

The camera frame is OpenGL's and Habitat's: x right, y up, the view along -z. A surface that faces the camera has a
normal with positive z.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.checks import check_array, common_count
from sim.errors import SimulatorError

_SKEW = 1e-3
"""How far from a rotation a matrix may be, in any entry of its square."""


@dataclass(frozen=True, eq=False)
class Cameras:
    """N pinhole cameras with the optical centre in the middle of the image.

    Args:
        positions: float32 [N, 3], metres, in the frame of each camera's building.
        rotations: float32 [N, 3, 3], camera to world.
        hfov_deg: float32 [N], horizontal field of view, degrees.
        buildings: int32 [N], index of each camera's building among those loaded.

    Arrays of other floating or integer types are converted.

    Raises:
        SimulatorError: If shapes or types differ, a value is not finite, a matrix is no rotation, or a field of view is
            outside (1, 179) degrees.
    """

    positions: NDArray[np.float32]
    rotations: NDArray[np.float32]
    hfov_deg: NDArray[np.float32]
    buildings: NDArray[np.int32]

    def __post_init__(self) -> None:
        count = len(self.positions)
        for name, dtype, shape in (
            ("positions", np.float32, (count, 3)),
            ("rotations", np.float32, (count, 3, 3)),
            ("hfov_deg", np.float32, (count,)),
            ("buildings", np.int32, (count,)),
        ):
            array = check_array(f"cameras: {name}", getattr(self, name), dtype, shape)
            if not np.isfinite(array).all():
                raise SimulatorError(f"cameras: {name} hold a value that is not finite.")
            object.__setattr__(self, name, array)
        square = self.rotations @ self.rotations.transpose(0, 2, 1)
        turned = (np.abs(square - np.eye(3, dtype=np.float32)).max(axis=(1, 2)) < _SKEW) & (
            np.linalg.det(self.rotations) > 0
        )
        if not turned.all():
            first = int(np.argmin(turned))
            raise SimulatorError(
                f"camera {first}: {self.rotations[first].tolist()} is no rotation; its rows must be of length 1 and "
                "at right angles, and its determinant 1."
            )
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

        Raises:
            SimulatorError: If numbers of cameras differ, and as the class says.
        """
        positions = np.atleast_2d(np.asarray(positions, dtype=np.float32))
        count = common_count("cameras", len(positions), yaw_rad, pitch_rad, hfov_deg, buildings)
        yaw, pitch = (np.broadcast_to(np.ravel(angle), count) for angle in (yaw_rad, pitch_rad))
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
            np.array(np.broadcast_to(positions, (count, positions.shape[-1]))),
            rotations.astype(np.float32),
            np.array(np.broadcast_to(np.ravel(hfov_deg), count)),
            np.array(np.broadcast_to(np.ravel(buildings), count)),
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

        Raises:
            SimulatorError: If numbers of cameras differ, and as the class says.
        """
        positions = np.atleast_2d(np.asarray(positions, dtype=np.float64))
        aims = np.atleast_2d(np.asarray(targets, dtype=np.float64))
        common_count("positions and targets", len(positions), aims[:, 0])
        view = aims - positions
        yaw = np.arctan2(-view[:, 0], -view[:, 2])
        pitch = np.arctan2(view[:, 1], np.hypot(view[:, 0], view[:, 2]))
        return cls.looking(np.broadcast_to(positions, view.shape), yaw, pitch, hfov_deg, buildings)
