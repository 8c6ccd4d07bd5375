"""The palette of a house: one style, and materials that go together; and its variation from room to room."""

from dataclasses import replace

import numpy as np

from sim.building import Material
from sim.materials import cloth, minerals, surfaces, wood
from sim.materials.noise import noise
from sim.materials.objects import rug, screen
from sim.materials.palette import Palette
from sim.materials.photographs import photographic
from sim.materials.schemes import SCHEMES, Scheme
from sim.materials.sky import sky
from sim.materials.surfaces import pick, three
from sim.materials.swatch import WHITE, Color, colors, hexadecimal, jittered, linear, mixed, plain, ramp

METALS: dict[str, Color] = {
    "steel": hexadecimal("b9bcc0"),
    "black": hexadecimal("4a4b4e"),
    "brass": hexadecimal("c2a264"),
}
"""Colours of fittings, sRGB."""

_SCHEME_BY_NAME = {scheme.name: scheme for scheme in SCHEMES}
_WHITES = colors("f2f0ea f4f4f2 e4e2dd d9d8d4")
_GREENS = colors("3f6b35 52793f 2f5a3d 6a8a4a 4f6f52")
_LEATHERS = colors("6b3f25 8f5a34 2b2725 a9a198 5a2d22 d2c4ae")
_WICKERS = colors("c29a63 a8794a 8a6a48 d6bd92 6a5340")
_PLASTICS = colors("d8382c f0b428 2f7fc0 3fa05a e8743a 7a4fa0 e27aa0 2fb0b0")
_LIVELY = frozenset({"childs_room", "nursery"})


def draw_palette(rng: np.random.Generator, *, photographs: bool = False) -> Palette:
    """Draw the materials of one house: a style is chosen, and everything follows it.

    Args:
        rng: All that the palette depends on.
        photographs: Whether photographed textures stand in for painted ones where there is one.

    Raises:
        SimulatorError: If photographs are asked for and none are installed.
    """
    scheme = SCHEMES[int(rng.integers(len(SCHEMES)))]
    made = _woods(rng, scheme) | _hard(rng, scheme) | _cloths(rng, scheme) | _odds(rng) | _surfaces(rng, scheme)
    if photographs:
        made |= photographic(rng)
    return Palette(**{field: replace(material, name=field) for field, material in made.items()})


def vary(palette: Palette, rng: np.random.Generator, *, room_kind: str = "") -> Palette:
    """The palette of one room: other cloths, perhaps another paint, tiles and carpet; the rest as in the house.

    Args:
        palette: Of the house.
        rng: What the room's own materials depend on.
        room_kind: Of the room, for example "childs_room", which is livelier than others.
    """
    lively = room_kind in _LIVELY
    scheme = _SCHEME_BY_NAME["colourful"] if lively else SCHEMES[int(rng.integers(len(SCHEMES)))]
    ours = replace(scheme, neutrals=(_seen(palette.fabric), _seen(palette.curtain), scheme.neutrals[0]))
    made: dict[str, Material] = {
        "fabric_accent": _dyed(palette.fabric_accent, pick(rng, scheme.colors, 0.03)),
        "fabric_pattern": cloth.printed(rng, three(rng, ours)).material("fabric_pattern"),
        "towel": _dyed(palette.towel, _towel_color(rng, scheme)),
        "linen": _dyed(palette.linen, _linen_color(rng, scheme)),
        "rug": rug(rng),
        "plastic_color": plain("plastic_color", pick(rng, _PLASTICS, 0.04), 0.4),
        "ceramic_color": plain("ceramic_color", pick(rng, scheme.colors, 0.04), 0.2),
    }
    if rng.uniform() < (0.9 if lively else 0.55):
        tint = pick(rng, scheme.walls, 0.015)
        if rng.uniform() < (0.4 if lively else 0.12):
            tint = mixed(pick(rng, scheme.colors), tint, float(rng.uniform(0.3, 0.7)))
        made["wall"] = _dyed(palette.wall, tint) if _tintable(palette.wall) else surfaces.bold_paint(rng, scheme)
    if rng.uniform() < 0.5:
        made["wall_accent"] = _accent_wall(rng, ours)
    if rng.uniform() < 0.5:
        made["curtain"] = _curtain(rng, ours)
    if rng.uniform() < 0.4:
        made["floor_carpet"] = surfaces.carpet(rng, ours)
    if rng.uniform() < 0.5:
        made["floor_tile"] = _wet_floor(rng, scheme)
        made["wall_tile"] = surfaces.wall_tiles(rng, scheme).material("wall_tile")
    suffix = f"{int(rng.integers(1 << 32)):08x}"
    return replace(palette, **{field: replace(new, name=f"{field}_{suffix}") for field, new in made.items()})


