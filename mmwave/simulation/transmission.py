"""Plane waves through walls and fabrics: parallel layers by the transfer-matrix method.

Every layer is one matrix between the tangential fields at its two faces (Born and Wolf, Principles
of Optics, section 1.6), so that all reflections between the faces are in the result. Time runs as
exp(+j omega t): a lossy permittivity has a negative imaginary part and a path d in air multiplies
by exp(-j k d). The IF samples of :mod:`mmwave.simulation.fmcw` carry the conjugate phase.

What :data:`WALLS` let through at 77..80.6 GHz, head on, root mean square over the band (the
simulator's figures, not measurements)::

    name                 one way   two ways   |Gamma|   longer path   thickness
    plasterboard         13.7 dB    27.3 dB    0.23       16 mm        100 mm
    double_plasterboard  13.3 dB    26.5 dB    0.25       16 mm         25 mm
    plywood               6.5 dB    12.9 dB    0.27       12 mm         18 mm
    wooden_door           4.9 dB     9.8 dB    0.09        3 mm         40 mm
    glass                 6.3 dB    12.6 dB    0.36        9 mm          6 mm
    chipboard            13.1 dB    26.3 dB    0.23       12 mm         19 mm
    ceiling_board         6.2 dB    12.5 dB    0.10        8 mm         38 mm
    thick_plasterboard   16.2 dB    32.4 dB    0.23       20 mm        105 mm

Two boards on both sides of the cavity come to 53 dB both ways: nobody is seen behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmwave.waveform import SPEED_OF_LIGHT_MPS

VACUUM_PERMITTIVITY_F_PER_M = 8.8541878128e-12
BAND_HZ: NDArray[np.float64] = np.linspace(77.0e9, 80.6e9, 37)
"""Frequencies over which a wall's or a fabric's answer is averaged."""
TABLE_RAD: NDArray[np.float64] = np.deg2rad(np.linspace(0.0, 89.75, 360))
"""Angles at which a wall's averages are tabulated; between them they are interpolated."""
POLARISATIONS = ("te", "tm")


@dataclass(frozen=True)
class Dielectric:
    """A material whose constants follow powers of the frequency, ITU-R P.2040-3 section 2.1.4.

    The relative permittivity is a f^b and the conductivity c f^d in S/m, f in GHz.

    Attributes:
        name: what it is.
        permittivity_a: a.
        permittivity_b: b.
        conductivity_c: c.
        conductivity_d: d.
        fitted_to_ghz: highest frequency of the measurements behind the numbers; beyond it they are
            an extrapolation.

    Raises:
        ValueError: a permittivity below 1 or a negative conductivity.
    """

    name: str
    permittivity_a: float
    permittivity_b: float = 0.0
    conductivity_c: float = 0.0
    conductivity_d: float = 0.0
    fitted_to_ghz: float = 100.0

    def __post_init__(self) -> None:
        if not self.permittivity_a >= 1:
            raise ValueError(
                f"{self.name}: permittivity_a must be at least 1, got {self.permittivity_a}"
            )
        if not self.conductivity_c >= 0:
            raise ValueError(
                f"{self.name}: conductivity_c must not be negative, got {self.conductivity_c}"
            )

    @staticmethod
    def constant(name: str, permittivity: complex) -> "Dielectric":
        """A material of the same complex permittivity (eps' - j eps'') at every frequency."""
        per_ghz = -permittivity.imag * 2 * np.pi * 1e9 * VACUUM_PERMITTIVITY_F_PER_M
        return Dielectric(name, permittivity.real, 0.0, per_ghz, 1.0)

    def permittivity(self, frequency_hz: ArrayLike) -> NDArray[np.complex128]:
        """Complex relative permittivity, of the frequencies' shape."""
        frequency = np.asarray(frequency_hz, np.float64)
        real = self.permittivity_a * (frequency / 1e9) ** self.permittivity_b
        conductivity = self.conductivity_c * (frequency / 1e9) ** self.conductivity_d
        return real - 1j * conductivity / (2 * np.pi * frequency * VACUUM_PERMITTIVITY_F_PER_M)


