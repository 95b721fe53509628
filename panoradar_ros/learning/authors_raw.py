"""PanoRadar's raw recordings, as its authors publish them, made into frames.

One folder a recording, ``<building>_{moving|static}/expYYYYMMDD-NNN``. The radar's files are those
of :mod:`panoradar_ros.commands.raw_arrays`; the LiDAR's are

    lidar_data.npy    (turn, 64, 2048, 3) metres in the LiDAR's axes; zero or not finite: no return
    lidar_ts.txt      time of every turn, in seconds of the radar's clock
    data_params.npz   transform (2, 2): x and y in the radar's axes are (x, y) @ transform

The truth of a turn of the radar is the LiDAR's turn nearest to its middle. Every point is moved
into the axes of the robot at the time at which the radar looked that way, by the estimated motion,
and becomes the range of the ray that it is nearest to. What no source tells and is assumed: the
LiDAR stands in the turntable's axis at the radar's height; its stamp is of its whole turn (the
robot's motion within a turn of 0.1 s is not taken off); a return on glass is what is behind it.
There are no classes: labels do not count.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.scene import IGNORED_CLASS
from mmwave.simulation.truth import MAX_RANGE_M, NO_INSTANCE
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.pipeline import Panorama
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.normals import normals_from_range
from panoradar_ros.recognition.echo import encode_echo

LEAST_RANGE_M = 0.1
"""Nearer points are the robot's own, or none."""

LONGEST_APART_S = 0.15
"""Between the middle of the radar's turn and the LiDAR's: more than its period is a gap."""


@dataclass(frozen=True)
class LidarTurns:
    """The LiDAR's part of a recording.

    Attributes:
        points_m: (turn, row, column, 3), mapped from disk.
        time_ns: (turn,) increasing.
        transform: (2, 2) from its x and y to the radar's.
    """

    points_m: NDArray[np.floating]
    time_ns: NDArray[np.int64]
    transform: NDArray[np.float64]

    def nearest(self, time_ns: int) -> int | None:
        """The turn nearest to a time; None where it is more than LONGEST_APART_S away."""
        apart = np.abs(self.time_ns - time_ns)
        turn = int(apart.argmin())
        return turn if apart[turn] <= LONGEST_APART_S * 1e9 else None

    def turn_m(self, turn: int) -> NDArray[np.float64]:
        """(point, 3) returns of a turn in the radar's axes."""
        points = np.asarray(self.points_m[turn], np.float64).reshape(-1, 3)
        points = points[np.isfinite(points).all(axis=1)]
        points = points[np.linalg.norm(points, axis=1) > LEAST_RANGE_M]
        return np.column_stack([points[:, :2] @ self.transform, points[:, 2]])


def read_lidar(folder: Path) -> LidarTurns:
    """The LiDAR's files of a recording.

    Raises:
        ValueError: a file is missing, cannot be read, or does not fit the others; the message names
            it.
    """
    data = _read(folder / "lidar_data.npy", lambda path: np.load(path, mmap_mode="r"))
    if data.ndim != 4 or data.shape[3] != 3 or not len(data):
        raise ValueError(
            f"{folder / 'lidar_data.npy'} must be (turn, row, column, 3), got {data.shape}"
        )
    time_s = _read(folder / "lidar_ts.txt", np.loadtxt).reshape(-1)
    if len(time_s) != len(data):
        raise ValueError(
            f"{folder / 'lidar_ts.txt'} must hold {len(data)} times, one a turn of lidar_data.npy; "
            f"got {len(time_s)}"
        )
    if not np.isfinite(time_s).all() or np.any(np.diff(time_s) <= 0):
        raise ValueError(f"{folder / 'lidar_ts.txt'}: times must be finite and increase")
    transform = _read(folder / "data_params.npz", _transform)
    return LidarTurns(data, np.rint(time_s * 1e9).astype(np.int64), transform)


