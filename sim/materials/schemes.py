"""Styles that houses are furnished in: which woods, colours and surfaces go together."""

from dataclasses import dataclass

from sim.materials.swatch import Color, colors


@dataclass(frozen=True)
class Scheme:
    """One style.

    Args:
        name: Of the style.
        woods: Species of the furniture.
        floor_woods: Species of wooden floors.
        floors: What the living rooms' floor may be, repeated where likelier; keys of `surfaces.FLOORS`.
        accents: What the accent wall may be; keys of `surfaces.ACCENT_WALLS`.
        walls: Paints of walls, sRGB.
        neutrals: Sofas, curtains, carpets.
        colors: Cushions, chairs, vases.
        tiles: Glazes of wall and floor tiles.
        metals: Keys of `METALS` in `sim.materials.house`.
        white_joinery: Probability that doors and skirting are painted white rather than wooden.
    """

    name: str
    woods: tuple[str, ...]
    floor_woods: tuple[str, ...]
    floors: tuple[str, ...]
    accents: tuple[str, ...]
    walls: tuple[Color, ...]
    neutrals: tuple[Color, ...]
    colors: tuple[Color, ...]
    tiles: tuple[Color, ...]
    metals: tuple[str, ...]
    white_joinery: float


SCHEMES = (
    Scheme(
        "scandinavian",
        ("birch", "pine", "beech", "white oak"),
        ("white oak", "pine", "oak", "birch"),
        ("wood", "wood", "wood", "painted boards"),
        ("paint", "paint", "painted boards", "wallpaper"),
        colors("f6f4ef f3f1ec eceae4 e6e9e8"),
        colors("c9c5bd a9a7a3 6f7479 e3ded4"),
        colors("7a94a3 d9b650 9fb0a0 d3a08e 3c4a57"),
        colors("f1f0ec e2e4e3 c9d2d2"),
        ("steel", "black"),
        0.9,
    ),
    Scheme(
        "classic",
        ("mahogany", "walnut", "cherry"),
        ("walnut", "cherry", "oak", "mahogany"),
        ("wood", "wood", "carpet", "marble"),
        ("wallpaper", "wallpaper", "panelling", "paint"),
        colors("efe6d2 e9ddc4 dfe0cf f1ebdf d9cdb6"),
        colors("b79f7e 8a6f55 d8c9ab 5d4a3c"),
        colors("7b2d2f 2f4a3c 31446b a8823c 5a3350"),
        colors("eee6d6 d9c9ac 6b3a32"),
        ("steel", "steel", "brass"),
        0.35,
    ),
    Scheme(
        "industrial",
        ("oak", "teak", "walnut"),
        ("grey ash", "oak", "walnut"),
        ("concrete", "concrete", "wood", "stoneware"),
        ("brick", "brick", "brick", "concrete"),
        colors("e4e2de d6d3ce cfd0d0 f0eeea"),
        colors("5b5c5e 8c8780 3d3f42 a08b72"),
        colors("a4532f c28a3d 46586a 2d2f31 6d7a5c"),
        colors("f0efec 3a3c3e 8b8d8e"),
        ("black", "steel"),
        0.3,
    ),
    Scheme(
        "mediterranean",
        ("pine", "oak", "teak"),
        ("oak", "teak"),
        ("terracotta", "terracotta", "cement", "flagstones"),
        ("limewash", "limewash", "plaster", "brick"),
        colors("f5eee0 f1e4cc f3dcc2 eef0ec e8d2ae"),
        colors("d9c7a6 efe6d6 b99b76 8f9c86"),
        colors("1f6f9c d0723b e0a73a 3f7f6d b5463a"),
        colors("f1ece1 2f7396 d9a94a 4c8a78"),
        ("steel", "steel", "black"),
        0.3,
    ),
    Scheme(
        "mid-century",
        ("teak", "walnut", "oak"),
        ("oak", "teak", "walnut"),
        ("wood", "wood", "cork", "terrazzo"),
        ("paint", "panelling", "wallpaper"),
        colors("f2eee3 e8e4d6 dfe5df e9dcc3"),
        colors("b8a888 7d7466 d9d0bd 9c8f6a"),
        colors("d07a2d 2f7f7b b3b04a c4483a 3f4f6a"),
        colors("ece8da 79a59c d8b75a"),
        ("steel", "steel", "brass"),
        0.4,
    ),
    Scheme(
        "country",
        ("pine", "oak", "cherry"),
        ("pine", "oak", "beech"),
        ("wood", "wood", "flagstones", "terracotta"),
        ("wallpaper", "painted boards", "brick", "paint"),
        colors("f4efe2 eee7d3 e2e6d6 f0e2d8 dce4ea"),
        colors("d8ccb4 b5a68c ebe4d6 97a08a"),
        colors("7f9b78 b46a63 5f7f9e dcb75e 8c5f4a"),
        colors("f2ede0 c9d3c0 b7c6d0"),
        ("steel", "black", "steel"),
        0.7,
    ),
    Scheme(
        "minimal",
        ("white oak", "grey ash", "wenge"),
        ("white oak", "grey ash", "oak"),
        ("wood", "stoneware", "stoneware", "concrete"),
        ("paint", "paint", "marble", "panelling"),
        colors("f5f5f4 efefee e7e7e6 dcdddd"),
        colors("d4d3d0 8f9092 4a4b4d f0efed"),
        colors("1f2022 8c8c8a c7b9a3 566066 b7513a"),
        colors("f3f3f2 b4b4b2 505254"),
        ("steel", "black"),
        0.8,
    ),
    Scheme(
        "japandi",
        ("bamboo", "white oak", "wenge", "birch"),
        ("oak", "bamboo", "white oak"),
        ("wood", "wood", "wood", "limewash floor"),
        ("limewash", "panelling", "paint"),
        colors("f1ece2 e7e0d2 dcd5c6 e3e2da"),
        colors("c4b69e a39a89 6a6358 e6dfd1"),
        colors("59684f a5634a 3b3a38 b89a6a 7d8c8a"),
        colors("e9e4d9 8f948a 4c5450"),
        ("black", "brass"),
        0.2,
    ),
    Scheme(
        "colourful",
        ("birch", "beech", "walnut"),
        ("oak", "beech", "pine", "white oak"),
        ("wood", "wood", "wood", "cork", "checkered"),
        ("bold paint", "bold paint", "wallpaper"),
        colors("f6f1e4 f3d9c9 d4e3e4 e9e2b9 e3d5e6 cfe0c8"),
        colors("e3d7c2 8fa3a8 b87f6d 4f5f7a"),
        colors("e0553f f0b13c 2d8f8a 6a4f9a e58aa0 3574b5"),
        colors("f3efe6 e58f7a 5aa59c f0c860 4b79a8"),
        ("steel",),
        0.75,
    ),
    Scheme(
        "victorian",
        ("mahogany", "oak", "walnut"),
        ("oak", "walnut", "mahogany"),
        ("wood", "wood", "carpet", "checkered"),
        ("wallpaper", "wallpaper", "wallpaper", "bold paint"),
        colors("e6dfcf d8d6c2 cfd3c9 e7d6c6 c7cfd3"),
        colors("8d7a66 6a4a45 b9a888 4b5148"),
        colors("6a2437 2d4a44 293a5c 9c7a35 5d2f52"),
        colors("efeadd 2b3a37 7a2f35"),
        ("steel", "steel", "black"),
        0.55,
    ),
    Scheme(
        "coastal",
        ("white oak", "pine", "birch"),
        ("white oak", "grey ash", "pine"),
        ("wood", "wood", "painted boards", "stoneware"),
        ("painted boards", "painted boards", "paint", "wallpaper"),
        colors("f6f6f2 e9f0f1 dde8ea f2ede1"),
        colors("dcd3c0 b9c5c9 f0ece3 8fa0a8"),
        colors("2f5f86 6fa3b0 e5cfa6 d97c62 1f3c58"),
        colors("f2f4f3 9fc0c6 4b7f95"),
        ("steel",),
        0.9,
    ),
    Scheme(
        "bohemian",
        ("teak", "cherry", "bamboo"),
        ("teak", "oak", "cherry"),
        ("wood", "wood", "wood", "terracotta", "cement"),
        ("bold paint", "wallpaper", "limewash", "brick"),
        colors("f3e8d8 ecd8be e6d3c8 dfe0cc"),
        colors("c9a983 9a6d4e e4d3b8 7b7a55"),
        colors("b5432e d98b2b 1f6a6d 8a3a5c 4f6b35"),
        colors("efe3cf 2f7f80 c8683d"),
        ("steel", "steel", "black"),
        0.35,
    ),
)
"""Every style a house may be in, equally likely."""
