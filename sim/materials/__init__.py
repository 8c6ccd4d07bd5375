"""Materials without end, painted from a seed: palettes of houses, pictures, rugs, books, screens, skies."""

from sim.materials.house import draw_palette, vary
from sim.materials.objects import book_cover, book_spines, bordered_rug, rug, screen, spanning
from sim.materials.palette import Palette
from sim.materials.pictures import picture
from sim.materials.sky import sky

__all__ = [
    "Palette",
    "book_cover",
    "book_spines",
    "bordered_rug",
    "draw_palette",
    "picture",
    "rug",
    "screen",
    "sky",
    "spanning",
    "vary",
]
