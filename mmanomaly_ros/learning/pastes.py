"""Anomalies that never were: power added to normal spectra, for the comparator to learn from.

Nothing is taken from anomalous frames. Reflectors are given the radar's own point spread, bodies
are those of other normal frames put elsewhere; all is added to the linear power of a frame.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.context import Context
from mmanomaly_ros.learning.point_spread import (
    beam_response,
    doppler_gain,
    doppler_response,
    range_response,
)
from mmanomaly_ros.spectrum import CEILING_DB, CHANNELS, FLOOR_DB
from mmanomaly_ros.watch import ANGLES, POSES, RANGES, TASKS, cell_of, depths_m, is_upright

WHOLE, MOVING, DOPPLER = range(len(CHANNELS))
LEAST_GAIN_DB = 3.0
"""By which a cell must have risen to count as anomalous."""
_MIDDLE_DB = 8.0
"""Below an anomaly's highest power, to where it counts as its place."""
_SEEN_DB = 6.0
_NEAREST_BIN = 10
_BODY_M = 0.6
_BEHIND_M = (0.35, 2.8)
_FARTHEST_M = 5.2
_MOST_LATERAL_M = 2.0
_ELEVATION_SINES = (-0.45, 0.2)
"""Of bodies before an upright line a metre above the floor."""


@dataclass(frozen=True)
class Scene:
    """A normal frame, and what is known of it.

    Attributes:
        measured_db: (channel, range, column).
        context: what the camera tells.
        wall_m: how far ahead the wall is; NaN where there is none.
        range_bin_m: of the radar.
        pose: of the person who is seen.
    """

    measured_db: NDArray[np.float32]
    context: Context
    wall_m: float
    range_bin_m: float
    pose: int

    @property
    def power(self) -> NDArray[np.float64]:
        """(channel, range, column) over the noise."""
        return np.asarray(10 ** (self.measured_db.astype(np.float64) / 10))


@dataclass(frozen=True)
class Pasted:
    """A frame with an anomaly that never was.

    Attributes:
        measured_db: (channel, range, column).
        mask: (range, column) where the anomaly stands out in range and azimuth.
        visible: it stands out somewhere, if only in range and Doppler.
    """

    measured_db: NDArray[np.float32]
    mask: NDArray[np.bool_]
    visible: bool


Power = NDArray[np.float64]


def pasted(scene: Scene, other: Scene, generator: np.random.Generator) -> Pasted:
    """The frame with an anomaly of its watch.

    Args:
        scene: a normal frame.
        other: another normal frame, whose person may be put behind the wall.
        generator: of all that is random.
    """
    kinds: dict[str, Callable[[], Power | None]] = {
        "weapon": lambda: hidden_object(scene, generator),
        "intruder": lambda: intruder(scene, other, generator),
        "fall": lambda: fall(scene, generator),
    }
    added = kinds[TASKS[scene.context.watch]]()
    return added_to(scene, np.zeros_like(scene.power) if added is None else added)


def added_to(scene: Scene, added: Power) -> Pasted:
    """The sum of a frame and more power (channel, range, column), over the noise."""
    before = scene.power
    measured = 10 * np.log10(before + added)
    measured = np.clip(measured, FLOOR_DB, CEILING_DB).astype(np.float32)
    risen = measured - scene.measured_db >= LEAST_GAIN_DB
    # below the noise a rise is one of the noise
    risen &= measured >= LEAST_GAIN_DB
    # side lobes stand out, too, but are not where the anomaly is
    highest = added.max(axis=(1, 2), keepdims=True)
    middle = risen & (added >= highest * 10 ** (-_MIDDLE_DB / 10))
    return Pasted(measured, middle[WHOLE] | middle[MOVING], bool(risen.any()))


def hidden_object(scene: Scene, generator: np.random.Generator) -> Power | None:
    """A few bright points on the person whom the camera sees; None where none is found."""
    cell = person_cell(scene)
    if cell is None:
        return None
    power = scene.power
    count = int(generator.integers(1, 7))
    row, column = cell
    rows = row + generator.uniform(-0.1, 0.12) / scene.range_bin_m + generator.normal(0, 1, count)
    lateral_m = generator.uniform(-0.2, 0.2) + generator.normal(0, 0.06, count)
    sines = _sine(column) + lateral_m / max(row * scene.range_bin_m, 0.3)
    shape = _interfering(rows, sines, generator.exponential(1, count), generator)
    near = _around(power, row, column)
    strength = near[WHOLE].mean() * 10 ** (generator.uniform(3, 25) / 10)
    whole = strength * shape
    # it sways as whoever carries it
    sway = near[MOVING].mean() / near[WHOLE].mean() * generator.uniform(0.2, 1.5)
    profile = np.maximum(power[DOPPLER, row] - 1, 1e-3)
    return _with_motion(whole, min(sway, 1.0), profile / profile.sum())


