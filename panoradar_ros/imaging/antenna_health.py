"""Dead, weak and swapped antennas, found in the samples alone.

*Power*: over a turn every antenna of the line sees the same scene, so their powers agree within
0.5 dB in the strongest cells. One that does not is weak or dead.

*Order*: what neighbours receive is alike, what distant antennas receive is less so: reflectors lie
at many elevations, and the correlation of two antennas depends on their distance alone (for a scene
whose reflectors are independent the correlation matrix is Toeplitz; van Trees, Optimum Array
Processing, section 2.5). If antennas were swapped, the matrix is Toeplitz only in another order. Of
all orders with two antennas, two receivers or two transmitters swapped the one with the smallest
spread along the diagonals is taken, if it is much smaller than that of the order as it should be.
Only magnitudes are compared, so that phases and gains that were never calibrated do not matter.
What this cannot see: the whole array upside down, and any order in a scene all of whose reflectors
are at one elevation.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000 import PositionBlock
from mmwave.spectrum import as_complex, range_spectrum
from mmwave.waveform import Waveform
from panoradar_ros.imaging.rotation import Rotation

POSITIONS = 72
"""So many positions of a turn are looked at."""

NEAREST_BIN = 20
"""Nearer bins hold what leaks from the transmitters, antenna by antenna differently."""

BIN_STEP = 2
"""The range window correlates neighbouring bins: every second says nearly as much."""

POSITIONS_PER_FRAME = 3
FRAMES_PER_CHECK = 24
"""About a turn, at two turns a second."""

DEAD_DB = -15.0
WEAK_DB = -6.0
LEAST_CORRELATION = 0.08
"""Mean correlation of neighbours below which the scene does not tell the order."""

CLEARLY = 2.0
"""Another order must fit so many times better."""


@dataclass(frozen=True)
class AntennaHealth:
    """What was found.

    Attributes:
        relative_power_db: (antenna,) power over that of the better antennas; -inf without any.
        dead: virtual antennas that receive nothing of the scene.
        weak: virtual antennas that receive less than a quarter of the power of the others.
        swapped: what is swapped, as pairs of virtual antennas.
        order_known: False where the scene did not tell, or an antenna is dead or weak.
        problems: a sentence for each fault.
    """

    relative_power_db: NDArray[np.float64]
    dead: tuple[int, ...]
    weak: tuple[int, ...]
    swapped: tuple[tuple[int, int], ...]
    order_known: bool
    problems: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """No fault was found."""
        return not self.problems


def check_rotation(rotation: Rotation) -> AntennaHealth:
    """Check the antennas on a few positions of a turn."""
    step = max(1, len(rotation.time_s) // POSITIONS)
    used = slice(step // 2, None, step)
    spectrum = range_spectrum(as_complex(rotation.samples[used]))
    return check_antennas(spectrum[rotation.valid[used].all(axis=1)], rotation.waveform)


def check_antennas(spectrum: NDArray[np.complex64], waveform: Waveform) -> AntennaHealth:
    """Check the antennas on range spectra of positions all around.

    Args:
        spectrum: (position, antenna, range); some dozens of positions spread over a turn are
            enough. Positions that were lost do not count.
        waveform: transmitters and receivers, of which the messages speak.

    Raises:
        ValueError: the shape is not that of the waveform's antennas.
    """
    if spectrum.ndim != 3 or spectrum.shape[1] != waveform.virtual_antennas:
        raise ValueError(
            f"spectrum must be (position, {waveform.virtual_antennas}, range), got {spectrum.shape}"
        )
    if spectrum.shape[2] < 2 * NEAREST_BIN:
        raise ValueError(f"spectrum needs {2 * NEAREST_BIN} bins, got {spectrum.shape[2]}")
    step = max(1, len(spectrum) // POSITIONS)
    cells = spectrum[step // 2 :: step, :, NEAREST_BIN:-4:BIN_STEP]
    # (antenna, position and bin): long rows in the order of memory
    values = np.ascontiguousarray(cells.transpose(1, 0, 2)).reshape(cells.shape[1], -1)
    power = values.real**2 + values.imag**2
    level = power.mean(axis=0)
    present = level > 0
    if present.sum() < 10 * BIN_STEP:
        return _silent(waveform.virtual_antennas)
    if not present.all():
        values, power, level = values[:, present], power[:, present], level[present]
    relative_db = _relative_power_db(power, level)
    dead = tuple(int(a) for a in np.flatnonzero(relative_db < DEAD_DB))
    weak = tuple(int(a) for a in np.flatnonzero(relative_db < WEAK_DB) if a not in dead)
    problems = [f"{who} dead" for who in _named(dead, waveform)]
    problems += [f"{who} weak" for who in _named(weak, waveform)]
    swapped: tuple[tuple[int, int], ...] = ()
    known = False
    if not problems:
        name, swapped, known = _order(_correlation(values, level), waveform)
        problems += [name] if name else []
    return AntennaHealth(relative_db, dead, weak, swapped, known, tuple(problems))


def _silent(antennas: int) -> AntennaHealth:
    return AntennaHealth(
        np.full(antennas, -np.inf),
        tuple(range(antennas)),
        (),
        (),
        False,
        ("no antenna receives anything",),
    )


def _relative_power_db(
    power: NDArray[np.float32], level: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Power in the strongest tenth of the cells, where noise says least."""
    strong = level >= np.partition(level, -(len(level) // 10 + 1))[-(len(level) // 10 + 1)]
    share = np.median(power[:, strong] / level[strong], axis=1).astype(np.float64)
    # half of the antennas are gone if a transmitter is: the better ones are the reference
    reference = np.sort(share)[-max(1, len(share) // 4)]
    with np.errstate(divide="ignore"):
        return 10 * np.log10(share / reference)


def _correlation(values: NDArray[np.complex64], level: NDArray[np.float32]) -> NDArray[np.float64]:
    """Magnitudes of the antennas' correlation (antenna, antenna); all cells count alike."""
    strong = level > np.partition(level, len(level) // 2)[len(level) // 2]
    unit = values[:, strong] / np.sqrt(level[strong])
    product = (unit @ unit.conj().T).astype(np.complex128)
    own = np.sqrt(np.maximum(np.diag(product).real, 1e-30))
    return np.abs(product / np.outer(own, own))


@dataclass(frozen=True)
class _Order:
    """The antennas in another order."""

    name: str
    swapped: tuple[tuple[int, int], ...]


@lru_cache(maxsize=8)
def _orders(transmitters: int, receivers: int) -> tuple[tuple[_Order, ...], NDArray[np.intp]]:
    """The order as it should be, then all others that are considered, and their indices."""
    count = transmitters * receivers
    orders = [_Order("", ())]
    for one, other in combinations(range(receivers), 2):
        rows = [t * receivers for t in range(transmitters)]
        pairs = tuple((row + one, row + other) for row in rows)
        orders.append(_Order(f"receivers {one} and {other} are swapped", pairs))
    for one, other in combinations(range(transmitters), 2):
        pairs = tuple((one * receivers + r, other * receivers + r) for r in range(receivers))
        orders.append(_Order(f"transmitters {one} and {other} are swapped", pairs))
    for one, other in combinations(range(count), 2):
        name = f"virtual antennas {one} and {other} are swapped"
        if not any(order.swapped == ((one, other),) for order in orders):
            orders.append(_Order(name, ((one, other),)))
    index = np.tile(np.arange(count), (len(orders), 1))
    for row, order in zip(index, orders, strict=True):
        for one, other in order.swapped:
            row[[one, other]] = row[[other, one]]
    return tuple(orders), index


def _order(
    correlation: NDArray[np.float64], waveform: Waveform
) -> tuple[str, tuple[tuple[int, int], ...], bool]:
    """What is swapped, in words and in pairs, and whether the scene told."""
    orders, index = _orders(waveform.transmitters, waveform.receivers)
    ordered = correlation[index[:, :, None], index[:, None, :]]
    spread = np.zeros(len(orders))
    neighbours = np.zeros(len(orders))
    for distance in range(1, len(correlation)):
        diagonal = np.diagonal(ordered, distance, axis1=1, axis2=2)
        mean = diagonal.mean(axis=1, keepdims=True)
        spread += ((diagonal - mean) ** 2).sum(axis=1)
        if distance == 1:
            neighbours = mean[:, 0]
    best = int(np.argmin(spread))
    if neighbours[best] < LEAST_CORRELATION:
        return "", (), False
    if best == 0 or spread[0] < CLEARLY * spread[best]:
        return "", (), True
    return orders[best].name, orders[best].swapped, True


def _named(antennas: tuple[int, ...], waveform: Waveform) -> list[str]:
    """Antennas in words: whole transmitters and receivers by their own names."""
    left = set(antennas)
    names = []
    receivers = waveform.receivers
    for kind, count, members in (
        ("transmitter", waveform.transmitters, lambda t: range(t * receivers, (t + 1) * receivers)),
        ("receiver", receivers, lambda r: range(r, waveform.virtual_antennas, receivers)),
    ):
        for number in range(count):
            group = set(members(number))
            if len(group) > 1 and group <= left:
                listed = ", ".join(map(str, sorted(group)))
                names.append(f"{kind} {number} (virtual antennas {listed}) is")
                left -= group
    return names + [f"virtual antenna {antenna} is" for antenna in sorted(left)]


class AntennaMonitor:
    """Checks the antennas again and again while frames arrive.

    A fault must be found twice in a row, so that one odd turn is no alarm.

    Attributes:
        problems: a sentence for each fault; empty where none is found, or not yet.
        order_known: the last check could tell whether antennas are swapped.
    """

    def __init__(self) -> None:
        self._spectra: list[NDArray[np.complex64]] = []
        self._before: tuple[str, ...] = ()
        self.problems: tuple[str, ...] = ()
        self.order_known = False

    def add(self, block: PositionBlock) -> None:
        """Take in a frame: a few positions of it, 0.1 ms, and 2 ms when enough came together."""
        chosen = np.linspace(0, len(block.samples) - 1, POSITIONS_PER_FRAME + 1)[:-1].astype(int)
        whole = chosen[block.valid[chosen].all(axis=1)]
        if self._spectra and self._spectra[0].shape[1:] != block.samples.shape[1:3]:
            self._spectra.clear()  # the waveform changed
        self._spectra.append(range_spectrum(as_complex(block.samples[whole])))
        if len(self._spectra) < FRAMES_PER_CHECK:
            return
        spectrum = np.concatenate(self._spectra)
        self._spectra.clear()
        if not len(spectrum) or spectrum.shape[2] < 2 * NEAREST_BIN:
            return  # lost frames say nothing about antennas
        health = check_antennas(spectrum, block.waveform)
        self.problems = tuple(one for one in health.problems if one in self._before)
        self._before = health.problems
        self.order_known = health.order_known
