"""Poses, points and colours as a viewer needs them: plain arrays, no viewer.

The colours are Turbo (Mikhailov, Google AI blog, 2019).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.planar_pose import PlanarPose


@cache
def _turbo() -> NDArray[np.uint8]:
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    bgr = cv2.applyColorMap(ramp, cv2.COLORMAP_TURBO)[:, 0]
    return np.ascontiguousarray(bgr[:, ::-1], np.uint8)


def colours(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint8]:
    """Turbo colours of values.

    Args:
        values: (n,) finite.
        low: Value that becomes dark blue; what is lower too.
        high: Value that becomes dark red; what is higher too.

    Returns:
        (n, 3) uint8 red, green, blue.

    Raises:
        ValueError: If ``high`` is not above ``low``.
    """
    if not high > low:
        raise ValueError(f"high must be above low = {low}, got {high}")
    index = np.clip((values - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8)
    return _turbo()[index]


@dataclass
class PoseTrack:
    """Poses by time, the last few seconds of them.

    Attributes:
        capacity: Poses kept.
    """

    capacity: int = 500
    _times_ns: list[int] = field(default_factory=list)
    _poses: list[PlanarPose] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._times_ns)

    def add(self, time_ns: int, pose: PlanarPose) -> None:
        """Add a pose; one that is older than the latest begins the track anew."""
        if self._times_ns and time_ns < self._times_ns[-1]:
            self._times_ns.clear()
            self._poses.clear()
        self._times_ns.append(time_ns)
        self._poses.append(pose)
        if len(self._times_ns) > self.capacity:
            del self._times_ns[0], self._poses[0]

    def covers(self, time_ns: int) -> bool:
        """Whether a time lies between the first and the last pose."""
        return bool(self._times_ns) and self._times_ns[0] <= time_ns <= self._times_ns[-1]

    def items(self) -> Iterator[tuple[int, PlanarPose]]:
        """Times and poses, oldest first."""
        return zip(self._times_ns, self._poses, strict=True)

    def at(self, time_ns: int) -> PlanarPose | None:
        """Pose at a time: between two poses on the way from one to the other, else the nearest."""
        if not self._times_ns:
            return None
        after = bisect.bisect_left(self._times_ns, time_ns)
        if after == 0:
            return self._poses[0]
        if after == len(self._times_ns):
            return self._poses[-1]
        before_ns, after_ns = self._times_ns[after - 1], self._times_ns[after]
        share = (time_ns - before_ns) / (after_ns - before_ns)
        a, b = self._poses[after - 1], self._poses[after]
        turn_rad = math.remainder(b.yaw_rad - a.yaw_rad, math.tau)
        return PlanarPose(
            a.x_m + share * (b.x_m - a.x_m),
            a.y_m + share * (b.y_m - a.y_m),
            a.yaw_rad + share * turn_rad,
        )


def scan_points(
    ranges_m: NDArray[np.floating], first_azimuth_rad: float, azimuth_increment_rad: float
) -> NDArray[np.float32]:
    """Points of the rays of a scan that met something.

    Args:
        ranges_m: (ray,); infinite or NaN where there is nothing.
        first_azimuth_rad: Of ray 0, counter-clockwise from x.
        azimuth_increment_rad: From ray to ray.

    Returns:
        (point, 3) metres in the scan's frame, z = 0.
    """
    azimuths_rad = first_azimuth_rad + azimuth_increment_rad * np.arange(len(ranges_m))
    seen = np.isfinite(ranges_m)
    points = np.zeros((int(seen.sum()), 3), np.float32)
    points[:, 0] = ranges_m[seen] * np.cos(azimuths_rad[seen])
    points[:, 1] = ranges_m[seen] * np.sin(azimuths_rad[seen])
    return points


def without_ceiling(corners_m: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which triangles to show so that one can look into a building from above.

    Args:
        corners_m: (triangle, 3 corners, 3).

    Returns:
        (triangle,) False for what lies wholly in the top 15 % of the height: ceiling and lamps.
    """
    if not len(corners_m):
        return np.zeros(0, bool)
    height_m = corners_m[..., 2]
    top_m, bottom_m = height_m.max(), height_m.min()
    if top_m == bottom_m:
        return np.ones(len(corners_m), bool)
    shown: NDArray[np.bool_] = height_m.min(axis=1) <= bottom_m + 0.85 * (top_m - bottom_m)
    return shown


def triangle_normals(corners_m: NDArray[np.floating]) -> NDArray[np.float32]:
    """Unit normal of each corner's triangle, zero where a triangle has no area.

    Args:
        corners_m: (3 x triangle, 3), counter-clockwise seen from outside.

    Returns:
        (3 x triangle, 3).
    """
    triangles = corners_m.reshape(-1, 3, 3)
    across = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    length = np.linalg.norm(across, axis=1, keepdims=True)
    flat = np.divide(across, length, out=np.zeros_like(across), where=length > 0)
    return np.repeat(flat, 3, axis=0).astype(np.float32)
