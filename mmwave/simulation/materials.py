"""Materials at 77-81 GHz: what they reflect, scatter and let through.

Values are representative of published 60-80 GHz measurements, rounded; they describe a plausible
building, not one that was measured.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Material:
    """How a surface answers a millimetre wave.

    Attributes:
        name: what it is.
        specular_reflection: amplitude reflection coefficient at normal incidence, 0..1.
        diffuse_backscatter_db: backscatter coefficient sigma0 (radar cross-section per area) at
            normal incidence, in dB; off normal it follows Lambert's cosine squared.
        optical_glass: a LiDAR beam goes through it.
    """

    name: str
    specular_reflection: float
    diffuse_backscatter_db: float
    optical_glass: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.specular_reflection <= 1.0:
            raise ValueError(
                f"{self.name}: specular_reflection must be in 0..1, got {self.specular_reflection}"
            )


MATERIALS: tuple[Material, ...] = (
    Material("plaster", 0.40, -18.0),
    Material("concrete", 0.50, -14.0),
    Material("wood", 0.35, -16.0),
    Material("glass", 0.55, -28.0, optical_glass=True),
    Material("metal", 0.97, -12.0),
    Material("fabric", 0.15, -14.0),
    Material("skin", 0.70, -3.0),
    Material("carpet", 0.20, -16.0),
    Material("plastic", 0.25, -18.0),
    Material("brick", 0.45, -12.0),
)

MATERIAL_ID = {material.name: index for index, material in enumerate(MATERIALS)}
