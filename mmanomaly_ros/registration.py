"""Whether the camera is still where it was when the watch began.

The depth image is held against the one remembered from the beginning, and the small rigid motion
that explains the difference is found (point to plane, Chen and Medioni 1992, equation 9, with
Tukey's weights, so that people who come, go and move do not count). It is told in degrees and
metres. The radar's spectra are not used for it: a beam of eight antennas is 14 degrees wide, and a
camera that turned by five would fit as well as before. What this cannot see is a camera that was
mounted wrongly from the start, and motion along a surface that fills the whole image: before a
single flat wall, sliding along it and rolling about its normal; rolling also while people cover
much of the image. A motion that explains no more of the image than none does is not told.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mmwave.camera import Camera

_ROUNDS = 6
_LEAST_SHARE = 0.1
"""Of pixels that must agree with some motion, or the view is another one altogether."""
_MORE_EXPLAINED = 0.03
"""Share of pixels that a motion must explain beyond what none does: a person who walks before a
flat wall is explained by motions that the wall does not forbid, and the wall no better."""
_SAME_M, _SAME_PER_M = 0.01, 0.00375
"""How much a depth may differ, and more with the square of the depth: 2.5 deviations of a
sensor."""
_DAMPING = 1e-4
_LARGEST_STEP = 0.08
"""Depth steps between neighbours, as a share of depth, above which there is no surface."""


@dataclass(frozen=True)
class RegistrationSettings:
    """When a camera counts as moved.

    Attributes:
        rotation_deg: more than this,
        translation_m: or more than this,
        frames: median over so many frames; as many make the reference.
        cut_m: points farther from the remembered surface than this do not count.
        stride: every so many rows and columns are used.

    Raises:
        ValueError: one of them is not positive.
    """

    rotation_deg: float = 3.0
    translation_m: float = 0.06
    frames: int = 10
    cut_m: float = 0.3
    stride: int = 2

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")


@dataclass(frozen=True)
class Motion:
    """Of the camera, in the radar's axes.

    Attributes:
        rotation_deg: (3,) rotation vector.
        translation_m: (3,) of the camera.
        share: of pixels that this motion explains.
    """

    rotation_deg: NDArray[np.float64]
    translation_m: NDArray[np.float64]
    share: float


class RegistrationCheck:
    """Tells when the camera was moved.

    Args:
        camera: of the depth images, whatever their size.
        settings: see there.

    Attributes:
        camera: see above.
        motion: since the reference, median over frames; None until there is one.
    """

    def __init__(self, camera: Camera, settings: RegistrationSettings | None = None) -> None:
        self.settings = settings or RegistrationSettings()
        self.camera = camera
        self._rays = camera.rays()[:: self.settings.stride, :: self.settings.stride]
        self._centre = camera.position_m
        self._shape = camera.size_px[::-1]
        self.reset()

    def reset(self) -> None:
        """Take the next frames as the reference."""
        self._first: list[NDArray[np.float64]] = []
        self._points: NDArray[np.float64] | None = None
        self._motions: deque[Motion] = deque(maxlen=self.settings.frames)
        self.motion: Motion | None = None

    def update(self, depth_m: NDArray[np.floating]) -> str:
        """Look at one depth image.

        Args:
            depth_m: (row, column) of the camera's size; NaN at holes.

        Returns:
            What is wrong, or "" while nothing is or the reference is not complete.

        Raises:
            ValueError: the image has another size.
        """
        if depth_m.shape != self._shape:
            raise ValueError(f"depth_m must be {self._shape}, got {depth_m.shape}")
        stride = self.settings.stride
        depth = np.asarray(depth_m[::stride, ::stride], np.float64)
        depth = np.where(np.isfinite(depth) & (depth > 0), depth, np.nan)
        if self._points is None:
            self._first.append(depth)
            if len(self._first) == self.settings.frames:
                self._remember(_median(np.stack(self._first)))
            return ""
        found = self._motion(depth)
        self._motions.append(found)
        if len(self._motions) < self.settings.frames:
            return ""
        self.motion = Motion(
            np.median([one.rotation_deg for one in self._motions], axis=0),
            np.median([one.translation_m for one in self._motions], axis=0),
            float(np.median([one.share for one in self._motions])),
        )
        return self._told(self.motion)

    def _told(self, motion: Motion) -> str:
        if motion.share < _LEAST_SHARE:
            return "camera moved, or what it sees is another place altogether"
        turned = float(np.linalg.norm(motion.rotation_deg))
        shifted = float(np.linalg.norm(motion.translation_m))
        if turned > self.settings.rotation_deg or shifted > self.settings.translation_m:
            return f"camera moved by {turned:.1f} degrees and {shifted * 100:.0f} cm"
        return ""

    def _remember(self, depth: NDArray[np.float64]) -> None:
        points = depth[..., None] * self._rays + self._centre
        normals, near = np.full_like(points, np.nan), np.full(depth.shape, False)
        across, down = points[1:-1, 2:] - points[1:-1, :-2], points[2:, 1:-1] - points[:-2, 1:-1]
        normal = np.cross(across, down)
        with np.errstate(invalid="ignore"):
            normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        normals[1:-1, 1:-1] = normal
        middle = depth[1:-1, 1:-1]
        steps = np.maximum(
            np.abs(depth[1:-1, 2:] - depth[1:-1, :-2]), np.abs(depth[2:, 1:-1] - depth[:-2, 1:-1])
        )
        near[1:-1, 1:-1] = steps < _LARGEST_STEP * middle
        self._points, self._normals = points, normals
        self._usable = near & np.isfinite(normals).all(axis=-1)

    def _explained(self, points: NDArray[np.float64], depth: NDArray[np.float64]) -> float:
        """Share of points (n, 3), of pixels at some depth (n,), that lie on what is remembered."""
        seen, before, normal = self._remembered(points)
        off = np.abs(np.einsum("ij,ij->i", normal, before - points[seen]))
        return np.count_nonzero(off < _SAME_M + _SAME_PER_M * depth[seen] ** 2) / len(points)

    def _motion(self, depth: NDArray[np.float64]) -> Motion:
        """The motion (R, t) that minimises n . (R q + t - p), p being what was seen where q is.

        Pairs are found anew after every step by projecting into the remembered image (Blais and
        Levine 1995): with pairs of equal pixels corners would pull a turn sideways.
        """
        now = depth[..., None] * self._rays + self._centre
        now, depth_m = now[np.isfinite(depth)], depth[np.isfinite(depth)]
        turn, shift, share = np.eye(3), np.zeros(3), 0.0
        # the cut begins wide and closes: motion first moves every surface by more than noise does
        for cut in np.geomspace(3, 1, _ROUNDS) * self.settings.cut_m:
            moved = now @ turn.T + shift
            seen, before, normal = self._remembered(moved)
            moved = moved[seen]
            offset = np.einsum("ij,ij->i", normal, before - moved)
            weight = np.maximum(1 - (offset / cut) ** 2, 0) ** 2
            share = float(np.count_nonzero(weight) / depth.size)
            if share < _LEAST_SHARE:
                break
            slopes = np.concatenate([np.cross(moved, normal), normal], axis=1)
            weighted = (slopes * (weight / weight.sum())[:, None]).T
            step = np.linalg.solve(weighted @ slopes + _DAMPING * np.eye(6), weighted @ offset)
            small = Rotation.from_rotvec(step[:3]).as_matrix()
            turn, shift = small @ turn, small @ shift + step[3:]
        if share >= _LEAST_SHARE:
            gained = self._explained(now @ turn.T + shift, depth_m) - self._explained(now, depth_m)
            if gained < _MORE_EXPLAINED:
                return Motion(np.zeros(3), np.zeros(3), share)
        # of the camera's own place, not of the radar's origin
        shift = turn @ self._centre + shift - self._centre
        return Motion(np.degrees(Rotation.from_matrix(turn).as_rotvec()), shift, share)

    def _remembered(
        self, points: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
        """Which points (n, 3) fall on a remembered surface, its points there, and its normals."""
        assert self._points is not None
        place = np.rint(self.camera.project(points) / self.settings.stride).astype(np.int64)
        rows, columns = self._usable.shape
        inside: NDArray[np.bool_] = np.all((place >= 0) & (place < (columns, rows)), axis=1)
        column, row = np.where(inside[:, None], place, 0).T
        inside &= self._usable[row, column]
        row, column = row[inside], column[inside]
        return inside, self._points[row, column], self._normals[row, column]


def _median(depths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over frames of pixels that were seen in at least half of them, else NaN."""
    enough = np.isfinite(depths).mean(axis=0) >= 0.5
    result = np.full(depths.shape[1:], np.nan)
    result[enough] = np.nanmedian(depths[:, enough], axis=0)
    return result
