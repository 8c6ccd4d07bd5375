"""Plain colours of small things that come in many: books, toys, fruit, bottles, fur."""

from sim.building import Material


def _plain(kind: str, codes: str, roughness: float) -> tuple[Material, ...]:
    """One material for each sRGB code."""
    materials = []
    for code in codes.split():
        red, green, blue = ((int(code[k : k + 2], 16) / 255) ** 2.2 for k in (0, 2, 4))
        materials.append(Material(f"{kind}_{code}", (red, green, blue), roughness=roughness))
    return tuple(materials)


BOOKS = _plain("book", "7c2f2b 23405f 355e4b c79a3f e2d8c3 26262a b2572f 54406a 86a0b0 8d6a46 a8a29a 3f6f80", 0.7)
TOYS = _plain("toy", "d8392f 2c6fc0 f2c230 3c9c50 e67e28 8e4fa8 f3efe6", 0.5)
FRUIT = _plain("fruit", "b3261e 7ea832 e5902a e8c843 8c2f3a", 0.4)
BOTTLES = _plain("bottle", "1f4a2c 5a3416 3b6e8f d9dcd8 7a1f2a", 0.2)
CLOTHES = _plain("clothes", "33455c 8c2f39 d6cfc0 4f6b52 1f2024 b98d5e 7c8ba0", 0.9)
FUR = _plain("fur", "8a5a32 b98b5a 5c3a22 c9c2b5 6d6f78", 1.0)
"""Each a material for every colour; shared by all houses, so that things of one colour share it."""
SOAPS = _plain("soap", "e8e4da d98fa6 7fb2c9 93b86a", 0.4)
EMBER = Material("ember", (0.9, 0.3, 0.05), emission=(1.2, 0.35, 0.05))
FLAME = Material("flame", (1.0, 0.8, 0.4), emission=(4.0, 2.4, 0.8))
EYE = Material("eye", (0.01, 0.01, 0.01), roughness=0.2)
DARK_GLASS = Material("dark_glass", (0.015, 0.015, 0.017), roughness=0.15)
