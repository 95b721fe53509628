"""What a demo run was worth: observations held against the simulated truth."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.rolling_report import RollingScore
from panoradar_ros.scoring import MotionScore, ScanScore, score_motion, score_scan

MAXIMUM_RANGE_M = 9.5


@dataclass(frozen=True)
class TruePath:
    """True poses by time.

    Attributes:
        time_ns: (row,) increasing.
        pose: (row, 3) x, y in metres and yaw in radians.
    """

    time_ns: NDArray[np.int64]
    pose: NDArray[np.float64]

    def at(self, time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Poses at times, (time, 3), by linear interpolation."""
        origin = self.time_ns[0]
        known_s, wanted_s = (self.time_ns - origin) * 1e-9, (time_ns - origin) * 1e-9
        yaw = np.unwrap(self.pose[:, 2])
        columns = [self.pose[:, 0], self.pose[:, 1], yaw]
        return np.stack([np.interp(wanted_s, known_s, c) for c in columns], axis=1)

    def covers(self, start_ns: int, end_ns: int) -> bool:
        """Whether both times lie between the first and the last pose."""
        return bool(self.time_ns[0] <= start_ns and end_ns <= self.time_ns[-1])

    def mean_velocity_mps(self, start_ns: int, end_ns: int) -> NDArray[np.float64]:
        """Mean velocity between two times in the robot's frame, (2,)."""
        start, end = self.at(np.array([start_ns, end_ns]))
        world = (end[:2] - start[:2]) / ((end_ns - start_ns) * 1e-9)
        yaw = (start[2] + end[2]) / 2
        cosine, sine = np.cos(yaw), np.sin(yaw)
        return np.array([cosine * world[0] + sine * world[1], cosine * world[1] - sine * world[0]])


def motion_against_truth(
    velocity: dict[int, tuple[float, float]], turn_s: float, path: TruePath
) -> MotionScore:
    """Score the velocity of every turn that the truth covers.

    Args:
        velocity: by the middle of the turn in ns.
        turn_s: length of a turn.
        path: the truth.

    Raises:
        ValueError: the truth covers no turn.
    """
    estimated, true = [], []
    half_ns = round(turn_s * 5e8)
    for middle_ns, value in velocity.items():
        start_ns, end_ns = middle_ns - half_ns, middle_ns + half_ns
        if path.covers(start_ns, end_ns):
            estimated.append(value)
            true.append(path.mean_velocity_mps(start_ns, end_ns))
    return score_motion(np.array(estimated).reshape(-1, 2), np.array(true).reshape(-1, 2))


@dataclass(frozen=True)
class LearnedScore:
    """What the recognition node was worth.

    Attributes:
        per_s: range images a second.
        latency_ms_p50: from the end of a turn to the arrival of its learned scan, median.
        latency_ms_p95: its 95 % quantile.
        range_image_ms: time of the last one.
        scan_median_error_m: see :class:`panoradar_ros.scoring.ScanScore`.
        scan_p90_error_m: the same.
        scan_detected_fraction: the same.
    """

    per_s: float
    latency_ms_p50: float
    latency_ms_p95: float
    range_image_ms: float
    scan_median_error_m: float
    scan_p90_error_m: float
    scan_detected_fraction: float


