"""Clothes: what a millimetre wave keeps on its way through them, and how they look.

Thicknesses and permittivities are representative of published measurements of textiles and leather
between 60 and 100 GHz, rounded; backscatter is this simulator's choice. None of it was measured on
a garment::

    name      layers                                   two ways   backscatter   over skin
    shirt     cotton 0.6 mm, 1.6 - 0.03j               -0.6 dB       -20 dB      -0.5 dB
    fleece    polyester pile 3 mm, 1.15 - 0.01j        -0.4 dB       -17 dB      -0.2 dB
    leather   1.5 mm, 2.6 - 0.15j                      -3.2 dB       -14 dB      -2.5 dB
    coat      0.3 mm nylon, 15 mm padding, nylon       -0.5 dB       -13 dB       0.0 dB
    wool      knitted, 4 mm, 1.3 - 0.03j               -1.6 dB       -15 dB      -1.3 dB
    denim     1.1 mm, 1.9 - 0.08j                      -1.2 dB       -16 dB      -0.9 dB

(nylon 2 - 0.03j, padding 1.08 without loss; two ways: head on, inner reflections included; over
skin: :meth:`Garment.face_gain` with the simulator's skin.)
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.materials import Material
from mmwave.simulation.transmission import Dielectric, Layer, two_way_transmission

Colour = tuple[float, float, float]
COLOUR_JITTER = 0.06
"""Standard deviation of a piece's colour around the one it was dyed."""


@dataclass(frozen=True)
class Garment:
    """One kind of clothing.

    Attributes:
        name: what it is.
        layers: outermost first; none where there is nothing on.
        backscatter_db: radar cross-section per area of the fabric itself, in dB, on top of what
            comes from the skin; minus infinity without a fabric.
        colours: red, green, blue 0..1 it is sold in.
        texture_scale_m: size of its pattern (weave, quilting, wrinkles).
        texture_contrast: standard deviation of the brightness over the pattern, relative.
        roughness: 0 shines like a mirror, 1 is matt.

    Raises:
        ValueError: a colour, a contrast or a roughness out of range, or no colour at all.
    """

    name: str
    layers: tuple[Layer, ...]
    backscatter_db: float
    colours: tuple[Colour, ...]
    texture_scale_m: float
    texture_contrast: float
    roughness: float

    def __post_init__(self) -> None:
        if not self.colours:
            raise ValueError(f"{self.name}: colours must name at least one, got none")
        values = {"texture_contrast": self.texture_contrast, "roughness": self.roughness}
        for place, colour in enumerate(self.colours):
            values |= {f"colours[{place}][{band}]": part for band, part in enumerate(colour)}
        for name, value in values.items():
            if not 0 <= value <= 1:
                raise ValueError(f"{self.name}: {name} must be in 0..1, got {value}")
        if not self.texture_scale_m > 0:
            raise ValueError(
                f"{self.name}: texture_scale_m must be positive, got {self.texture_scale_m}"
            )

    @cached_property
    def transmission(self) -> float:
        """Amplitude factor |T|^2 of an echo from under it, head on, over the sweep."""
        return float(two_way_transmission(self.layers))

    def face_gain(self, skin: Material) -> float:
        """Amplitude factor of a dressed body's diffuse return over the bare one's.

        The powers of the skin, twice through the fabric, and of the fabric add.

        Args:
            skin: material of the body under it.
        """
        bare = 10 ** (skin.diffuse_backscatter_db / 10)
        cloth = 10 ** (self.backscatter_db / 10)
        return float(np.sqrt((self.transmission**2 * bare + cloth) / bare))

    def look(self, generator: np.random.Generator) -> NDArray[np.float64]:
        """Colour of one piece, (3,) red, green, blue 0..1."""
        colour = np.asarray(self.colours[generator.integers(len(self.colours))])
        brightness = generator.normal(0.0, COLOUR_JITTER)
        return np.clip(colour + brightness + generator.normal(0.0, COLOUR_JITTER / 2, 3), 0, 1)


def _fabric(name: str, permittivity: complex, thickness_mm: float) -> Layer:
    return Layer(Dielectric.constant(name, permittivity), 1e-3 * thickness_mm)


_NYLON = _fabric("nylon", 2.0 - 0.03j, 0.3)
_LIST = (
    Garment(
        "none", (), -np.inf, ((0.80, 0.60, 0.50), (0.55, 0.38, 0.28), (0.92, 0.75, 0.66)),
        0.05, 0.03, 0.6,
    ),
    Garment(
        "shirt", (_fabric("cotton", 1.6 - 0.03j, 0.6),), -20.0,
        ((0.92, 0.92, 0.92), (0.60, 0.75, 0.92), (0.93, 0.70, 0.75)), 0.03, 0.08, 0.8,
    ),
    Garment(
        "fleece", (_fabric("pile", 1.15 - 0.01j, 3.0),), -17.0,
        ((0.75, 0.20, 0.20), (0.15, 0.55, 0.35), (0.90, 0.55, 0.15)), 0.006, 0.18, 1.0,
    ),
    Garment(
        "leather", (_fabric("leather", 2.6 - 0.15j, 1.5),), -14.0,
        ((0.10, 0.09, 0.09), (0.30, 0.18, 0.10)), 0.08, 0.30, 0.25,
    ),
    Garment(
        "coat", (_NYLON, _fabric("padding", 1.08, 15.0), _NYLON), -13.0,
        ((0.12, 0.16, 0.30), (0.25, 0.30, 0.18), (0.35, 0.36, 0.38)), 0.07, 0.22, 0.45,
    ),
    Garment(
        "wool", (_fabric("wool", 1.3 - 0.03j, 4.0),), -15.0,
        ((0.80, 0.74, 0.62), (0.55, 0.55, 0.56), (0.50, 0.15, 0.30)), 0.012, 0.25, 1.0,
    ),
    Garment(
        "denim", (_fabric("denim", 1.9 - 0.08j, 1.1),), -16.0,
        ((0.20, 0.29, 0.48), (0.38, 0.48, 0.64)), 0.02, 0.15, 0.9,
    ),
)  # fmt: skip
GARMENTS = {garment.name: garment for garment in _LIST}
"""Clothes by name."""
CLOTHINGS = tuple(GARMENTS)
"""Their names; a frame's clothing is an index into them."""
