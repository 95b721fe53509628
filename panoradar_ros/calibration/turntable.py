"""True rate and azimuth offset of the turntable from panoramas of a standing robot.

If the turntable turns by ``ratio`` for every turn that its angles say, what stands still at azimuth
a is seen at a / ratio, (a + 2 pi) / ratio, ...: from turn to turn it moves by 2 pi (1 / ratio - 1),
the same everywhere but at the panorama's seam: what crosses it in between moves by twice that, and
a mirror that does can mislead. So the panoramas are stretched by the ratio found and measured again
until nothing is left. The shift of two panoramas is the maximum of their circular correlation over
azimuth, all ranges together.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from panoradar_ros.calibration.file import LARGEST_RATE_ERROR, CalibrationError
from panoradar_ros.calibration.panorama import Panorama

COMPRESSION = 0.25
"""Power to this exponent: one mirror must not decide alone, and noise must not either."""

UPSAMPLING = 16
MOST_ROUNDS = 5
NOTHING_LEFT = 2e-5
"""A change of the ratio that needs no further round."""

LEAST_SIMILARITY = 0.5
PANORAMA_SCATTER_RAD = np.deg2rad(0.02)
"""How well two turns agree in simulated buildings with people; a line through few turns can seem to
be known better than it is."""


@dataclass(frozen=True)
class Shift:
    """How far one panorama is turned against another.

    Attributes:
        azimuth_rad: what is at a in the first is at a + azimuth_rad in the second, in [-pi, pi).
        similarity: correlation coefficient there, at most 1.
    """

    azimuth_rad: float
    similarity: float


@dataclass(frozen=True)
class RateEstimate:
    """The turntable's true rate.

    Attributes:
        ratio: true turn over the turn that its angles say; 1 where the difference is not
            significant.
        measured_ratio: the same, whether or not it is significant.
        uncertainty: one standard deviation of ``measured_ratio``.
        revolutions_per_s: true rate, positive.
        similarity: smallest correlation coefficient of successive turns.
        turns: panoramas used.
    """

    ratio: float
    measured_ratio: float
    uncertainty: float
    revolutions_per_s: float
    similarity: float
    turns: int


def shift_between(first: Panorama, second: Panorama) -> Shift:
    """Turn of the second panorama against the first, finer than a ray.

    Raises:
        CalibrationError: they have other shapes, other directions, or nothing to see.
    """
    if first.power.shape != second.power.shape or first.direction != second.direction:
        raise CalibrationError(
            "the panoramas do not fit: rays, range bins or the direction of the turntable differ"
        )
    one, other = _flattened(first), _flattened(second)
    norm = np.sqrt((one**2).sum() * (other**2).sum())
    if norm == 0:
        raise CalibrationError("the panoramas show nothing to compare")
    rays = len(one)
    spectrum = np.conj(scipy.fft.rfft(one, axis=0)) * scipy.fft.rfft(other, axis=0)
    fine = UPSAMPLING * rays
    correlation = scipy.fft.irfft(spectrum.sum(axis=1), n=fine) * UPSAMPLING / norm
    peak = int(np.argmax(correlation))
    before, at, after = (correlation[(peak + step) % fine] for step in (-1, 0, 1))
    offset = 0.5 * (before - after) / min(before - 2 * at + after, -1e-12)
    turned = (peak + float(np.clip(offset, -0.5, 0.5))) / UPSAMPLING * first.ray_rad
    turned += second.start_azimuth_rad - first.start_azimuth_rad
    return Shift(_wrapped(turned), float(at))


def _flattened(panorama: Panorama) -> NDArray[np.float32]:
    """Power compressed, its mean over azimuth taken off every range."""
    compressed = panorama.power**COMPRESSION
    return compressed - compressed.mean(axis=0)


def _wrapped(angle_rad: float) -> float:
    return float((angle_rad + np.pi) % (2 * np.pi) - np.pi)


def true_rate(panoramas: list[Panorama]) -> RateEstimate:
    """Rate from successive turns of a standing robot.

    Args:
        panoramas: two or more turns, one after the other without a gap.

    Raises:
        CalibrationError: too few turns, a gap between them, too little in common, or a rate that is
            too far from what the angles say.
    """
    if len(panoramas) < 2:
        raise CalibrationError(
            f"the rate needs two successive turns or more, there are {len(panoramas)}"
        )
    turns = _turn_numbers(panoramas)
    direction = panoramas[0].direction
    measured = 1.0
    for _ in range(MOST_ROUNDS):
        shifts, similarity = _shifts([one.at_true_rate(measured) for one in panoramas])
        slope, spread = _line(turns, shifts)
        change = 1 / (1 + direction * slope / (2 * np.pi * measured))
        measured *= change
        if not abs(measured - 1) <= LARGEST_RATE_ERROR or abs(change - 1) < NOTHING_LEFT:
            break
    if not abs(measured - 1) <= LARGEST_RATE_ERROR:
        raise CalibrationError(
            f"the turntable seems to turn {measured:.3f} times as fast as its angles say; more "
            f"than {LARGEST_RATE_ERROR:.0%} is not calibrated but mended (gear_ratio, "
            "--revolutions-per-s)"
        )
    uncertainty = spread / (2 * np.pi)
    significant = abs(measured - 1) > 3 * uncertainty
    counted = float(np.mean([one.angular_speed_rad_s for one in panoramas])) / (2 * np.pi)
    return RateEstimate(
        float(measured) if significant else 1.0,
        float(measured),
        float(uncertainty),
        float(counted * measured),
        similarity,
        len(panoramas),
    )


def _shifts(panoramas: list[Panorama]) -> tuple[NDArray[np.float64], float]:
    """How far each turn is turned against the first, and the least similarity of neighbours."""
    steps = [_step_between(one, other) for one, other in pairwise(panoramas)]
    coarse = np.cumsum([step.azimuth_rad for step in steps])
    shifts = [0.0]
    for later, expected in zip(panoramas[1:], coarse, strict=True):
        direct = shift_between(panoramas[0], later).azimuth_rad
        shifts.append(expected + _wrapped(direct - expected))
    return np.array(shifts), min(step.similarity for step in steps)


def _step_between(first: Panorama, second: Panorama) -> Shift:
    """The shift from a turn to the next one of a robot that stands still.

    Raises:
        CalibrationError: they do not fit, or have too little in common.
    """
    step = shift_between(first, second)
    if step.similarity < LEAST_SIMILARITY:
        raise CalibrationError(
            f"successive turns look different (correlation {step.similarity:.2f}, at least "
            f"{LEAST_SIMILARITY} is needed): the robot must stand still"
        )
    return step


def _turn_numbers(panoramas: list[Panorama]) -> NDArray[np.float64]:
    direction = panoramas[0].direction
    starts = np.array([one.start_azimuth_rad for one in panoramas])
    turns = direction * (starts - starts[0]) / (2 * np.pi)
    if np.any(np.abs(np.diff(turns) - 1) > 0.01):
        raise CalibrationError("the turns do not follow each other: samples or angles were lost")
    return turns


def _line(turns: NDArray[np.float64], shifts: NDArray[np.float64]) -> tuple[float, float]:
    """Slope of a line through the shifts, and its standard deviation."""
    centred = turns - turns.mean()
    slope = float((centred @ shifts) / (centred @ centred))
    residual = shifts - shifts.mean() - slope * centred
    variance = (residual @ residual) / max(len(turns) - 2, 1) + PANORAMA_SCATTER_RAD**2
    return slope, float(np.sqrt(variance / (centred @ centred)))
