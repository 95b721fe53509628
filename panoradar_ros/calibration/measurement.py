"""From the turns of a standing radar to a calibration."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import AntennaArray
from panoradar_ros.calibration.file import Calibration, CalibrationError
from panoradar_ros.calibration.panorama import Panorama, panorama_of
from panoradar_ros.calibration.reflector import Reflector, antenna_gains, find_reflector
from panoradar_ros.calibration.turntable import shift_between, true_rate
from panoradar_ros.imaging.antenna_health import check_rotation
from panoradar_ros.imaging.rotation import Rotation

LARGEST_PHASE_SCATTER_RAD = np.deg2rad(20.0)
"""Gains that scatter more from turn to turn are of something that moved."""


@dataclass(frozen=True)
class Target:
    """What is known of the reflector.

    Attributes:
        range_m: from the turntable's axis; None takes the strongest echo.
        azimuth_rad: true azimuth in base_link; gives the azimuth offset.
        elevation_rad: above the antennas; without it, gains have no even growth of phase.
        search_azimuth_rad: where it is as the turntable's angles say, if that is far from its true
            azimuth; None searches everywhere at its range.
    """

    range_m: float | None = None
    azimuth_rad: float | None = None
    elevation_rad: float | None = None
    search_azimuth_rad: float | None = None


def calibrate(
    rotations: Iterable[Rotation],
    array: AntennaArray | None = None,
    target: Target | None = None,
    reference: Panorama | None = None,
) -> Calibration:
    """Rate and offset of the turntable, gains of the antennas.

    Args:
        rotations: successive turns; the robot stands still.
        array: radius, heights and pattern of the antennas.
        target: the reflector; None leaves the antennas uncalibrated.
        reference: a panorama from the same place whose azimuths are right; gives the offset where
            no target's azimuth does.

    Raises:
        CalibrationError: it cannot be measured; the message says why.
    """
    array = array or AntennaArray()
    panoramas: list[Panorama] = []
    found: list[Reflector] = []
    gains: list[NDArray[np.complex128]] = []
    for rotation in rotations:
        panorama = panorama_of(rotation, array)
        panoramas.append(panorama)
        if target is None:
            continue
        if not found:
            _refuse_faults(rotation)
        reflector = _reflector(panoramas, found, target)
        if reflector is None:
            continue
        found.append(reflector)
        gains.append(antenna_gains(rotation, reflector, array))
    rate = true_rate(panoramas)
    offset_rad = None
    if target is not None and target.azimuth_rad is not None:
        offset_rad = _offset(found, target.azimuth_rad, rate.ratio)
    elif reference is not None:
        offset_rad = -shift_between(reference, panoramas[0].at_true_rate(rate.ratio)).azimuth_rad
    measured: dict[str, object] = {
        "turns": rate.turns,
        "revolutions_per_s": round(rate.revolutions_per_s, 7),
        "rate_ratio": round(rate.measured_ratio, 8),
        "rate_ratio_uncertainty": float(f"{rate.uncertainty:.2g}"),
        "similarity": round(rate.similarity, 4),
    }
    if not gains:
        return Calibration(offset_rad, rate.ratio, None, measured)
    mean = np.mean(gains, axis=0)
    scatter_rad = float(np.abs(np.angle(np.array(gains) / mean)).max())
    if scatter_rad > LARGEST_PHASE_SCATTER_RAD:
        raise CalibrationError(
            f"the antennas' phases differ by {np.rad2deg(scatter_rad):.0f} deg from turn to turn: "
            "the reflector moved, or turns show different ones; give its range"
        )
    measured |= {
        "reflector_range_m": round(float(np.mean([one.range_m for one in found])), 4),
        "reflector_over_median_db": round(min(one.over_median_db for one in found), 1),
        "phase_scatter_deg": round(float(np.rad2deg(scatter_rad)), 3),
    }
    return Calibration(offset_rad, rate.ratio, tuple(complex(one) for one in mean), measured)


def _refuse_faults(rotation: Rotation) -> None:
    """No calibration makes up for a fault."""
    health = check_rotation(rotation)
    if not health.healthy:
        raise CalibrationError(f"the antennas are not healthy: {'; '.join(health.problems)}")


def _reflector(
    panoramas: list[Panorama], found: list[Reflector], target: Target
) -> Reflector | None:
    """The target in the last panorama; after the first one, the reflector that was found there.

    It moves as everything does if the rate is wrong: a search at a fixed azimuth would lose it.
    None where it comes only after the end of what the angles take for a turn.
    """
    if not found:
        return find_reflector(
            panoramas[-1], target.range_m, target.search_azimuth_rad, target.elevation_rad
        )
    before, panorama = found[-1], panoramas[-1]
    round_rad = panorama.direction * 2 * np.pi / true_rate(panoramas[-2:]).measured_ratio
    expected_rad = before.azimuth_rad + round_rad
    if panorama.direction * (expected_rad - panorama.start_azimuth_rad) < 0:
        expected_rad += round_rad  # twice within what the angles take for a turn
    if panorama.direction * (expected_rad - panorama.start_azimuth_rad) >= 2 * np.pi:
        return None
    return find_reflector(panorama, before.range_m, expected_rad, target.elevation_rad)


def _offset(found: list[Reflector], azimuth_rad: float, ratio: float) -> float:
    """What is added to the corrected turntable angle to give azimuths in base_link."""
    missing = np.array([azimuth_rad - ratio * one.azimuth_rad for one in found])
    return float(np.angle(np.exp(1j * missing).mean()))