def _woods(rng: np.random.Generator, scheme: Scheme) -> dict[str, Material]:
    main = scheme.woods[int(rng.integers(len(scheme.woods)))]
    gloss = float(rng.uniform(0.3, 0.6))
    color = mixed(pick(rng, scheme.colors, 0.02), scheme.walls[0], float(rng.uniform(0, 0.6)))
    paint = color if rng.uniform() < 0.35 else pick(rng, _WHITES)
    front = pick(rng, (*_WHITES, hexadecimal("4d5054"), *scheme.neutrals[:2]))
    return {
        "wood": wood.board(rng, main, roughness=gloss).material("wood"),
        "wood_dark": wood.board(rng, wood.DARK[int(rng.integers(len(wood.DARK)))], roughness=gloss).material(
            "wood_dark"
        ),
        "wood_light": wood.board(rng, wood.LIGHT[int(rng.integers(len(wood.LIGHT)))], roughness=gloss).material(
            "wood_light"
        ),
        "painted_wood": wood.painted(rng).material("painted_wood", paint),
        "laminate": minerals.laminate(rng, front).material("laminate"),
    }


def _hard(rng: np.random.Generator, scheme: Scheme) -> dict[str, Material]:
    metal = METALS[scheme.metals[int(rng.integers(len(scheme.metals)))]]
    stone = pick(
        rng, (hexadecimal("3a3a3c"), hexadecimal("d8d4cc"), hexadecimal("857f78"), hexadecimal("6a6663")), 0.03
    )
    top = surfaces.marble(rng, scheme) if rng.uniform() < 0.4 else minerals.granite(rng, stone).material("stone_top")
    metals = (
        minerals.brushed_metal(rng, jittered(rng, metal)).material("metal"),
        plain("metal_dark", jittered(rng, hexadecimal("37383b"), 0.02), 0.35),
        minerals.brushed_metal(rng, jittered(rng, METALS["brass"])).material("brass"),
    )
    return {
        **{material.name: replace(material, metallic=1.0) for material in metals},
        "plastic_white": plain("plastic_white", jittered(rng, hexadecimal("ebeae6"), 0.01), 0.4),
        "plastic_black": plain("plastic_black", jittered(rng, hexadecimal("303032"), 0.015), 0.4),
        "plastic_color": plain("plastic_color", pick(rng, _PLASTICS, 0.04), 0.4),
        "rubber": plain("rubber", jittered(rng, hexadecimal("2e2d2d"), 0.015), 0.9),
        "ceramic": plain("ceramic", jittered(rng, hexadecimal("f0efeb"), 0.008), 0.15),
        "ceramic_color": plain("ceramic_color", pick(rng, scheme.colors, 0.03), 0.2),
        "glass": plain("glass", jittered(rng, hexadecimal("c9d6d6"), 0.01), 0.05),
        "mirror": replace(minerals.silvered().material("mirror"), metallic=1.0),
        "stone_top": top,
        "terracotta": minerals.clay(rng, jittered(rng, hexadecimal("b5653f"), 0.03)).material("terracotta"),
    }


def _cloths(rng: np.random.Generator, scheme: Scheme) -> dict[str, Material]:
    sofa = pick(rng, (*scheme.neutrals, mixed(scheme.colors[0], scheme.neutrals[0], 0.3)), 0.03)
    cover = cloth.melange(rng, sofa).material("fabric") if rng.uniform() < 0.35 else None
    plain_weave, sheet = cloth.weave(rng), cloth.weave(rng, coarse=0.4)
    return {
        "fabric": cover or plain_weave.material("fabric", sofa),
        "fabric_accent": plain_weave.material("fabric_accent", pick(rng, scheme.colors, 0.03)),
        "fabric_pattern": cloth.printed(rng, three(rng, scheme)).material("fabric_pattern"),
        "linen": sheet.material("linen", _linen_color(rng, scheme)),
        "towel": cloth.terry(rng).material("towel", _towel_color(rng, scheme)),
        "leather": cloth.leather(rng, pick(rng, _LEATHERS, 0.02)).material("leather"),
        "wicker": cloth.wicker(rng, pick(rng, _WICKERS, 0.02)).material("wicker"),
        "rug": rug(rng),
        "curtain": _curtain(rng, scheme),
    }