def intruder(scene: Scene, other: Scene, generator: np.random.Generator) -> Power | None:
    """Somebody behind the wall: a cluster of points, or the person of another frame."""
    row, sine = place_behind(scene, generator)
    if generator.random() < 0.5:
        body = body_elsewhere(other, row, sine, generator)
        if body is not None:
            return body * 10 ** (-generator.uniform(0, 25) / 10)
    count = int(generator.integers(3, 11))
    rows = row + generator.normal(0, 0.14, count) / scene.range_bin_m
    sines = sine + generator.normal(0, 0.18, count) / max(row * scene.range_bin_m, 0.3)
    shape = _interfering(rows, sines, generator.exponential(1, count), generator)
    speed = generator.choice([0.0, generator.uniform(-1.5, 1.5)])
    speeds = generator.normal(speed, generator.uniform(0.05, 0.6), 24)
    strength = 10 ** (generator.uniform(3, 32) / 10)
    moving = generator.uniform(0.05, 1.0) if speed == 0 else 1.0
    return _with_motion(strength * shape, moving, _profile(speeds))


def fall(scene: Scene, generator: np.random.Generator) -> Power | None:
    """A burst of many speeds, or somebody who lies; where somebody moves, or anywhere behind."""
    row, sine = place_behind(scene, generator)
    found = occupant_cell(scene)
    if found is not None and generator.random() < 0.6:
        row, sine = float(found[0]), _sine(found[1])
    range_m = max(row * scene.range_bin_m, 0.3)
    count = int(generator.integers(4, 13))
    if generator.random() < 0.5:
        extent_m = generator.uniform(0.3, 1.5)
        rows = row + generator.uniform(-0.5, 0.5, count) * extent_m / scene.range_bin_m
        sines = sine + generator.normal(0, 0.2, count) / range_m
        middle = generator.uniform(-2.5, 2.5)
        speeds = generator.normal(middle, generator.uniform(0.5, 1.5), 48).clip(-3.5, 3.5)
        strength, moving = 10 ** (generator.uniform(6, 35) / 10), 1.0
    else:
        along_m = generator.uniform(-0.9, 0.9, count)
        angle = generator.uniform(0, np.pi)
        rows = row + along_m * np.sin(angle) / scene.range_bin_m
        sines = sine + along_m * np.cos(angle) / range_m
        speeds = generator.normal(0, generator.uniform(0.03, 0.2), 12)
        strength, moving = 10 ** (generator.uniform(6, 35) / 10), generator.uniform(0.02, 0.4)
    shape = _interfering(rows, sines, generator.exponential(1, count), generator)
    return _with_motion(strength * shape, moving, _profile(speeds))


def body_elsewhere(
    other: Scene, row: float, sine: float, generator: np.random.Generator
) -> Power | None:
    """What moves within 0.6 m of another frame's person, put at another place.

    Args:
        other: the frame.
        row: range bin to put it at.
        sine: lateral sine likewise.
        generator: of whether left is right and near is far.

    Returns:
        (channel, range, column) power over the noise; None where no person is found.
    """
    cell = person_cell(other)
    if other.pose <= POSES.index("none") or cell is None:
        return None
    rows = np.abs(np.arange(RANGES) - cell[0]) * other.range_bin_m / _BODY_M
    lateral_m = np.abs(np.arange(ANGLES) - cell[1]) * 2 / (ANGLES - 1)
    columns = lateral_m * max(cell[0] * other.range_bin_m, 0.3) / _BODY_M
    tapers = [np.where(far < 1, np.cos(far * np.pi / 2) ** 2, 0.0) for far in (rows, columns)]
    excess = np.maximum(other.power[[MOVING, DOPPLER]] - 2.0, 0.0) * tapers[0][:, None]
    moving, doppler = excess[0] * tapers[1], excess[1]
    if generator.random() < 0.5:
        doppler = np.roll(doppler[:, ::-1], 1, axis=1)
    shift = round(row - cell[0]), round((sine + 1) / 2 * (ANGLES - 1)) - cell[1]
    moving = _shifted(_shifted(moving, shift[0]).T, shift[1]).T
    whole = moving * generator.uniform(1, 2)
    return np.stack([whole, moving, _shifted(doppler, shift[0])])