@dataclass(frozen=True)
class DemoReport:
    """The table at the end of a demo. All figures are of a simulated world.

    Attributes:
        simulated: always true.
        first_panorama_s: from the start of the program.
        seconds: length of the measured time.
        rotations: turns imaged in it.
        rotations_per_s: rate.
        longest_pause_s: longest time between two results.
        loss_fraction: share of the samples that the capture node lost.
        frames_dropped: radar frames that waited too long for a slow machine and were left out.
        frames_incomplete: radar frames that the capture node got with a gap, or not at all.
        loss_injected: share of the samples that the emulated link dropped.
        megabits_per_s: rate of samples.
        speed_mae_mps: see :class:`panoradar_ros.scoring.MotionScore`.
        speed_p95_mps: the same.
        heading_mae_deg: the same.
        heading_p95_deg: the same.
        scan_median_error_m: see :class:`panoradar_ros.scoring.ScanScore`.
        scan_p90_error_m: the same.
        scan_detected_fraction: the same.
        latency_ms_p50: from the end of a turn to the arrival of its results, median.
        latency_ms_p95: its 95 % quantile.
        rolling: sectors; None where the imaging node was told not to form any.
        rolling_scan_median_error_m: as ``scan_median_error_m``, of sectors put together to turns.
        learned: of the recognition node; None where it did not run.
        cpu_fraction: of all cores, used by the stack (capture, motor, imaging).
        cpu_fraction_emulator: of all cores, used by the emulated devices.
        rss_mb: largest memory of stack and emulator together (a viewer is not counted).
        rss_growth_mb: what it grew in the second half.
    """

    first_panorama_s: float
    seconds: float
    rotations: int
    rotations_per_s: float
    longest_pause_s: float
    loss_fraction: float
    loss_injected: float
    frames_dropped: int
    megabits_per_s: float
    speed_mae_mps: float
    speed_p95_mps: float
    heading_mae_deg: float
    heading_p95_deg: float
    scan_median_error_m: float
    scan_p90_error_m: float
    scan_detected_fraction: float
    latency_ms_p50: float
    latency_ms_p95: float
    cpu_fraction: float
    cpu_fraction_emulator: float
    rss_mb: float
    rss_growth_mb: float
    frames_incomplete: int = 0
    rolling: RollingScore | None = None
    rolling_scan_median_error_m: float = float("nan")
    learned: LearnedScore | None = None
    simulated: bool = True

    def as_dict(self) -> dict[str, Any]:
        """For JSON: numbers rounded to what they are worth, NaN as None."""
        return _rounded(asdict(self))

    def as_table(self) -> str:
        """For people."""
        rows = [
            ("first panorama", f"{self.first_panorama_s:.1f} s after start"),
            ("rotations imaged", f"{self.rotations} ({self.rotations_per_s:.2f} /s)"),
            ("longest pause", f"{self.longest_pause_s:.2f} s"),
            ("samples", f"{self.megabits_per_s:.0f} Mbit/s"),
            ("lost (injected)", f"{self.loss_fraction:.4%} ({self.loss_injected:.4%})"),
            ("speed error", f"{1e3 * self.speed_mae_mps:.1f} mm/s mean"),
            ("heading error", f"{self.heading_mae_deg:.2f} deg mean"),
            ("scan error", f"{100 * self.scan_median_error_m:.1f} cm median"),
            ("scan rays detected", f"{self.scan_detected_fraction:.1%}"),
            ("latency", f"{self.latency_ms_p50:.0f} ms median, {self.latency_ms_p95:.0f} ms p95"),
            ("CPU of the stack", f"{self.cpu_fraction:.0%} of all cores"),
            ("CPU of the emulator", f"{self.cpu_fraction_emulator:.0%} of all cores"),
            ("memory", f"{self.rss_mb:.0f} MB, {self.rss_growth_mb:+.0f} MB in the second half"),
        ]
        if self.frames_dropped:
            slow = (
                f"too slow: {self.frames_dropped} radar frames waited too long and were left out; "
                "results are late. Close other programs, or ask for less"
            )
            rows.insert(2, ("this machine", slow))
        if (rolling := self.rolling) is not None:
            rows.insert(
                -3,
                (
                    "sectors",
                    f"{rolling.updates_per_s:.0f} /s, {rolling.latency_ms_p50:.0f} ms median, "
                    f"{rolling.latency_ms_p95:.0f} ms p95 after the boresight",
                ),
            )
        if (learned := self.learned) is not None:
            rows[-3:-3] = [
                (
                    "learned scan error",
                    f"{100 * learned.scan_median_error_m:.1f} cm median, "
                    f"{100 * learned.scan_p90_error_m:.0f} cm p90",
                ),
                (
                    "learned images",
                    f"{learned.per_s:.2f} /s, {learned.latency_ms_p50:.0f} ms after the turn",
                ),
            ]
        width = max(len(name) for name, _ in rows)
        lines = [f"  {name:<{width}}  {value}" for name, value in rows]
        return "\n".join(["Simulated world, real stack:", *lines])


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, float):
        return float(f"{value:.4g}") if np.isfinite(value) else None
    return value


def scan_score(measured: list[NDArray[np.float32]], true: list[NDArray[np.float32]]) -> ScanScore:
    """Score all scans together.

    Raises:
        ValueError: there is no scan.
    """
    if not measured:
        raise ValueError("no scan to compare")
    return score_scan(np.array(measured), np.array(true), MAXIMUM_RANGE_M)
