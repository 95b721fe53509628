"""A calibration applied to what a radar streams: frames of samples and turntable angles."""

from collections.abc import Iterable, Iterator

import numpy as np

from mmwave.dca1000 import PositionBlock
from panoradar_ros.calibration.file import Calibration
from panoradar_ros.calibration.samples import calibrated


class TrueAngle:
    """Turntable angles as they would be if the turntable knew its rate.

    A rate holds over turns, so angles that start again after each turn are counted on: multiplied
    as they are, each jump back would take away what the rate adds in a turn.

    Args:
        rate_ratio: true turn over the turn that the angles say.
    """

    def __init__(self, rate_ratio: float) -> None:
        self._rate_ratio = rate_ratio
        self._last: tuple[int, float] | None = None
        self._whole_turns_rad = 0.0

    def __call__(self, time_ns: int, angle_rad: float) -> float:
        """The true angle, counted on over the turns; the same angle where the ratio is 1.

        Where time goes backwards (a recording starts again) counting starts again.

        Args:
            time_ns: when it was measured.
            angle_rad: as the turntable says, wrapped (within a turn of zero) or not.
        """
        if self._rate_ratio == 1:
            return angle_rad
        if self._last is None or time_ns < self._last[0]:
            self._whole_turns_rad = 0.0
        else:
            self._whole_turns_rad -= _wrapped_turns_rad(self._last[1], angle_rad)
        self._last = time_ns, angle_rad
        return self._rate_ratio * (angle_rad + self._whole_turns_rad)


def _wrapped_turns_rad(before_rad: float, angle_rad: float) -> float:
    """The whole turn that an angle jumps by where it starts again; 0 if it does not."""
    step_rad = angle_rad - before_rad
    within_a_turn = max(abs(before_rad), abs(angle_rad)) <= 2 * np.pi + 1e-6
    if abs(step_rad) <= np.pi or not within_a_turn:  # farther out it is no wrap but a hole
        return 0.0
    return float(np.copysign(2 * np.pi, step_rad))


def calibrated_items(
    items: Iterable[PositionBlock | tuple[int, float]], calibration: Calibration
) -> Iterator[PositionBlock | tuple[int, float]]:
    """Frames and angles (time_ns, rad) with gains and rate taken off; the offset is not added.

    Raises:
        CalibrationError: it was measured with another number of antennas.
    """
    true_angle = TrueAngle(calibration.rate_ratio)
    for item in items:
        if isinstance(item, PositionBlock):
            yield calibrated(item, calibration)
        else:
            yield item[0], true_angle(*item)
