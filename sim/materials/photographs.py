"""Photographed surfaces from an installed MiniWorld, whose wheel carries about forty.

MiniWorld (Chevalier-Boisvert et al., 2023) is published under the Apache licence; nothing of it is kept here.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sim.building import Material
from sim.errors import SimulatorError
from sim.materials.swatch import Image

_SIDE = 256
_CHOICES: dict[str, tuple[tuple[str, float], ...]] = {
    "wood": (("wood_1", 1.2), ("wood_2", 1.2)),
    "floor": (("wood_planks_1", 1.2), ("wood_1", 1.5), ("wood_2", 1.5), ("concrete_3", 2.0)),
    "floor_tile": (("floor_tiles_white", 1.2), ("floor_tiles_bw_1", 1.2), ("concrete_tiles_1", 1.2), ("marble_1", 1.2)),
    "wall": (("drywall_1", 2.0), ("stucco_1", 1.6)),
    "wall_accent": (("brick_wall_1", 1.5), ("cinder_blocks_1", 1.6), ("concrete_1", 2.0), ("wood_planks_1", 1.2)),
    "wall_tile": (("ceiling_tiles_1", 0.8), ("floor_tiles_white", 0.8)),
    "stone_top": (("marble_1", 0.8), ("rock_1", 0.8)),
    "cardboard": (("cardboard_1", 0.6), ("cardboard_2", 0.6), ("cardboard_4", 0.6)),
    "ceiling": (("ceiling_tile_noborder_1", 0.6), ("drywall_1", 2.0)),
}
"""For each use: photographs, and the metres that one spans."""

_LYING_GRAIN = frozenset({"wood"})
"""Uses whose grain runs along u; it stands in the photographs."""


@lru_cache(maxsize=1)
def photographs() -> dict[str, Image]:
    """Every photographed surface by name, uint8 [256, 256, 3] in sRGB.

    Raises:
        SimulatorError: If MiniWorld is not installed, or lacks its textures.
    """
    # the package is found, not imported: importing it opens a display
    found = find_spec("miniworld")
    places = [Path(place) / "textures" for place in (found.submodule_search_locations or ())] if found else []
    files = sorted(file for place in places for file in place.glob("*.png"))
    if not files:
        raise SimulatorError(
            "photographed textures come with the package 'miniworld', which is not installed; "
            "run `pip install --no-deps miniworld`, or leave photographs out."
        )
    return {file.stem: _opened(file) for file in files}


def photographic(rng: np.random.Generator) -> dict[str, Material]:
    """Materials with photographs, by field of `Palette`; about half of the fields that could have one.

    Raises:
        SimulatorError: If MiniWorld is not installed, or lacks a texture.
    """
    available = photographs()
    made = {}
    for field, choices in _CHOICES.items():
        name, size_m = choices[int(rng.integers(len(choices)))]
        if name not in available:
            raise SimulatorError(f"the installed 'miniworld' has no texture {name!r}; version 2.1 is expected.")
        if rng.uniform() < 0.6:
            texture = available[name]
            if field in _LYING_GRAIN:
                texture = np.ascontiguousarray(texture.transpose(1, 0, 2))
            made[field] = Material(field, texture=texture, texture_size_m=(size_m, size_m), roughness=0.7)
    return made


def _opened(file: Path) -> Image:
    from PIL import Image as Pillow

    with Pillow.open(file) as picture:
        return np.asarray(picture.convert("RGB").resize((_SIDE, _SIDE), Pillow.Resampling.BOX), dtype=np.uint8)