def person_cell(scene: Scene) -> tuple[int, int] | None:
    """Range bin and column where most moves of what the camera sees; None where nothing does."""
    surfaces = cv2.dilate((scene.context.polar[0] > 0).astype(np.uint8), np.ones((7, 5), np.uint8))
    if np.isfinite(scene.wall_m):
        surfaces[~_before(scene, scene.wall_m - 0.15)] = 0
    return _strongest(scene, surfaces.astype(bool))


def occupant_cell(scene: Scene) -> tuple[int, int] | None:
    """Range bin and column where most moves behind the wall; None where nothing does."""
    return _strongest(scene, ~_before(scene, scene.wall_m + 0.2))


def place_behind(scene: Scene, generator: np.random.Generator) -> tuple[float, float]:
    """Range bin and lateral sine somewhere behind the wall, or 1.5 m where there is none."""
    wall_m = scene.wall_m if np.isfinite(scene.wall_m) else 1.5
    deepest_m = min(wall_m + _BEHIND_M[1], _FARTHEST_M - 0.4)
    depth_m = generator.uniform(wall_m + _BEHIND_M[0], max(deepest_m, wall_m + 0.5))
    most_m = min(_MOST_LATERAL_M, np.sqrt(max(_FARTHEST_M**2 - depth_m**2, 0.04)))
    right_m = generator.uniform(-most_m, most_m)
    if is_upright(scene.context.watch):
        sine = generator.uniform(*_ELEVATION_SINES)
        return depth_m / np.sqrt(1 - sine**2) / scene.range_bin_m, sine
    row, column = cell_of([right_m, depth_m], scene.range_bin_m)
    return float(row), _sine(float(column))


def _strongest(scene: Scene, where: NDArray[np.bool_]) -> tuple[int, int] | None:
    moving = cv2.blur(scene.measured_db[MOVING], (3, 3))
    moving[:_NEAREST_BIN] = FLOOR_DB
    moving[~where] = FLOOR_DB
    row, column = divmod(int(moving.argmax()), ANGLES)
    return (row, column) if moving[row, column] >= _SEEN_DB else None


def _before(scene: Scene, depth_m: float) -> NDArray[np.bool_]:
    """(range, column) cells that are nearer than a depth."""
    return np.asarray(depths_m(scene.range_bin_m) < depth_m)


def _sine(column: float) -> float:
    return 2 * column / (ANGLES - 1) - 1


def _around(power: Power, row: int, column: int) -> Power:
    return power[:2, max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]


def _interfering(
    rows: NDArray[np.float64],
    sines: NDArray[np.float64],
    strengths: NDArray[np.float64],
    generator: np.random.Generator,
) -> Power:
    """(range, column) power of reflectors whose echoes interfere, 1 at its highest."""
    amplitude = np.sqrt(strengths) * np.exp(2j * np.pi * generator.random(len(strengths)))
    ranges = range_response(np.clip(rows, 0, RANGES - 1))
    beams = beam_response(np.clip(sines, -1, 1))
    power = np.abs((amplitude[:, None] * ranges).T @ beams) ** 2
    # the transform comes round at the last bin; a reflector beyond it is not seen in the first
    power[: _NEAREST_BIN // 2] = 0
    return np.asarray(power / power.max())


def _with_motion(whole: Power, share: float, profile: Power) -> Power:
    """(channel, range, column) of a power map of which a share moves, with a profile of speeds."""
    in_speeds = whole.max(axis=1)[:, None] * share * doppler_gain() * profile
    return np.stack([whole, whole * share, in_speeds])


def _profile(speeds: NDArray[np.float64]) -> Power:
    """(speed,) mean share of power."""
    return np.asarray(doppler_response(speeds).mean(axis=0))


def _shifted(values: Power, rows: int) -> Power:
    """Moved along the first axis, nothing comes round."""
    result = np.zeros_like(values)
    if rows >= 0:
        result[rows:] = values[: len(values) - rows]
    else:
        result[:rows] = values[-rows:]
    return result