def _transform(path: Path) -> NDArray[np.float64]:
    with np.load(path) as parameters:
        if "transform" not in parameters:
            raise ValueError("it needs transform, from the LiDAR's x and y to the radar's")
        transform = np.asarray(parameters["transform"], float)
    if transform.shape != (2, 2) or not np.allclose(transform @ transform.T, np.eye(2), atol=0.02):
        raise ValueError(f"transform must be a turn or a mirror, (2, 2); got {transform.tolist()}")
    return transform


def _read(path: Path, load: Any) -> Any:
    if not path.exists():
        raise ValueError(f"{path} is missing: unpack the recording's archive again")
    try:
        return load(path)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def range_of_points(
    points_m: NDArray[np.floating],
    ray_poses: NDArray[np.floating],
    grid: PanoramaGrid | None = None,
) -> NDArray[np.float32]:
    """Range image of points that stand still, seen by a radar that moves while it turns.

    Args:
        points_m: (point, 3) in one position's axes.
        ray_poses: (column, 3) x, y and yaw of the robot when it looked along each column, as seen
            from that position.
        grid: directions of the rays.

    Returns:
        (row, column): of the point nearest to the ray, within half a pixel of it; NaN where there
        is none, inf beyond the radar's reach.
    """
    grid = grid if grid is not None else PanoramaGrid(columns=len(ray_poses))
    x_m, y_m, z_m = np.asarray(points_m, np.float64).T
    azimuth = np.arctan2(y_m, x_m)
    for _ in range(2):  # a pose moves a point by far less than a column at a time
        column = np.rint(-azimuth / (2 * np.pi) * grid.columns).astype(int) % grid.columns
        pose_x, pose_y, yaw = ray_poses[column].T
        from_x, from_y = x_m - pose_x, y_m - pose_y
        azimuth = np.arctan2(from_y, from_x) - yaw
    place = (-azimuth / (2 * np.pi) * grid.columns) % grid.columns
    column = np.rint(place).astype(int) % grid.columns
    flat_m = np.hypot(from_x, from_y)
    step = 2 * grid.elevation_limit_rad / (grid.rows - 1)
    height = (grid.elevation_limit_rad - np.arctan2(z_m, flat_m)) / step
    row = np.rint(height).astype(int)
    off_column = np.abs(place - np.rint(place)) * 2 * np.pi / grid.columns
    off = np.hypot(off_column, (height - row) * step)
    inside = (row >= 0) & (row < grid.rows)
    order = np.flatnonzero(inside)[np.argsort(-off[inside], kind="stable")]
    image = np.full((grid.rows, grid.columns), np.nan, np.float32)
    image[row[order], column[order]] = np.hypot(flat_m, z_m)[order]  # the nearest comes last
    return np.where(image > MAX_RANGE_M, np.float32(np.inf), image)


def frame_of(panorama: Panorama, lidar: LidarTurns) -> Frame | None:
    """The frame of a turn.

    Args:
        panorama: imaged by the real chain, with estimated motion.
        lidar: of the same recording.

    Returns:
        None where the motion could not be told or the LiDAR has no turn near enough.
    """
    turn = lidar.nearest(panorama.middle_ns)
    if turn is None or not panorama.motion.reliable:
        return None
    motion = panorama.motion.motion

    def in_motion_s(time_ns: float) -> float:
        return motion.reference_s + (time_ns - panorama.middle_ns) * 1e-9

    ray_s = in_motion_s(panorama.start_ns) + panorama.ray_time_s
    poses = motion.poses_from(in_motion_s(float(lidar.time_ns[turn])), ray_s)
    rows, columns = panorama.power.shape[:2]
    grid = PanoramaGrid(columns, rows)
    range_m = range_of_points(lidar.turn_m(turn), poses, grid)
    normal = np.rint(127 * normals_from_range(range_m, grid)).astype(np.int8)
    return Frame(
        encode_echo(panorama.power),
        range_m,
        panorama.image.range_m.astype(np.float32),
        normal,
        np.full((rows, columns), IGNORED_CLASS, np.uint8),
        np.full((rows, columns), NO_INSTANCE, np.int32),
        np.zeros((rows, columns), bool),
    )
