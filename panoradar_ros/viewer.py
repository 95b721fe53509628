"""What the viewer shows: arrays into a Rerun recording, laid out in one window.

The scene has one fixed frame, ``world``. With a simulated truth that is the building's frame, and
the robot's own odometry is drawn into it from where it began, so that its drift is seen; without,
it is the odometry's frame. Points are placed with the robot's pose at their own time.

Rerun is documented at https://rerun.io/docs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.viewer_server import rerun_module
from panoradar_ros.imaging.planar_pose import PlanarPose
from panoradar_ros.viewer_geometry import (
    PoseTrack,
    colours,
    triangle_normals,
    without_ceiling,
)

TIMELINE = "time"
VIEW_RADIUS_M = 8.0
ROBOT_SIZE_M = (0.5, 0.4, 0.3)
TRAJECTORY_STEP_M = 0.03
TRAJECTORY_POINTS = 3000
COLOURINGS = ("height", "range")
PICTURES = ("heatmap", "panorama")
HEIGHT_LIMITS_M = (-0.9, 1.3)
RANGE_LIMITS_M = (0.0, 9.0)

_TRUTH_COLOUR = (120, 120, 120)
_ESTIMATE_COLOUR = (255, 196, 0)
_SCAN_COLOUR = (255, 64, 64)


class SceneLog:
    """Logs what the robot publishes into a Rerun recording.

    Args:
        recording: A :class:`rerun.RecordingStream`.
        sensor_position_m: Of the radar's frame in the robot's, (x, y, z).
        colour_by: One of :data:`COLOURINGS`.
        hidden_above_m: Points higher than this above the floor are left out, so that one can look
            into the building from above.
        pictures: Names of the pictures that the window shows, top to bottom.

    Raises:
        ValueError: If ``colour_by`` or ``sensor_position_m`` is not allowed.
    """

    def __init__(
        self,
        recording: Any,
        *,
        sensor_position_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
        colour_by: str = "height",
        hidden_above_m: float = math.inf,
        pictures: tuple[str, ...] = PICTURES,
    ) -> None:
        if colour_by not in COLOURINGS:
            raise ValueError(f"colour_by must be one of {', '.join(COLOURINGS)}, got {colour_by!r}")
        if len(sensor_position_m) != 3 or not np.isfinite(sensor_position_m).all():
            raise ValueError(f"sensor_position_m must be three numbers, got {sensor_position_m}")
        self.colour_by = colour_by
        self.hidden_above_m = hidden_above_m
        self._pictures = pictures
        self._rerun = rerun_module()
        self._recording = recording
        self._sensor_m = np.asarray(sensor_position_m, np.float32)
        self._truth = PoseTrack()
        self._odometry = PoseTrack()
        self._odometry_in_world: PlanarPose | None = None
        self._aimed_at_robot = False
        self._paths: dict[str, list[tuple[float, float, float]]] = {"truth": [], "odometry": []}
        recording.log("world", self._rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        self._log_styles()

    def _log_styles(self) -> None:
        for name, label, colour in (
            ("measured", "measured", _ESTIMATE_COLOUR),
            ("truth", "truth", _TRUTH_COLOUR),
        ):
            style = self._rerun.SeriesLines(colors=colour, names=label, widths=2.0)
            self._recording.log(f"speed/{name}", style, static=True)

    def _aim(self, target_m: tuple[float, float], radius_m: float) -> None:
        """Turn the eye, once: from then on it is the user's."""
        window = layout(self._pictures, target_m=target_m, radius_m=radius_m)
        self._recording.send_blueprint(window)

    def _set_time(self, time_ns: int) -> None:
        self._recording.set_time(TIMELINE, timestamp=np.datetime64(time_ns, "ns"))

    def log_building(
        self, corners_m: NDArray[np.floating], corner_colours: NDArray[np.floating]
    ) -> None:
        """Show the building, without its ceiling.

        Args:
            corners_m: (corner, 3); three corners make a triangle.
            corner_colours: (corner, 4) red, green, blue, opacity in 0 .. 1, or (0, 4).

        Raises:
            ValueError: If the corners are no triangles.
        """
        if corners_m.ndim != 2 or corners_m.shape[1] != 3 or len(corners_m) % 3:
            raise ValueError(f"corners_m must be (3 x triangle, 3), got {corners_m.shape}")
        shown = np.repeat(without_ceiling(corners_m.reshape(-1, 3, 3)), 3)
        painted = len(corner_colours) == len(corners_m)
        mesh = self._rerun.Mesh3D(
            vertex_positions=corners_m[shown].astype(np.float32),
            vertex_colors=(
                (255 * np.clip(corner_colours[shown], 0, 1)).astype(np.uint8) if painted else None
            ),
            vertex_normals=triangle_normals(corners_m[shown]),
        )
        self._recording.log("world/building", mesh, static=True)
        if len(corners_m) and not self._aimed_at_robot:
            low, high = corners_m[:, :2].min(axis=0), corners_m[:, :2].max(axis=0)
            middle = (float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2)
            self._aim(middle, max(VIEW_RADIUS_M, float(np.hypot(*(high - low))) / 2))

    def log_truth(self, time_ns: int, pose: PlanarPose, speed_mps: float) -> None:
        """Show where the robot really is, in the building's frame."""
        self._truth.add(time_ns, pose)
        self._align()
        self._set_time(time_ns)
        self._recording.log("speed/truth", self._rerun.Scalars(speed_mps))
        self._extend_path("truth", pose, _TRUTH_COLOUR)
        if not len(self._odometry):
            self._log_robot(pose)
        if not self._aimed_at_robot:
            self._aimed_at_robot = True
            self._aim((pose.x_m, pose.y_m), VIEW_RADIUS_M)

    def log_odometry(self, time_ns: int, pose: PlanarPose, speed_mps: float) -> None:
        """Show where the robot says it is, in the frame in which its odometry began."""
        self._odometry.add(time_ns, pose)
        self._align()
        self._set_time(time_ns)
        self._recording.log("speed/measured", self._rerun.Scalars(speed_mps))
        placed = self._in_world(pose)
        self._extend_path("odometry", placed, _ESTIMATE_COLOUR)
        self._log_robot(placed)

    def log_points(
        self, time_ns: int, points_m: NDArray[np.floating], *, in_sensor: bool = True
    ) -> None:
        """Show a point cloud where the robot was at its time.

        Args:
            time_ns: Stamp.
            points_m: (point, 3) in the radar's or the robot's frame; those not finite are left out.
            in_sensor: The points are in the radar's frame.
        """
        floor_m = -self._sensor_m[2] if in_sensor else 0.0
        shown = np.isfinite(points_m).all(axis=1)
        shown[shown] = points_m[shown, 2] - floor_m <= self.hidden_above_m
        points_m = points_m[shown]
        if self.colour_by == "height":
            painted = colours(points_m[:, 2], *HEIGHT_LIMITS_M)
        else:
            painted = colours(np.linalg.norm(points_m, axis=1), *RANGE_LIMITS_M)
        self._log_placed("world/points", time_ns, points_m, painted, 0.03, in_sensor)

    def log_scan(
        self, time_ns: int, points_m: NDArray[np.floating], *, in_sensor: bool = True
    ) -> None:
        """Show the points (point, 3) of a planar scan where the robot was at its time."""
        self._log_placed("world/scan", time_ns, points_m, _SCAN_COLOUR, 0.05, in_sensor)

    def log_picture(self, name: str, time_ns: int, pixels: NDArray[np.uint8]) -> None:
        """Show a picture, (row, column, 3) or (row, column), under ``pictures/<name>``."""
        self._set_time(time_ns)
        self._recording.log(f"pictures/{name}", self._rerun.Image(pixels))

    def _log_placed(
        self,
        path: str,
        time_ns: int,
        points_m: NDArray[np.floating],
        painted: Any,
        radius_m: float,
        in_sensor: bool,
    ) -> None:
        placed = self._pose_at(time_ns).apply(points_m + self._sensor_m if in_sensor else points_m)
        self._set_time(time_ns)
        cloud = self._rerun.Points3D(placed, colors=painted, radii=radius_m)
        self._recording.log(path, cloud)

    def _pose_at(self, time_ns: int) -> PlanarPose:
        measured = self._odometry.at(time_ns)
        if measured is not None:
            return self._in_world(measured)
        return self._truth.at(time_ns) or PlanarPose()

    def _align(self) -> None:
        """Find where the odometry's frame lies, from its first pose whose truth is known."""
        if self._odometry_in_world is not None:
            return
        for time_ns, pose in self._odometry.items():
            truth = self._truth.at(time_ns)
            if truth is not None and self._truth.covers(time_ns):
                self._odometry_in_world = truth.then(pose.inverse())
                self._paths["odometry"].clear()
                return

    def _in_world(self, pose: PlanarPose) -> PlanarPose:
        origin = self._odometry_in_world
        return pose if origin is None else origin.then(pose)

    def _log_robot(self, pose: PlanarPose) -> None:
        rr = self._rerun
        length_m, _, height_m = ROBOT_SIZE_M
        box = rr.Boxes3D(
            centers=[[pose.x_m, pose.y_m, height_m / 2]],
            sizes=[ROBOT_SIZE_M],
            rotation_axis_angles=[rr.RotationAxisAngle(axis=[0, 0, 1], radians=pose.yaw_rad)],
            colors=[_ESTIMATE_COLOUR],
            fill_mode="solid",
        )
        heading = [length_m * math.cos(pose.yaw_rad), length_m * math.sin(pose.yaw_rad), 0.0]
        arrow = rr.Arrows3D(
            origins=[[pose.x_m, pose.y_m, height_m]], vectors=[heading], colors=[_SCAN_COLOUR]
        )
        self._recording.log("world/robot", box)
        self._recording.log("world/robot/heading", arrow)

    def _extend_path(self, name: str, pose: PlanarPose, colour: tuple[int, int, int]) -> None:
        path = self._paths[name]
        point = (pose.x_m, pose.y_m, 0.02)
        if path and math.dist(path[-1], point) < TRAJECTORY_STEP_M:
            return
        path.append(point)
        del path[:-TRAJECTORY_POINTS]
        line = self._rerun.LineStrips3D([path], colors=[colour], radii=[0.025])
        self._recording.log(f"world/{name}", line)


