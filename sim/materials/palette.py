"""The materials one house is furnished with."""

from dataclasses import dataclass

from sim.building import Material


@dataclass(frozen=True)
class Palette:
    """One material for every use; a house draws its own, and a room may vary it.

    Textured ones carry `texture_size_m`; meshes have their uv in metres.
    """

    # furniture
    wood: Material
    wood_dark: Material
    wood_light: Material
    painted_wood: Material
    laminate: Material
    metal: Material
    metal_dark: Material
    brass: Material
    plastic_white: Material
    plastic_black: Material
    plastic_color: Material
    rubber: Material
    fabric: Material
    fabric_accent: Material
    fabric_pattern: Material
    linen: Material
    towel: Material
    leather: Material
    wicker: Material
    rug: Material
    curtain: Material
    ceramic: Material
    ceramic_color: Material
    glass: Material
    mirror: Material
    screen: Material
    paper: Material
    cardboard: Material
    leaf: Material
    soil: Material
    terracotta: Material
    stone_top: Material
    lamp_shade: Material
    bulb: Material
    # surfaces of rooms
    wall: Material
    wall_accent: Material
    wall_tile: Material
    floor: Material
    floor_tile: Material
    floor_carpet: Material
    ceiling: Material
    trim: Material
    door: Material
    sky: Material
