import numpy as np
import pytest
from std_msgs.msg import Header

from mmwave.ros.cubes import RAY_FIELDS, cube_arrays, power_cube
from mmwave.ros.messages import organised_cloud
from panoradar_ros.imaging.cube import Cube, cube_of
from panoradar_ros.imaging.pipeline import Imager, ImagingSettings
from panoradar_ros.nodes.recognition import cube_from_message


def test_poses_of_the_rays_are_where_the_robot_was(rotation_of, cloud_of):
    rotation = rotation_of(cloud_of(3, 12), (0.4, -0.1))
    panorama = Imager(settings=ImagingSettings(estimate_motion=True)).image(rotation)
    cube = cube_of(panorama)
    motion = panorama.motion.motion
    to_end_s = (panorama.end_ns - panorama.start_ns) * 1e-9 - cube.ray_s
    expected = -to_end_s[:, None] * np.array([motion.x_mps, motion.y_mps])
    np.testing.assert_allclose(cube.ray_poses[:, :2], expected, atol=0.02)
    last = cube.ray_s.argmax()
    assert np.hypot(*cube.ray_poses[last, :2]) < 0.002
    assert cube.direction == rotation.direction
    assert cube.range_bin_m == rotation.waveform.range_bin_m


@pytest.mark.parametrize("direction", [1, -1])
def test_direction_follows_from_the_times(direction):
    columns = 16
    ray_s = np.empty(columns)
    ray_s[(-direction * np.arange(columns)) % columns] = np.arange(columns) / columns
    cube = Cube(
        np.ones((2, columns, 4), np.float32), np.ones(columns), ray_s, np.zeros((columns, 3)), 0, 1,
        0.0375,
    )  # fmt: skip
    assert cube.direction == direction


def test_a_cube_comes_back_from_its_message():
    rng = np.random.default_rng(1)
    power = rng.exponential(1.0, (4, 8, 16)).astype(np.float32)
    rays = {name: rng.random(8) for name in RAY_FIELDS}
    rays["time_offset_s"] = -0.5 * (1 + np.arange(8)[::-1]) / 8
    header = Header()
    header.stamp.sec, header.stamp.nanosec = 1000, 500_000_000
    message = power_cube(power, rays, header)
    cube = cube_from_message(message)
    np.testing.assert_array_equal(cube.power, power)
    np.testing.assert_allclose(cube.coverage, rays["coverage"], rtol=1e-6)
    np.testing.assert_allclose(cube.ray_poses[:, 2], rays["robot_yaw"], rtol=1e-6)
    assert cube.end_ns == 1000_500_000_000
    assert cube.start_ns == 1000_000_000_000
    np.testing.assert_allclose(cube.ray_s, 0.5 * np.arange(8) / 8, atol=1e-6)
    assert cube.direction == -1
    assert cube.range_bin_m == pytest.approx(rays["range_bin_m"][0])


def test_other_clouds_are_no_cubes():
    points = organised_cloud(np.zeros((2, 4, 3)), np.zeros((2, 4)), np.zeros((2, 4)), Header())
    with pytest.raises(ValueError, match="no power cube"):
        cube_arrays(points)
    with pytest.raises(ValueError, match="coverage"):
        power_cube(np.zeros((2, 4, 8), np.float32), {}, Header())


def test_cubes_that_are_kept_are_not_written_over(rotation_of, cloud_of):
    rotations = [rotation_of(cloud_of(seed, 5), (0.0, 0.0)) for seed in range(4)]
    imager = Imager(settings=ImagingSettings(cubes_kept=3))
    first, second, third = (imager.image(one).power for one in rotations[:3])
    copies = [one.copy() for one in (first, second, third)]
    fourth = imager.image(rotations[3]).power
    assert fourth is first
    np.testing.assert_array_equal(second, copies[1])
    np.testing.assert_array_equal(third, copies[2])
    assert not np.array_equal(fourth, copies[0])
    with pytest.raises(ValueError, match="cubes_kept"):
        ImagingSettings(cubes_kept=0)


def test_shapes_of_a_cube_must_agree():
    with pytest.raises(ValueError, match="ray_poses must be"):
        Cube(np.ones((2, 8, 4), np.float32), np.ones(8), np.ones(8), np.ones((8, 2)), 0, 1, 0.0375)
    with pytest.raises(ValueError, match="range_bin_m must be positive"):
        Cube(np.ones((2, 8, 4), np.float32), np.ones(8), np.ones(8), np.ones((8, 3)), 0, 1, 0.0)
