import math

import numpy as np
import pytest
from rerun.chunk import RrdReader

from mmwave.viewer_server import Viewer
from panoradar_ros.imaging.planar_pose import PlanarPose
from panoradar_ros.viewer import SceneLog

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000


class Show:
    """A scene logged into a file, and what the file says afterwards."""

    def __init__(self, path, **options) -> None:
        self._path = path
        self._viewer = Viewer("file", path=path)
        self.scene = SceneLog(self._viewer.recording, **options)

    def finish(self) -> dict:
        self._viewer.close()
        values: dict = {}
        for chunk in RrdReader(self._path).stream():
            batch = chunk.to_record_batch()
            for name in batch.schema.names:
                if ":" in name:
                    column = batch.column(batch.schema.names.index(name)).to_pylist()
                    key = (str(chunk.entity_path), name.partition(":")[2])
                    values.setdefault(key, []).extend(column)
        return values


@pytest.fixture
def show(tmp_path):
    return lambda **options: Show(tmp_path / "scene.rrd", **options)


def test_points_are_placed_with_the_pose_at_their_time(show) -> None:
    shown = show(sensor_position_m=(0.1, 0.0, 0.5))
    shown.scene.log_odometry(START_NS, PlanarPose(0.0, 0.0, 0.0), 1.0)
    shown.scene.log_odometry(START_NS + SECOND_NS, PlanarPose(2.0, 0.0, 0.0), 1.0)
    cloud = np.array([[1.0, 0.0, 0.2], [np.nan, 0.0, 0.0], [0.0, 3.0, -0.5]])
    shown.scene.log_points(START_NS + SECOND_NS // 2, cloud)
    shown.scene.log_points(START_NS + SECOND_NS, cloud, in_sensor=False)
    first, second = shown.finish()["/world/points", "positions"]
    assert np.array(first) == pytest.approx(np.array([[2.1, 0, 0.7], [1.1, 3, 0]]), abs=1e-6)
    assert np.array(second) == pytest.approx(np.array([[3, 0, 0.2], [2, 3, -0.5]]), abs=1e-6)


def test_odometry_is_drawn_into_the_building_from_where_it_began(show) -> None:
    shown = show()
    # the odometry comes before the truth of its time is known, and begins at zero
    shown.scene.log_truth(START_NS, PlanarPose(5.0, 1.0, math.pi / 2), 0.5)
    shown.scene.log_odometry(START_NS + SECOND_NS, PlanarPose(0.0, 0.0, 0.0), 0.5)
    shown.scene.log_truth(START_NS + 2 * SECOND_NS, PlanarPose(5.0, 3.0, math.pi / 2), 0.5)
    shown.scene.log_odometry(START_NS + 3 * SECOND_NS, PlanarPose(1.0, 0.0, 0.0), 0.5)
    shown.scene.log_points(START_NS + 3 * SECOND_NS, np.array([[1.0, 0.0, 0.0]]))
    values = shown.finish()
    # begun at the truth in the middle, (5, 2); one metre on along the robot's heading is +y
    assert values["/world/points", "positions"][0][0] == pytest.approx([5.0, 4.0, 0.0], abs=1e-6)
    assert values["/world/robot", "centers"][-1][0][:2] == pytest.approx([5.0, 3.0], abs=1e-6)


def test_robot_follows_the_truth_until_there_is_odometry(show) -> None:
    shown = show()
    shown.scene.log_truth(START_NS, PlanarPose(5.0, 1.0, 0.0), 0.5)
    assert shown.finish()["/world/robot", "centers"][0][0][:2] == pytest.approx([5.0, 1.0])


def test_building_is_shown_in_its_colours_without_the_ceiling(show) -> None:
    shown = show()
    floor = [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    ceiling = [[0, 0, 3], [1, 1, 3], [1, 0, 3]]
    paint = np.array([[1.0, 0.5, 0.0, 1.0]] * 3 + [[0.0, 0.0, 1.0, 1.0]] * 3)
    shown.scene.log_building(np.array(floor + ceiling, float), paint)
    values = shown.finish()
    assert values["/world/building", "vertex_positions"][0] == floor
    assert values["/world/building", "vertex_colors"][0] == [0xFF7F00FF] * 3


def test_building_must_be_triangles(show) -> None:
    with pytest.raises(ValueError, match=r"corners_m must be \(3 x triangle, 3\), got \(4, 3\)"):
        show().scene.log_building(np.zeros((4, 3)), np.zeros((0, 4)))


def test_points_above_the_limit_are_hidden_and_colours_follow_range_or_height(show) -> None:
    shown = show(sensor_position_m=(0.0, 0.0, 0.5), hidden_above_m=2.0)
    cloud = np.array([[8.0, 0.0, 1.4], [1.0, 0.0, -0.4], [1.0, 0.0, 1.6]])
    shown.scene.log_points(START_NS, cloud)
    shown.scene.colour_by = "range"
    shown.scene.log_points(START_NS, cloud[[1, 0]])
    values = shown.finish()
    assert [len(cloud) for cloud in values["/world/points", "positions"]] == [2, 2]
    by_height, by_range = values["/world/points", "colors"]
    high, low = ((colour >> 24) - (colour >> 8 & 255) for colour in by_height)
    near, far = ((colour >> 24) - (colour >> 8 & 255) for colour in by_range)
    assert high > low  # red less blue
    assert far > near


def test_speeds_and_pictures_are_logged_at_their_stamps(show, tmp_path) -> None:
    shown = show()
    shown.scene.log_odometry(START_NS, PlanarPose(), 0.25)
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    shown.scene.log_picture("heatmap", START_NS + SECOND_NS, picture)
    values = shown.finish()
    assert values["/speed/measured", "scalars"] == [[0.25]]
    assert bytes(values["/pictures/heatmap", "buffer"][0][0]) == picture.tobytes()
    times = {
        str(chunk.entity_path): chunk.to_record_batch().column("time").cast("int64").to_pylist()
        for chunk in RrdReader(tmp_path / "scene.rrd").stream()
        if "time" in chunk.timeline_names
    }
    assert times["/pictures/heatmap"] == [START_NS + SECOND_NS]


def test_trajectory_grows_only_with_the_way_made(show) -> None:
    shown = show()
    for step in range(50):
        shown.scene.log_odometry(START_NS + step, PlanarPose(0.02 * step, 0.0, 0.0), 0.5)
    strips = shown.finish()["/world/odometry", "strips"]
    assert len(strips) == 25  # every second step of 2 cm
    assert len(strips[-1][0]) == 25


def test_settings_are_checked(tmp_path) -> None:
    with Viewer("file", path=tmp_path / "scene.rrd") as viewer:
        with pytest.raises(ValueError, match="colour_by must be one of height, range, got 'mood'"):
            SceneLog(viewer.recording, colour_by="mood")
        with pytest.raises(ValueError, match="sensor_position_m must be three numbers"):
            SceneLog(viewer.recording, sensor_position_m=(0.0, 1.0))
