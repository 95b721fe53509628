"""The published way to the robot's velocity, as a method to choose and a baseline to beat.

Lai et al. 2024, section 5, equations 6-10, with K = 4 pi / lambda:

- (7)  in a window about time t0 every range bin is multiplied by exp(j K r cos(w (t - t0))), which
  takes out the bend that the rotor gives the path
- (9)  a reflector at azimuth theta is then a tone at
  f(t0) = (2 / lambda) (r w (w t0 - theta) - v cos(alpha - theta)): over t0, a line of the known
  slope S = 2 r w^2 / lambda. Lines are found by a Hough transform along that slope alone
- (10) where the line is strongest the antenna faced the reflector, w t_p = theta, so that
  f_p = -(2 v / lambda) cos(alpha - w t_p)
- section 5.2: one sinusoid through (azimuth, f_p) of all range bins by RANSAC, refined by least
  squares: its amplitude is the speed, its phase the heading

The paper holds velocity constant over the turn and has neither a rate of turn nor elevations in its
equations; neither has this, except that a rate of turn known from an IMU, which the authors' robot
carried, puts azimuths into axes that do not turn. What it leaves open is chosen here
(:class:`HoughSettings`): the window, the thresholds, and how a peak is placed between two windows.
The eight antennas are summed, a beam at the horizon, each transmitter's chirps at their own time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from threadpoolctl import ThreadpoolController

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.beamforming import RangeProfiles, range_profiles
from panoradar_ros.imaging.motion import MotionEstimate
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.rotation import Rotation
from panoradar_ros.imaging.yaw_prior import YawRatePrior


@dataclass(frozen=True)
class HoughSettings:
    """What the paper does not say.

    Attributes:
        window_rad: width of the sliding window in turntable angle; a Hann window.
        centres: windows a turn. The spectrum has one line of frequency per window step, so that a
            reflector's line crosses one cell a window.
        max_radial_mps: lines are looked for up to this radial speed.
        first_bin: range bins before it hold leakage and reflectors too near for equation 6.
        last_bins: so many bins at the far end hold the leakage's other side.
        line_over_noise: the mean power along a line must exceed the noise's by this factor.
        range_share: ... and this share of the strongest line of its window within ``range_reach``.
        range_reach: range bins to both sides that count as around.
        peak_steps: the peak is placed by a parabola in log power over so many windows to each side.
        inlier_mps: RANSAC: a peak this close to the sinusoid agrees with it.
        hypotheses: RANSAC: pairs of peaks that are tried.
        seed: RANSAC: of the pairs.
        least_peaks: fewer peaks that agree are not to be trusted.
        least_share: a smaller share of the peaks that agrees is not to be trusted.
        peaks_per_look: so many peaks say the same thing (one reflector is in several range bins,
            and the walls are not points on the horizon); scales the covariance.
        max_speed_mps: larger results are not to be trusted.

    Raises:
        ValueError: a value is out of its range.
    """

    window_rad: float = np.deg2rad(40.0)
    centres: int = 240
    max_radial_mps: float = 0.8
    first_bin: int = 30
    last_bins: int = 16
    line_over_noise: float = 8.0
    range_share: float = 0.05
    range_reach: int = 2
    peak_steps: int = 6
    inlier_mps: float = 0.08
    hypotheses: int = 500
    seed: int = 0
    least_peaks: int = 20
    least_share: float = 0.3
    peaks_per_look: float = 16.0
    max_speed_mps: float = 0.9

    def __post_init__(self) -> None:
        for name in (
            "window_rad",
            "max_radial_mps",
            "line_over_noise",
            "inlier_mps",
            "peaks_per_look",
            "max_speed_mps",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name, least in (
            ("centres", 64),
            ("first_bin", 0),
            ("last_bins", 0),
            ("range_reach", 0),
            ("peak_steps", 1),
            ("hypotheses", 1),
            ("least_peaks", 3),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")


@dataclass(frozen=True)
class LinePeaks:
    """Where the lines of a turn are strongest.

    Attributes:
        azimuth_rad: (peak,) where the antenna looked then, in the axes that base_link has in the
            middle of the turn.
        radial_mps: (peak,) speed towards that azimuth, -lambda f_p / 2.
        power: (peak,) there.
    """

    azimuth_rad: NDArray[np.float64]
    radial_mps: NDArray[np.float64]
    power: NDArray[np.float64]


class HoughMotionEstimator:
    """Estimates the velocity of one rotation as Lai et al. 2024 do.

    Args:
        array: antenna array (radius and wavelength).
        settings: what the paper leaves open.
    """

    def __init__(
        self, array: AntennaArray | None = None, settings: HoughSettings | None = None
    ) -> None:
        self.array = array if array is not None else AntennaArray()
        self.settings = settings if settings is not None else HoughSettings()
        self._libraries = ThreadpoolController()  # looks for them once: it takes milliseconds

    def profiles(
        self,
        rotation: Rotation,
        leakage: NDArray[np.complex64] | None = None,
        workers: int = 1,
    ) -> RangeProfiles:
        """Range spectra that :meth:`estimate` wants: Hann's window, every position.

        Args:
            rotation: the turn.
            leakage: (antenna, sample) complex mean chirp, in ADC counts.
            workers: threads of the FFT.
        """
        return range_profiles(rotation, leakage, workers=workers)

    def estimate(
        self,
        rotation: Rotation,
        profiles: RangeProfiles,
        initial: PlanarMotion | None = None,
        yaw_rate: YawRatePrior | None = None,
    ) -> MotionEstimate:
        """Velocity of the robot in one rotation; no acceleration, the rate of turn as it is told.

        Args:
            rotation: the turn.
            profiles: range spectra of its positions. The Doppler shifts need every position: if
                these are decimated, the spectra are computed again.
            initial: not used: the method has no first guess.
            yaw_rate: of the robot, from elsewhere; without it the robot is taken not to turn.
        """
        del initial
        yaw_rate_radps = yaw_rate.rate_radps if yaw_rate else 0.0
        if len(profiles.time_s) != len(rotation.time_s):
            profiles = range_profiles(rotation)
        turn_s = 2 * np.pi / rotation.angular_speed_rad_s
        middle_s = float(rotation.ray_time_s(1)[0] + turn_s / 2)
        peaks = self.peaks(rotation, profiles, yaw_rate_radps)
        velocity, covariance, agreeing = fit_sinusoid(peaks, self.settings)
        motion = PlanarMotion(
            float(velocity[0]),
            float(velocity[1]),
            reference_s=middle_s,
            yaw_rate_radps=yaw_rate_radps,
        )
        reliable = (
            agreeing >= self.settings.least_peaks
            and agreeing >= self.settings.least_share * len(peaks.power)
            and motion.speed_mps <= self.settings.max_speed_mps
        )
        full = np.diag([0.0, 0.0, yaw_rate.variance if yaw_rate else np.inf])
        full[:2, :2] = covariance
        return MotionEstimate(
            motion=motion,
            covariance=full,
            pixels=agreeing,
            iterations=1,
            reliable=bool(reliable),
        )

    def peaks(
        self, rotation: Rotation, profiles: RangeProfiles, yaw_rate_radps: float = 0.0
    ) -> LinePeaks:
        """The strongest point of every line that the Hough transform finds.

        Args:
            rotation: the turn.
            profiles: range spectra of all its positions.
            yaw_rate_radps: of the robot.
        """
        settings = self.settings
        sweep = _sweep(rotation, profiles, yaw_rate_radps)
        step_rad = (sweep.end_rad - sweep.start_rad) / settings.centres
        speed_rad_s = rotation.angular_speed_rad_s + rotation.direction * yaw_rate_radps
        step_mps = self.array.radius_m * speed_rad_s * step_rad
        widest = int(np.ceil(settings.max_radial_mps / step_mps))
        reach = widest + settings.peak_steps
        with self._libraries.limit(limits=1, user_api="blas"):  # products too small to share out
            spectrogram, first = self._spectrogram(sweep, reach, step_rad, step_mps)
        lines = _along_lines(spectrogram, reach)
        first_line = first + reach  # of which cell `reach` is the turn's first window
        del spectrogram
        found = _find_lines(lines, settings)
        if not len(found[0]):
            return LinePeaks(*np.zeros((3, 0)))
        cell, offset, power = _strongest_point(lines, found, settings, reach)
        window = found[0] - first_line + cell - reach
        between = _between_lines(lines, found)
        inside = np.isfinite(offset) & (window >= 0) & (window < settings.centres)
        azimuth = rotation.direction * (sweep.start_rad + step_rad * (window + offset))
        radial_mps = -step_mps * (cell - reach + offset - between)
        return LinePeaks(azimuth[inside], radial_mps[inside], power[inside])

    def _spectrogram(
        self, sweep: "_Sweep", reach: int, step_rad: float, step_mps: float
    ) -> tuple[NDArray[np.float32], int]:
        """Power of the compensated slow-time spectrum.

        Frequencies are given as radial speeds, (2 / lambda) step_mps apart. Every window's sum is a
        plain Fourier sum at the chirps' own times and angles, so that the gaps between frames, lost
        positions and an uneven rotor put nothing out of place.

        Returns:
            (window, 2 reach + 1, range), and how many windows come before the turn's start.
        """
        settings, angle, time_s = self.settings, sweep.angle_rad, sweep.time_s
        room = min(sweep.start_rad - angle[0], angle[-1] - sweep.end_rad)
        beyond = max(0, int((room - settings.window_rad / 2) / step_rad))
        centres = sweep.start_rad + step_rad * np.arange(-beyond, settings.centres + beyond)
        centre_s = np.interp(centres, angle, time_s)
        power = np.empty((len(centres), 2 * reach + 1, sweep.series.shape[-1]), np.float32)
        wavenumber = self.array.wavenumber_rad_per_m
        for index, (centre, then_s) in enumerate(zip(centres, centre_s, strict=True)):
            used = slice(
                *np.searchsorted(angle, centre + np.array([-0.5, 0.5]) * settings.window_rad)
            )
            off = angle[used] - centre
            taper = 1 + np.cos(2 * np.pi * off / settings.window_rad)
            total = max(float(taper @ sweep.weight[used]), 1e-12)
            bend = np.exp(1j * wavenumber * self.array.radius_m * np.cos(off)) * taper / total
            turn = np.exp(-1j * wavenumber * step_mps * (time_s[used] - then_s))
            up = np.cumprod(np.broadcast_to(turn, (reach, len(turn))), axis=0)
            tones = np.concatenate([np.conj(up[::-1]), np.ones((1, len(turn))), up])
            tone = (tones * bend).astype(np.complex64) @ sweep.series[used]
            power[index] = tone.real**2 + tone.imag**2
        return power, beyond


@dataclass(frozen=True)
class _Sweep:
    """The chirps of a turn in the order of time.

    Angles are of the boresight in fixed axes, those of base_link in the middle of the turn, and
    grow whichever way the turntable turns.

    Attributes:
        series: (chirp, range), receivers summed.
        weight: (chirp,) share that was received.
        time_s: (chirp,).
        angle_rad: (chirp,).
        start_rad: where the turn starts.
        end_rad: where it ends: a turn of the turntable, less or more by what the robot turned.
    """

    series: NDArray[np.complex64]
    weight: NDArray[np.float64]
    time_s: NDArray[np.float64]
    angle_rad: NDArray[np.float64]
    start_rad: float
    end_rad: float


def _sweep(rotation: Rotation, profiles: RangeProfiles, yaw_rate_radps: float) -> _Sweep:
    late_s = rotation.waveform.transmitter_offsets_s
    late_s = late_s - late_s.mean()
    speed_rad_s = np.gradient(profiles.azimuth_rad, profiles.time_s)
    azimuth = (profiles.azimuth_rad[:, None] + speed_rad_s[:, None] * late_s).ravel()
    time_s = (profiles.time_s[:, None] + late_s).ravel()
    sign = rotation.direction
    edges = rotation.start_azimuth_rad + sign * np.array([0.0, 2 * np.pi])
    edges_s = np.interp(sign * edges, sign * azimuth, time_s)
    middle_s = edges_s.mean()
    positions, _, bins = profiles.spectrum.shape
    series = profiles.spectrum.reshape(positions, len(late_s), -1, bins).sum(axis=2)
    start_rad, end_rad = sign * (edges + yaw_rate_radps * (edges_s - middle_s))
    return _Sweep(
        series.reshape(-1, bins),
        np.repeat(profiles.weight, len(late_s)),
        time_s,
        sign * (azimuth + yaw_rate_radps * (time_s - middle_s)),
        float(start_rad),
        float(end_rad),
    )


def _along_lines(spectrogram: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """The spectrogram sheared so that lines of the known slope stand upright.

    Line l holds the cells (window l - reach + i, frequency i - reach) for i in 0 .. 2 reach; cells
    outside the spectrogram are zero.

    Returns:
        (line, cell, range).
    """
    windows, cells, bins = spectrogram.shape
    lines = np.zeros((windows + 2 * reach, cells, bins), np.float32)
    for cell in range(cells):
        first = 2 * reach - cell
        lines[first : first + windows, cell] = spectrogram[:, cell]
    return lines


def _find_lines(
    lines: NDArray[np.float32], settings: HoughSettings
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Hough transform: lines (line, range bin) whose summed power stands out."""
    votes = lines.sum(axis=1)
    noise = np.median(votes[votes > 0]) if np.any(votes > 0) else 1.0
    across = maximum_filter(votes, size=(5, 1))
    around = maximum_filter(votes, size=(settings.centres // 3, 2 * settings.range_reach + 1))
    found = (votes >= across) & (votes > settings.line_over_noise * noise)
    found &= votes > settings.range_share * around
    found[[0, -1]] = False
    found[:, : settings.first_bin] = False
    found[:, votes.shape[1] - settings.last_bins :] = False
    line, bin_ = np.nonzero(found)
    return line, bin_


def _between_lines(
    lines: NDArray[np.float32], found: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> NDArray[np.float64]:
    """How far beside its line a reflector's own line runs, in lines."""
    line, bin_ = found
    sums = lines.sum(axis=1)
    before, at, after = (np.log(sums[line + step, bin_] + 1e-30) for step in (-1, 0, 1))
    curvature = np.minimum(before - 2 * at + after, -1e-6)
    return np.clip(0.5 * (before - after) / curvature, -0.5, 0.5).astype(np.float64)


def _strongest_point(
    lines: NDArray[np.float32],
    found: tuple[NDArray[np.intp], NDArray[np.intp]],
    settings: HoughSettings,
    reach: int,
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """The strongest cell of every line, and how far beyond it the peak of a parabola lies.

    Returns:
        Cell, offset in cells (NaN where there is no peak), and power, each (peak,).
    """
    half = settings.peak_steps
    profile = lines[found[0], :, found[1]]
    cell = half + profile[:, half:-half].argmax(axis=1)
    step = np.arange(-half, half + 1)
    rows = np.arange(len(cell))[:, None]
    height = profile[rows, cell[:, None] + step]
    log = np.log(np.maximum(height, 1e-30)).astype(np.float64)
    weight = np.sqrt(height / np.maximum(height.max(axis=1, keepdims=True), 1e-30)) + 1e-6
    design = np.stack([np.ones_like(step), step, step**2], axis=1).astype(np.float64)
    normal = np.einsum("pi,ij,ik->pjk", weight, design, design)
    right = np.einsum("pi,ij,pi->pj", weight, design, log)
    _, slope, bend = np.linalg.solve(normal, right[..., None])[..., 0].T
    offset = np.where(bend < 0, -slope / (2 * np.minimum(bend, -1e-12)), np.nan)
    offset[(np.abs(offset) > half / 2) | np.any(height <= 0, axis=1)] = np.nan
    return cell, offset, profile[rows[:, 0], cell].astype(np.float64)


def fit_sinusoid(
    peaks: LinePeaks, settings: HoughSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Velocity whose radial part the most peaks agree with: RANSAC, then least squares.

    Args:
        peaks: azimuths and radial speeds.
        settings: RANSAC's.

    Returns:
        Velocity (x, y), its covariance (2, 2), and the number of peaks that agree; zero, infinite
        and 0 where there are too few peaks or none agree.
    """
    nothing = np.zeros(2), np.diag([np.inf, np.inf]), 0
    count = len(peaks.radial_mps)
    if count < 3:
        return nothing
    normal = np.stack([np.cos(peaks.azimuth_rad), np.sin(peaks.azimuth_rad)], axis=1)
    generator = np.random.default_rng(settings.seed)
    pair = generator.integers(count, size=(settings.hypotheses, 2))
    first, second = normal[pair[:, 0]], normal[pair[:, 1]]
    sine = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    pair = pair[np.abs(sine) > 0.2]  # two peaks in one direction do not give a velocity
    if not len(pair):
        return nothing
    tried = np.linalg.solve(normal[pair], peaks.radial_mps[pair][..., None])[..., 0]
    agree = np.abs(tried @ normal.T - peaks.radial_mps) < settings.inlier_mps
    velocity, inlier = tried[0], agree[np.argmax(agree.sum(axis=1))]
    for _ in range(10):
        velocity = np.linalg.lstsq(normal[inlier], peaks.radial_mps[inlier])[0]
        again = np.abs(normal @ velocity - peaks.radial_mps) < settings.inlier_mps
        if again.sum() < 3 or np.array_equal(again, inlier):
            break
        inlier = again
    agreeing = int(inlier.sum())
    if agreeing < 3:
        return nothing
    residual = peaks.radial_mps[inlier] - normal[inlier] @ velocity
    variance = float(residual @ residual) / (agreeing - 2)
    spread = np.linalg.pinv(normal[inlier].T @ normal[inlier])
    return velocity, settings.peaks_per_look * variance * spread, agreeing
