"""How soon and how often sectors come: arrivals held against the times of the boresight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

TOPICS = ("rolling/scan", "rolling/points", "rolling/panorama")


@dataclass(frozen=True)
class SectorSeen:
    """A sector's scan as it came.

    Attributes:
        first_ns: when the boresight passed its first ray.
        last_ns: when it passed the last one.
        arrival_ns: when the message came.
        first_azimuth_rad: of the first ray.
        increment_rad: from ray to ray.
        range_m: (ray,) in the order of time.
    """

    first_ns: int
    last_ns: int
    arrival_ns: int
    first_azimuth_rad: float
    increment_rad: float
    range_m: NDArray[np.float32]

    @property
    def ray_ns(self) -> NDArray[np.int64]:
        """(ray,) when the boresight passed."""
        later_ns = np.linspace(0, self.last_ns - self.first_ns, len(self.range_m))
        return self.first_ns + np.rint(later_ns).astype(np.int64)

    def columns(self, columns: int) -> NDArray[np.int64]:
        """(ray,) column of each ray in a grid of so many, clockwise from straight ahead."""
        azimuth = self.first_azimuth_rad + self.increment_rad * np.arange(len(self.range_m))
        return np.rint(-azimuth / (2 * np.pi) * columns).astype(np.int64) % columns


@dataclass(frozen=True)
class RollingScore:
    """Rate and latency of sectors.

    Latency is from the moment the boresight passed a ray to the arrival of the message that holds
    it. An update holds rays of different age: the median and the 95 % quantile are over updates, of
    the mean ray, of the newest and of the oldest one.

    Attributes:
        updates: sectors that came.
        updates_per_s: rate.
        latency_ms_p50: mean ray, ``rolling/scan``.
        latency_ms_p95: the same.
        newest_ray_ms_p50: newest ray of each update.
        newest_ray_ms_p95: the same.
        oldest_ray_ms_p50: oldest ray of each update.
        oldest_ray_ms_p95: the same.
        points_per_s: rate of ``rolling/points``.
        points_latency_ms_p95: mean ray.
        panorama_per_s: rate of ``rolling/panorama``.
        panorama_latency_ms_p95: mean ray of the newest sector in it.
        longest_pause_s: longest time between two updates.
        rays_missed: rays that no update held.
    """

    updates: int
    updates_per_s: float
    latency_ms_p50: float
    latency_ms_p95: float
    newest_ray_ms_p50: float
    newest_ray_ms_p95: float
    oldest_ray_ms_p50: float
    oldest_ray_ms_p95: float
    points_per_s: float
    points_latency_ms_p95: float
    panorama_per_s: float
    panorama_latency_ms_p95: float
    longest_pause_s: float
    rays_missed: int


def score_rolling(
    sectors: Sequence[SectorSeen],
    points_arrival_ns: Mapping[int, int],
    panorama_arrival_ns: Mapping[int, int],
    seconds: float,
) -> RollingScore | None:
    """Score what came in a measured time.

    Args:
        sectors: in the order in which they came.
        points_arrival_ns: arrival by the stamp, which is the first ray's time.
        panorama_arrival_ns: arrival by the stamp, which is the last ray's time.
        seconds: measured time.

    Returns:
        The score, or None where fewer than two sectors came.
    """
    if len(sectors) < 2:
        return None
    first, last, arrival = np.array(
        [(one.first_ns, one.last_ns, one.arrival_ns) for one in sectors]
    ).T
    middle = first + (last - first) // 2
    points = _arrivals(points_arrival_ns, first)
    panorama = _arrivals(panorama_arrival_ns, last)

    def quantile(from_ns: NDArray[np.int64], to_ns: NDArray[np.floating], share: float) -> float:
        late_ms = (to_ns - from_ns) * 1e-6
        known = late_ms[np.isfinite(late_ms)]
        return float(np.quantile(known, share)) if len(known) else float("nan")

    return RollingScore(
        updates=len(sectors),
        updates_per_s=len(sectors) / seconds,
        latency_ms_p50=quantile(middle, arrival, 0.5),
        latency_ms_p95=quantile(middle, arrival, 0.95),
        newest_ray_ms_p50=quantile(last, arrival, 0.5),
        newest_ray_ms_p95=quantile(last, arrival, 0.95),
        oldest_ray_ms_p50=quantile(first, arrival, 0.5),
        oldest_ray_ms_p95=quantile(first, arrival, 0.95),
        points_per_s=int(np.isfinite(points).sum()) / seconds,
        points_latency_ms_p95=quantile(middle, points, 0.95),
        panorama_per_s=int(np.isfinite(panorama).sum()) / seconds,
        panorama_latency_ms_p95=quantile(middle, panorama, 0.95),
        longest_pause_s=float(np.diff(arrival).max()) * 1e-9,
        rays_missed=_missed(sectors),
    )


def whole_scans(
    sectors: Sequence[SectorSeen], columns: int = 512
) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Sectors put together to turns without a gap: times and ranges by column, (column,) each."""
    turns = []
    ray_ns, range_m = np.zeros(columns, np.int64), np.zeros(columns, np.float32)
    filled, expected = 0, -1
    for sector in sectors:
        place = sector.columns(columns)
        if place[0] != expected:
            filled = 0
        expected = (place[-1] + (1 if sector.increment_rad < 0 else -1)) % columns
        ray_ns[place], range_m[place] = sector.ray_ns, sector.range_m
        filled += len(place)
        if filled >= columns:
            turns.append((ray_ns.copy(), range_m.copy()))
            filled = 0
    return turns


def _arrivals(by_stamp: Mapping[int, int], stamp_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Arrival of the message with each stamp (to 50 us: some come from float32), NaN for none."""
    arrival = np.full(len(stamp_ns), np.nan)
    known = np.array(sorted(by_stamp), np.int64)
    if not len(known):
        return arrival
    after = np.clip(np.searchsorted(known, stamp_ns - 50_000), 0, len(known) - 1)
    found = np.abs(known[after] - stamp_ns) <= 50_000
    arrival[found] = [by_stamp[int(one)] for one in known[after][found]]
    return arrival


def _missed(sectors: Sequence[SectorSeen]) -> int:
    """Rays that would fit between the end of each sector and the start of the next."""
    missed = 0
    for before, after in pairwise(sectors):
        step_ns = (before.last_ns - before.first_ns) / max(len(before.range_m) - 1, 1)
        missed += max(0, round((after.first_ns - before.last_ns) / step_ns) - 1)
    return missed
