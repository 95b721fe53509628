"""The robot's velocity now, from the sectors that have just passed.

A turn's motion holds in its middle and is known when it is over: for the sectors of the next turn
it is 0.5 to 1 s old, in which a robot that brakes or swerves changes its velocity by 0.2 m/s, and
0.1 m/s shift the panorama by 6 degrees. The moment of a beam (see
:mod:`panoradar_ros.imaging.motion`) says for every reflector by how much the speed that was assumed
towards it is wrong; here the reflectors of every sector vote as it is formed, and the votes of the
last half second together give velocity and acceleration at its end.
"""

from collections import deque
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, maximum_filter1d

from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.sector_kernels import robust_velocity


@dataclass(frozen=True)
class TrackerSettings:
    """How votes are chosen and weighed.

    Attributes:
        memory_s: votes count for so long; about a turn, so that they come from all around.
        first_bin: range bins before it do not vote (leakage, near field).
        floor_over_noise: votes exceed the noise power by this factor,
        dominance: and this share of the largest power around them,
        neighbourhood: within so many rays and bins,
        side_lobe_share: and this share of the largest power at their range in the sectors beside.
        power_exponent: weight of a vote = (power over noise) ** exponent.
        outlier_mps: scale of the robust loss (Cauchy).
        prior_votes: the velocity that the votes before predicted counts as so many votes,
        prior_memory_s: and no acceleration as so many over this time.
        least_votes: with fewer in memory the velocity is not known.
        max_speed_mps: larger velocities are cut.
        max_acceleration_mps2: larger accelerations are cut.

    Raises:
        ValueError: a value is not positive.
    """

    memory_s: float = 0.5
    first_bin: int = 30
    floor_over_noise: float = 12.0
    dominance: float = 0.25
    neighbourhood: tuple[int, int] = (33, 5)
    side_lobe_share: float = 0.02
    power_exponent: float = 0.3
    outlier_mps: float = 0.15
    prior_votes: float = 5.0
    prior_memory_s: float = 0.3
    least_votes: int = 30
    max_speed_mps: float = 0.9
    max_acceleration_mps2: float = 2.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if np.min(value) < 0 or (np.min(value) == 0 and one.name != "first_bin"):
                raise ValueError(f"{one.name} must be positive, got {value}")


@dataclass(frozen=True)
class _Sector:
    """Rays that are kept until the sectors on both sides of them are known.

    Attributes:
        azimuth_rad: (ray,) in base_link.
        time_s: (ray,).
        assumed_mps: (ray,) speed towards each ray that was assumed.
        power: (ray, range).
        error_mps: (ray, range).
    """

    azimuth_rad: NDArray[np.float64]
    time_s: NDArray[np.float64]
    assumed_mps: NDArray[np.float64]
    power: NDArray[np.float32]
    error_mps: NDArray[np.float32]


@dataclass(frozen=True)
class _Votes:
    """Radial speeds of one sector's reflectors, (vote,) each."""

    azimuth_rad: NDArray[np.float64]
    time_s: NDArray[np.float64]
    radial_mps: NDArray[np.float64]
    weight: NDArray[np.float64]