def _odds(rng: np.random.Generator) -> dict[str, Material]:
    warmth = float(rng.uniform(0.3, 1.0))
    glow = linear(mixed(WHITE, (1.0, 0.76, 0.45), warmth))
    shade = mixed(WHITE, (0.92, 0.82, 0.62), float(rng.uniform()))
    fibres = noise(rng, (128, 128), slope=0.8, lowest=2)
    return {
        "screen": screen(rng),
        "paper": Material(
            "paper", texture=ramp(0.93 + 0.008 * fibres, ((0.0, 0.0, 0.0), WHITE)), texture_size_m=(0.3, 0.3)
        ),
        "cardboard": minerals.cardboard(rng, jittered(rng, hexadecimal("b48a5a"), 0.03)).material("cardboard"),
        "leaf": minerals.leaf(rng, pick(rng, _GREENS, 0.03)).material("leaf"),
        "soil": minerals.soil(rng).material("soil"),
        "lamp_shade": Material("lamp_shade", linear(shade), emission=_scaled(glow, 0.45), roughness=1.0),
        "bulb": Material("bulb", (0.9, 0.9, 0.9), emission=_scaled(glow, 4.0), roughness=0.3),
        "sky": sky(rng),
    }


def _surfaces(rng: np.random.Generator, scheme: Scheme) -> dict[str, Material]:
    joinery = scheme.woods[int(rng.integers(len(scheme.woods)))]
    white = jittered(rng, hexadecimal("f3f1ec"), 0.01)
    painted = wood.painted(rng)
    trim, door = painted.material("trim", white), painted.material("door", white)
    if rng.uniform() > scheme.white_joinery:
        door = wood.board(rng, joinery).material("door")
        trim = replace(door, name="trim") if rng.uniform() < 0.7 else trim
    elif rng.uniform() < 0.15:
        door = painted.material("door", mixed(pick(rng, scheme.colors), (0.5, 0.5, 0.5), 0.2))
    ceiling = minerals.plaster(rng, relief=0.5).material("ceiling", jittered(rng, hexadecimal("f8f7f4"), 0.005))
    if scheme.name == "industrial" and rng.uniform() < 0.5:
        ceiling = surfaces.concrete_wall(rng, scheme)
    floor = surfaces.FLOORS[scheme.floors[int(rng.integers(len(scheme.floors)))]](rng, scheme)
    return {
        "wall": _wall(rng, scheme),
        "wall_accent": _accent_wall(rng, scheme),
        "wall_tile": surfaces.wall_tiles(rng, scheme).material("wall_tile"),
        "floor": floor,
        "floor_tile": _wet_floor(rng, scheme),
        "floor_carpet": surfaces.carpet(rng, scheme),
        "ceiling": ceiling,
        "trim": trim,
        "door": door,
    }


def _wall(rng: np.random.Generator, scheme: Scheme) -> Material:
    if rng.uniform() < 0.8:
        return surfaces.paint(rng, scheme)
    return (surfaces.wallpaper, surfaces.limewash)[int(rng.integers(2))](rng, scheme)


def _accent_wall(rng: np.random.Generator, scheme: Scheme) -> Material:
    return surfaces.ACCENT_WALLS[scheme.accents[int(rng.integers(len(scheme.accents)))]](rng, scheme)


def _wet_floor(rng: np.random.Generator, scheme: Scheme) -> Material:
    return surfaces.FLOORS[surfaces.TILED[int(rng.integers(len(surfaces.TILED)))]](rng, scheme)


def _curtain(rng: np.random.Generator, scheme: Scheme) -> Material:
    if rng.uniform() < 0.3:
        return cloth.printed(rng, three(rng, scheme), repeat_m=0.6).material("curtain")
    return cloth.weave(rng, coarse=0.6).material(
        "curtain", pick(rng, (*scheme.neutrals, *scheme.colors[:1], scheme.walls[0]), 0.02)
    )


def _linen_color(rng: np.random.Generator, scheme: Scheme) -> Color:
    return mixed(pick(rng, scheme.colors), WHITE, float(rng.choice((0.97, 0.9, 0.5, 0.2))))


def _towel_color(rng: np.random.Generator, scheme: Scheme) -> Color:
    return mixed(pick(rng, scheme.colors, 0.03), WHITE, float(rng.choice((0.95, 0.6, 0.2, 0.0))))


def _tintable(material: Material) -> bool:
    """Whether a texture is near white and grey, so that any colour can be laid over it."""
    if material.texture is None:
        return True
    low = material.texture.min(axis=(0, 1)).astype(int)
    return bool(low.min() > 150 and low.max() - low.min() < 3)


def _dyed(material: Material, color: Color) -> Material:
    return replace(material, base_color=linear(color))


def _seen(material: Material) -> Color:
    """A material's mean colour, sRGB."""
    if material.texture is None:
        r, g, b = np.asarray(material.base_color) ** (1 / 2.2)
    else:
        r, g, b = material.texture.mean(axis=(0, 1)) / 255 * np.asarray(material.base_color) ** (1 / 2.2)
    return float(r), float(g), float(b)


def _scaled(color: Color, factor: float) -> Color:
    return color[0] * factor, color[1] * factor, color[2] * factor
