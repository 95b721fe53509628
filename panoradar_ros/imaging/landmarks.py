"""Clear reflectors of a rotation, and how far the robot turned between two sets of them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.planar_pose import PlanarPose
from panoradar_ros.imaging.votes import Votes

AZIMUTHS = 1440
RANGE_STEP_M = 0.05
RANGE_STEPS = 200
BLUR = (2.0, 1.0)
"""Standard deviation of the maps' blur in azimuths (0.5 deg) and range steps (5 cm)."""


def _empty() -> NDArray[np.float64]:
    return np.empty(0)


@dataclass(frozen=True)
class Landmarks:
    """Reflectors in base_link as it was in the middle of the turn.

    Attributes:
        x_m: (landmark,) forward.
        y_m: (landmark,) to the left.
        weight: (landmark,) semblance.
    """

    x_m: NDArray[np.float64] = field(default_factory=_empty)
    y_m: NDArray[np.float64] = field(default_factory=_empty)
    weight: NDArray[np.float64] = field(default_factory=_empty)

    def __len__(self) -> int:
        return len(self.x_m)

    @staticmethod
    def from_votes(
        votes: Votes, motion: PlanarMotion, radius_m: float, least_semblance: float = 0.3
    ) -> "Landmarks":
        """Pixels that hold little more than one reflector, where they are on the floor.

        Args:
            votes: collected under (almost) this motion.
            motion: referred to the middle of the turn.
            radius_m: arm of the antenna.
            least_semblance: over that of a reflector alone.
        """
        used = votes.semblance > least_semblance
        x_m, y_m = motion.position_m(votes.time_s[used])
        range_m = (votes.range_m + radius_m)[used] * votes.elevation_cosine[used]
        azimuth_rad = votes.azimuth_rad[used]
        return Landmarks(
            x_m + range_m * np.cos(azimuth_rad),
            y_m + range_m * np.sin(azimuth_rad),
            votes.semblance[used],
        )

    def seen_from(self, pose: PlanarPose) -> "Landmarks":
        """The same landmarks in the frame in which this one's has a pose."""
        cosine, sine = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
        return Landmarks(
            pose.x_m + cosine * self.x_m - sine * self.y_m,
            pose.y_m + sine * self.x_m + cosine * self.y_m,
            self.weight,
        )


def polar_map(landmarks: Landmarks) -> NDArray[np.float64]:
    """Blurred map (azimuth, range) around the frame's origin, every place worth between 0 and 1."""
    azimuth = np.mod(np.arctan2(landmarks.y_m, landmarks.x_m) / (2 * np.pi), 1.0) * AZIMUTHS
    distance = np.hypot(landmarks.x_m, landmarks.y_m) / RANGE_STEP_M
    counts = np.histogram2d(
        azimuth,
        distance,
        bins=(np.arange(AZIMUTHS + 1), np.arange(RANGE_STEPS + 1)),
        weights=landmarks.weight,
    )[0]
    blurred = gaussian_filter(counts, BLUR, mode=("wrap", "constant"))
    filled = blurred > 1e-3
    middle = float(np.median(blurred[filled])) if filled.any() else 1.0
    return blurred / (blurred + middle)


def turned_between(
    before: NDArray[np.float64], after: NDArray[np.float64], limit_rad: float
) -> tuple[float, float] | None:
    """By which angle the second map must be turned to lie on the first one.

    Args:
        before: (azimuth, range) map.
        after: (azimuth, range) map.
        limit_rad: larger angles are not looked for.

    Returns:
        The angle (counter-clockwise, in rad) and the correlation there, 0 to 1; None where the maps
        have no maximum inside the limit.
    """
    energy = np.sqrt((before**2).sum() * (after**2).sum())
    if energy == 0:
        return None
    spectrum = np.fft.rfft(before, axis=0) * np.conj(np.fft.rfft(after, axis=0))
    correlation = np.fft.irfft(spectrum.sum(axis=1), n=AZIMUTHS) / energy
    reach = int(np.ceil(limit_rad / (2 * np.pi) * AZIMUTHS))
    around = correlation[np.arange(-reach, reach + 1)]
    peak = int(around.argmax())
    if peak in (0, 2 * reach):
        return None
    low, high, above = around[peak - 1 : peak + 2]
    offset = 0.5 * (low - above) / min(low - 2 * high + above, -1e-12)
    return float((peak - reach + offset) * 2 * np.pi / AZIMUTHS), float(high)