AIR = Dielectric("air", 1.0)
_TABLE = (
    Dielectric("plasterboard", 2.73, 0.0, 0.0085, 0.9395),
    Dielectric("wood", 1.99, 0.0, 0.0047, 1.0718),
    Dielectric("glass", 6.31, 0.0, 0.0036, 1.3394),
    Dielectric("brick", 3.91, 0.0, 0.0238, 0.16, fitted_to_ghz=40.0),
    Dielectric("concrete", 5.24, 0.0, 0.0462, 0.7822),
    Dielectric("ceiling_board", 1.48, 0.0, 0.0011, 1.0750),
    Dielectric("chipboard", 2.58, 0.0, 0.0217, 0.78),
    Dielectric("plywood", 2.71, 0.0, 0.33, 0.0, fitted_to_ghz=40.0),
    AIR,
)
DIELECTRICS = {material.name: material for material in _TABLE}
"""ITU-R P.2040-3, table 3, ranges up to 100 GHz (brick and plywood: up to 40 GHz, here
extrapolated). Specimens differ: P.2040's own fit for plasterboard above 110 GHz, carried down to
79 GHz, has half the conductivity of the one used here."""


@dataclass(frozen=True)
class Layer:
    """A plane layer.

    Raises:
        ValueError: a thickness that is not positive.
    """

    material: Dielectric
    thickness_m: float

    def __post_init__(self) -> None:
        if not self.thickness_m > 0:
            raise ValueError(
                f"{self.material.name}: thickness_m must be positive, got {self.thickness_m}"
            )


def _check_incidence(incidence_rad: ArrayLike) -> NDArray[np.float64]:
    incidence = np.asarray(incidence_rad, np.float64)
    if not np.all(np.abs(incidence) < np.pi / 2):
        worst = float(np.abs(incidence).max())
        raise ValueError(f"incidence_rad must be below pi/2, got {worst:.4f}")
    return incidence


def _normal_index(
    material: Dielectric, frequency_hz: ArrayLike, incidence_rad: ArrayLike
) -> NDArray[np.complex128]:
    """sqrt(eps - sin^2): the wave number across the layers over that of air."""
    return np.sqrt(material.permittivity(frequency_hz) - np.sin(incidence_rad) ** 2)