class MotionTracker:
    """Velocity and acceleration by a robust least squares over the votes in memory.

    Args:
        settings: see there.
    """

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self.settings = settings if settings is not None else TrackerSettings()
        self._sectors: deque[_Sector] = deque(maxlen=3)
        self._votes: deque[_Votes] = deque()
        self._motion: PlanarMotion | None = None

    def clear(self) -> None:
        """Forget everything."""
        self._sectors.clear()
        self._votes.clear()
        self._motion = None

    @property
    def motion(self) -> PlanarMotion | None:
        """The newest motion; None while there are too few votes."""
        return self._motion

    def add(
        self,
        azimuth_rad: NDArray[np.float64],
        time_s: NDArray[np.float64],
        power: NDArray[np.float32],
        error_mps: NDArray[np.float32],
        noise_power: float,
        motion: PlanarMotion,
        boresight_mps: float,
    ) -> None:
        """Add the rays of a sector; those of the one before vote.

        Args:
            azimuth_rad: (ray,) in base_link at the time the boresight passed.
            time_s: (ray,) these times.
            power: (ray, range) of each pixel's strongest elevation beam.
            error_mps: (ray, range) its radial speed error under ``motion``.
            noise_power: median power.
            motion: what was assumed when the rays were formed.
            boresight_mps: speed r w of the antenna.
        """
        fixed = azimuth_rad + motion.yaw_rad(time_s)
        assumed_mps = motion.radial_mps(fixed, time_s)
        self._sectors.append(_Sector(azimuth_rad, time_s, assumed_mps, power, error_mps))
        if len(self._sectors) == 3:
            votes = self._vote(noise_power, boresight_mps)
            self._votes.append(votes)
        now_s = float(time_s[-1])
        while self._votes and now_s - self._votes[0].time_s.max(initial=0) > self.settings.memory_s:
            self._votes.popleft()
        self._motion = self._solve(motion.at(now_s))

    def _vote(self, noise_power: float, boresight_mps: float) -> _Votes:
        """The peaks of the sector in the middle of three, as far as its neighbours let them."""
        settings = self.settings
        before, sector, _ = self._sectors
        power = np.concatenate([one.power for one in self._sectors])
        inside = slice(len(before.power), len(before.power) + len(sector.power))
        chosen = np.zeros(power.shape, np.bool_)
        strongest = maximum_filter1d(power.max(axis=0), 5)
        around = maximum_filter(power, settings.neighbourhood, mode="nearest")
        chosen[inside] = (
            (power > settings.floor_over_noise * noise_power)
            & (power > settings.dominance * around)
            & (power > settings.side_lobe_share * strongest)
        )[inside]
        chosen[:, : settings.first_bin] = False
        chosen[1:-1] &= (power[1:-1] >= power[:-2]) & (power[1:-1] >= power[2:])
        ray, cell = np.nonzero(chosen)
        step_mps = boresight_mps * float(np.abs(np.diff(sector.azimuth_rad)).mean())
        offset = _peak_offset(power, ray, cell)
        weight = (power[ray, cell] / noise_power).astype(np.float64) ** settings.power_exponent
        own = ray - len(before.power)
        radial_mps = sector.assumed_mps[own] + sector.error_mps[own, cell] + step_mps * offset
        return _Votes(sector.azimuth_rad[own], sector.time_s[own], radial_mps, weight)

    def _solve(self, predicted: PlanarMotion) -> PlanarMotion | None:
        """Correct a prediction, referred to the present, by all votes in memory."""
        settings = self.settings
        if sum(len(one.weight) for one in self._votes) < settings.least_votes:
            return None
        azimuth_rad, time_s, radial_mps, base = (
            np.concatenate([getattr(one, name) for one in self._votes])
            for name in ("azimuth_rad", "time_s", "radial_mps", "weight")
        )
        fixed = azimuth_rad + predicted.yaw_rad(time_s)
        # the prior decides where nothing votes: at the start, and along a featureless corridor
        units = np.repeat([1.0, settings.prior_memory_s**2], 2)
        prior = settings.prior_votes * float(base.mean()) * units
        centre = np.array([predicted.x_mps, predicted.y_mps, 0.0, 0.0])
        start = np.array([predicted.x_mps, predicted.y_mps, predicted.x_mps2, predicted.y_mps2])
        state = robust_velocity(
            fixed, time_s - predicted.reference_s, radial_mps, base, prior, centre, start,
            settings.outlier_mps,
        )  # fmt: skip
        state[:2] /= max(1.0, np.hypot(*state[:2]) / settings.max_speed_mps)
        state[2:] /= max(1.0, np.hypot(*state[2:]) / settings.max_acceleration_mps2)
        x_mps, y_mps, x_mps2, y_mps2 = (float(one) for one in state)
        return PlanarMotion(
            x_mps, y_mps, x_mps2, y_mps2, predicted.reference_s, predicted.yaw_rate_radps
        )


def _peak_offset(
    power: NDArray[np.float32], ray: NDArray[np.intp], cell: NDArray[np.intp]
) -> NDArray[np.float64]:
    """How many rays the peak of a lobe lies after its strongest ray, by a parabola in log power."""
    before, at, after = (np.log(power[ray + step, cell] + 1e-30) for step in (-1, 0, 1))
    curvature = np.minimum(before - 2 * at + after, -1e-6)
    return np.clip(0.5 * (before - after) / curvature, -0.5, 0.5).astype(np.float64)
