"""Shapes that the networks hand to each other."""

from collections.abc import Mapping
from typing import TypeVar

SPECTRUM = (3, 128, 64)
"""Channel, range bin, column."""

IMAGE = (5, 96, 128)
"""Red, green, blue, inverse depth, where depth is known; row, column."""

POLAR = (6, 128, 64)
"""What the camera sees, drawn into range and lateral sine."""

LATENTS = (8, 16, 8)
"""Of a spectrum: channel, range, column."""

LATENT_MAP = (32, 16, 8)
"""Of the context, each cell over the same cell of the latents."""

TOKENS = (24, 96)
"""Of the context: how many, and numbers in each."""

WATCHES = 3
"""Weapon, intruder, fall."""

Size = TypeVar("Size")


def sized(sizes: Mapping[str, Size], name: str) -> Size:
    """The size of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in sizes:
        raise ValueError(f"size must be one of {', '.join(sizes)}, got {name!r}")
    return sizes[name]
