"""The calibration file: YAML that ``panoradar calibrate`` writes and the imaging node reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

FORMAT = 1
WEAKEST = 0.1
"""A gain under this share of the mean is no gain but a dead antenna."""

LARGEST_RATE_ERROR = 0.2

_HEADER = """\
# Written by panoradar calibrate; read by the imaging node (parameter calibration_file).
# azimuth_offset_deg: azimuth of the boresight in base_link where the turntable's angle is zero;
#   null: not measured, the node's mounting_offset_deg holds.
# rate_ratio: true turn of the turntable over the turn that its angles say.
# antennas: complex gain of each virtual antenna (transmitter x receivers + receiver), mean power 1;
#   null: not measured, all are taken as equal.
# measured: how; nothing reads it.
"""


class CalibrationError(ValueError):
    """A calibration file or value is not what it should be; the message names it."""


@dataclass(frozen=True)
class Calibration:
    """What is known about the turntable and the antennas.

    Attributes:
        azimuth_offset_rad: boresight azimuth in base_link at turntable angle zero; None if it was
            not measured.
        rate_ratio: true turn over the turn that the turntable's angles say.
        antenna_gain: complex gain of each virtual antenna; None if they were not measured.
        measured: how it was measured, for people.

    Raises:
        CalibrationError: a value is not finite or out of its range.
    """

    azimuth_offset_rad: float | None = None
    rate_ratio: float = 1.0
    antenna_gain: tuple[complex, ...] | None = None
    measured: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        offset = self.azimuth_offset_rad
        if offset is not None and not abs(offset) <= np.pi + 1e-9:
            raise CalibrationError(
                f"azimuth_offset_deg must be in -180 to 180, got {np.rad2deg(offset):g}"
            )
        if not abs(self.rate_ratio - 1) <= LARGEST_RATE_ERROR:
            raise CalibrationError(
                f"rate_ratio must be in {1 - LARGEST_RATE_ERROR} to {1 + LARGEST_RATE_ERROR}, "
                f"got {self.rate_ratio:g}"
            )
        if self.antenna_gain is not None:
            self._check_gain(np.abs(self.antenna_gain))

    @staticmethod
    def _check_gain(amplitude: NDArray[np.float64]) -> None:
        if not len(amplitude):
            raise CalibrationError("antennas must hold a gain for each antenna, got none")
        if not np.all(np.isfinite(amplitude)):
            raise CalibrationError(f"antennas: every gain must be finite, got {amplitude}")
        weak = np.flatnonzero(amplitude < WEAKEST * amplitude.mean())
        if len(weak) or not amplitude.mean() > 0:
            raise CalibrationError(
                f"antennas: virtual antenna {int(weak[0]) if len(weak) else 0} has less than "
                f"{WEAKEST:.0%} of the mean amplitude; a dead antenna cannot be calibrated"
            )

    def correction(self, antennas: int) -> NDArray[np.complex64] | None:
        """What the samples of each antenna are multiplied by, (antenna,); None for nothing.

        Raises:
            CalibrationError: it was measured with another number of antennas.
        """
        if self.antenna_gain is None:
            return None
        if len(self.antenna_gain) != antennas:
            raise CalibrationError(
                f"the calibration is of {len(self.antenna_gain)} antennas, the radar has {antennas}"
            )
        return (1 / np.array(self.antenna_gain)).astype(np.complex64)


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write a calibration; the folder must exist."""
    offset, gain = calibration.azimuth_offset_rad, calibration.antenna_gain
    content = {
        "format": FORMAT,
        "azimuth_offset_deg": None if offset is None else round(float(np.rad2deg(offset)), 5),
        "rate_ratio": float(calibration.rate_ratio),
        "antennas": gain
        and [
            {
                "amplitude": round(float(abs(one)), 6),
                "phase_deg": round(float(np.rad2deg(np.angle(one))), 4),
            }
            for one in gain
        ],
        "measured": dict(calibration.measured or {}),
    }
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)
    path.write_text(_HEADER + text, encoding="utf-8")


def read_calibration(path: Path) -> Calibration:
    """Read a calibration.

    Raises:
        CalibrationError: the file is missing, not YAML, or a value is wrong; the message names the
            file and the value.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CalibrationError(f"cannot read the calibration {path}: {reason}") from error
    except yaml.YAMLError as error:
        raise CalibrationError(f"the calibration {path} is not valid YAML: {error}") from error
    try:
        return _calibration(content)
    except CalibrationError as error:
        raise CalibrationError(f"the calibration {path}: {error}") from error


def _calibration(content: Any) -> Calibration:
    keys = {"format", "azimuth_offset_deg", "rate_ratio", "antennas", "measured"}
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CalibrationError(f"it must be a map with format: {FORMAT}")
    unknown = set(content) - keys
    if unknown:
        wrong = sorted(map(str, unknown))[0]
        raise CalibrationError(f"{wrong!r} is not known; known are {', '.join(sorted(keys))}")
    offset_deg = content.get("azimuth_offset_deg")
    if offset_deg is not None:
        offset_deg = _number(offset_deg, "azimuth_offset_deg")
    measured = content.get("measured") or {}
    if not isinstance(measured, dict):
        raise CalibrationError(f"measured must be a map, got {measured!r}")
    return Calibration(
        None if offset_deg is None else float(np.deg2rad(offset_deg)),
        _number(content.get("rate_ratio", 1.0), "rate_ratio"),
        _gains(content.get("antennas")),
        measured,
    )


def _gains(antennas: Any) -> tuple[complex, ...] | None:
    if antennas is None:
        return None
    if not isinstance(antennas, list):
        raise CalibrationError(f"antennas must be a list, got {antennas!r}")
    gains = []
    for index, one in enumerate(antennas):
        if not isinstance(one, dict) or set(one) != {"amplitude", "phase_deg"}:
            raise CalibrationError(
                f"antennas: number {index} must be {{amplitude, phase_deg}}, got {one!r}"
            )
        amplitude = _number(one["amplitude"], f"antennas: amplitude of number {index}")
        phase_deg = _number(one["phase_deg"], f"antennas: phase_deg of number {index}")
        if amplitude <= 0:
            raise CalibrationError(
                f"antennas: amplitude of number {index} must be positive, got {amplitude:g}"
            )
        gains.append(complex(amplitude * np.exp(1j * np.deg2rad(phase_deg))))
    return tuple(gains)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise CalibrationError(f"{name} must be a finite number, got {value!r}")
    return float(value)