def reflection_transmission(
    layers: Sequence[Layer],
    frequency_hz: ArrayLike,
    incidence_rad: ArrayLike = 0.0,
    polarisation: str = "te",
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Amplitude reflected and let through by layers in air.

    Both are ratios of the electric field along the faces, so that the polarisations agree head on:
    reflected at the first face, and behind the last face over before the first (in air:
    exp(-j k d cos)).

    Args:
        layers: first to last as the wave meets them; may be empty.
        frequency_hz: any shape.
        incidence_rad: angle from the normal, in air; broadcast against the frequencies.
        polarisation: "te", electric field across the plane of incidence, or "tm", in it.

    Returns:
        gamma and t, complex, of the broadcast shape.

    Raises:
        ValueError: an unknown polarisation, or an angle of 90 degrees or more.
    """
    if polarisation not in POLARISATIONS:
        raise ValueError(f"polarisation must be one of {POLARISATIONS}, got {polarisation!r}")
    incidence = _check_incidence(incidence_rad)
    frequency, incidence = np.broadcast_arrays(np.asarray(frequency_hz, np.float64), incidence)
    wavenumber = 2 * np.pi * frequency / SPEED_OF_LIGHT_MPS
    te = polarisation == "te"
    outside = np.cos(incidence) if te else 1 / np.cos(incidence)
    # fields (E, H / admittance of air) behind the last layer, then carried to the first face
    electric: NDArray[Any] = np.ones(frequency.shape, np.complex128)
    magnetic: NDArray[Any] = outside * electric
    for layer in reversed(layers):
        index = _normal_index(layer.material, frequency, incidence)
        admittance = index if te else layer.material.permittivity(frequency) / index
        turn = wavenumber * layer.thickness_m * index
        cosine, sine = np.cos(turn), 1j * np.sin(turn)
        electric, magnetic = (
            cosine * electric + sine / admittance * magnetic,
            admittance * sine * electric + cosine * magnetic,
        )
    total = outside * electric + magnetic
    return (outside * electric - magnetic) / total, 2 * outside / total


def two_way_transmission(
    layers: Sequence[Layer], incidence_rad: ArrayLike = 0.0, polarisation: str = "te"
) -> NDArray[np.float64]:
    """Amplitude factor |T|^2 of going through twice, root mean square over :data:`BAND_HZ`.

    Returns:
        Of the angles' shape, 0..1.
    """
    incidence = np.asarray(incidence_rad, np.float64)[..., None]
    t = reflection_transmission(layers, BAND_HZ, incidence, polarisation)[1]
    return np.sqrt(np.mean(np.abs(t) ** 4, axis=-1))


@dataclass(frozen=True)
class Wall:
    """A wall as the simulator uses it: averages over the sweep instead of its fringes.

    Attributes:
        name: what it is.
        layers: from the radar's side.
        polarisation: "te" is a radar with a vertical electric field before a wall, turned
            sideways.

    Raises:
        ValueError: no layers, or an unknown polarisation.
    """

    name: str
    layers: tuple[Layer, ...]
    polarisation: str = "te"

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError(f"{self.name}: a wall needs at least one layer, got 0")
        if self.polarisation not in POLARISATIONS:
            raise ValueError(
                f"{self.name}: polarisation must be one of {POLARISATIONS}, "
                f"got {self.polarisation!r}"
            )

    @staticmethod
    def named(name: str) -> "Wall":
        """One of :data:`WALLS`.

        Raises:
            ValueError: there is none of this name.
        """
        if name not in WALLS:
            raise ValueError(f"wall must be one of {tuple(WALLS)}, got {name!r}")
        return Wall(name, WALLS[name])

    @property
    def thickness_m(self) -> float:
        """From the first face to the last."""
        return sum(layer.thickness_m for layer in self.layers)

    @cached_property
    def _averages(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """|T|^2 and |Gamma|, each (angle of TABLE_RAD,)."""
        gamma, t = reflection_transmission(
            self.layers, BAND_HZ, TABLE_RAD[:, None], self.polarisation
        )
        two_way = np.sqrt(np.mean(np.abs(t) ** 4, axis=-1))
        return two_way, np.sqrt(np.mean(np.abs(gamma) ** 2, axis=-1))

    def two_way_transmission(self, incidence_rad: ArrayLike = 0.0) -> NDArray[np.float64]:
        """Amplitude factor |T|^2 of an echo from behind the wall, of the angles' shape.

        Root mean square over :data:`BAND_HZ`, interpolated in a table over the angle.

        Raises:
            ValueError: an angle of 90 degrees or more.
        """
        return np.interp(np.abs(_check_incidence(incidence_rad)), TABLE_RAD, self._averages[0])

    def reflection(self, incidence_rad: ArrayLike = 0.0) -> NDArray[np.float64]:
        """|Gamma|, averaged like :meth:`two_way_transmission`."""
        return np.interp(np.abs(_check_incidence(incidence_rad)), TABLE_RAD, self._averages[1])

    def extra_path_m(self, incidence_rad: ArrayLike = 0.0) -> NDArray[np.float64]:
        """How much longer one way through the wall seems to be, of the angles' shape.

        The group delay of one passage without inner reflections, over that of the same straight
        line in air: the sum of d (Re sqrt(eps - sin^2) - cos).

        Raises:
            ValueError: an angle of 90 degrees or more.
        """
        incidence = _check_incidence(incidence_rad)
        middle_hz = BAND_HZ[len(BAND_HZ) // 2]
        extra = np.zeros(incidence.shape)
        for layer in self.layers:
            index = _normal_index(layer.material, middle_hz, incidence)
            extra = extra + layer.thickness_m * (index.real - np.cos(incidence))
        return extra


def _layers(*pairs: tuple[str, float]) -> tuple[Layer, ...]:
    return tuple(Layer(DIELECTRICS[name], 1e-3 * thickness_mm) for name, thickness_mm in pairs)


def _boarded(board_mm: float) -> tuple[Layer, ...]:
    """The same thickness of plasterboard on both sides of a 75 mm cavity; studs are left out."""
    return _layers(("plasterboard", board_mm), ("air", 75.0), ("plasterboard", board_mm))


WALLS: dict[str, tuple[Layer, ...]] = {
    "plasterboard": _boarded(12.5),
    "double_plasterboard": _layers(("plasterboard", 2 * 12.5)),
    "plywood": _layers(("plywood", 18.0)),
    "wooden_door": _layers(("wood", 4.0), ("air", 32.0), ("wood", 4.0)),
    "glass": _layers(("glass", 6.0)),
    "chipboard": _layers(("chipboard", 19.0)),
    "ceiling_board": _layers(("ceiling_board", 2 * 19.0)),
    "thick_plasterboard": _boarded(15.0),
}
"""Walls by name, outermost layer first. The wooden door is a hollow one: two 4 mm skins;
double plasterboard is on one side of its studs only."""