def layout(
    pictures: tuple[str, ...] = PICTURES,
    *,
    target_m: tuple[float, float] = (0.0, 0.0),
    radius_m: float = VIEW_RADIUS_M,
) -> Any:
    """The window: building and points on the left; pictures and speed on the right.

    Args:
        pictures: Names of the pictures that are shown, top to bottom.
        target_m: Place on the floor, (x, y) in the world, that the eye looks at.
        radius_m: How much around it is seen.
    """
    rerun_module()
    import rerun.blueprint as blueprint

    scene = blueprint.Spatial3DView(
        origin="world",
        name="Building",
        eye_controls=blueprint.EyeControls3D(
            position=(
                target_m[0] - 0.6 * radius_m,
                target_m[1] - 0.9 * radius_m,
                1.3 * radius_m,
            ),
            look_target=(*target_m, 0.5),
            eye_up=(0.0, 0.0, 1.0),
        ),
    )
    views = [blueprint.Spatial2DView(origin=f"pictures/{name}", name=name) for name in pictures]
    speed = blueprint.TimeSeriesView(origin="speed", name="Speed (m/s)")
    return blueprint.Blueprint(
        blueprint.Horizontal(
            scene, blueprint.Vertical(*views, speed), column_shares=[3, 2], name="Radar"
        ),
        blueprint.TimePanel(state="collapsed", timeline=TIMELINE),
        blueprint.SelectionPanel(state="hidden"),
        blueprint.BlueprintPanel(state="hidden"),
        auto_views=False,
    )
