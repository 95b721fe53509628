"""Arrays to messages and back, through real serialisation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import PointCloud2

from mmwave.dca1000 import PositionBlock
from mmwave.ros import messages, raw
from mmwave.waveform import Waveform

START_NS = 1_700_000_000_123_456_789


def small_block(positions=5, seed=0, waveform=None):
    waveform = waveform or Waveform(samples_per_chirp=16, receivers=3)
    draw = np.random.default_rng(seed)
    shape = (positions, waveform.virtual_antennas, waveform.samples_per_chirp, 2)
    return PositionBlock(
        frame_index=7,
        samples=draw.integers(-(2**15), 2**15, shape).astype(np.int16),
        time_ns=START_NS + np.cumsum(draw.integers(1, 10**6, positions)),
        valid=draw.random(shape[:2]) > 0.3,
        waveform=waveform,
        stream=2,
    )


def over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def assert_same(one, other):
    assert (one.frame_index, one.stream) == (other.frame_index, other.stream)
    assert one.waveform == other.waveform
    for name in ("samples", "time_ns", "valid"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype


@settings(deadline=None, max_examples=30)
@given(
    offsets_ns=st.lists(st.integers(0, 3600 * 10**9), min_size=1, max_size=8),
    receivers=st.integers(1, 4),
    transmitters=st.integers(1, 2),
    slope=st.floats(1e12, 1e14),
)
def test_raw_samples_come_back_exactly(offsets_ns, receivers, transmitters, slope):
    waveform = Waveform(
        samples_per_chirp=8, receivers=receivers, transmitters=transmitters, slope_hz_per_s=slope
    )
    block = small_block(len(offsets_ns), waveform=waveform)
    times_ns = START_NS + np.array(offsets_ns, np.int64)
    block = PositionBlock(7, block.samples, times_ns, block.valid, waveform, stream=9)
    assert_same(raw.from_cloud(over_the_wire(raw.to_cloud(block, "radar"))), block)


def test_raw_message_tells_frame_first_time_and_validity():
    block = small_block()
    message = raw.to_cloud(block, "radar")
    assert message.header.frame_id == "radar"
    assert messages.to_time_ns(message.header.stamp) == block.time_ns[0]
    assert (message.height, message.width) == (1, 5)
    assert not message.is_dense
    complete = PositionBlock(
        7, block.samples, block.time_ns, np.ones_like(block.valid), block.waveform
    )
    assert raw.to_cloud(complete, "radar").is_dense
    units = [field.name for field in message.fields]
    assert {"start_hz", "slope_hz_per_s", "sample_rate_hz", "time_offset_s"} <= set(units)


def broken(name):
    message = raw.to_cloud(small_block(), "radar")
    fields = {field.name: field for field in message.fields}
    if name == "truncated":
        message.data = message.data[:-1]
    elif name == "renamed":
        fields["iq"].name = "adc"
    elif name == "short":
        fields["iq"].count -= 2
    elif name == "type":
        fields["valid"].datatype = 1
    elif name == "beyond":
        fields["valid"].offset = message.point_step
    elif name == "big endian":
        message.is_bigendian = True
    elif name in ("mixed waveforms", "mixed frames"):
        bytes_ = np.frombuffer(message.data, np.uint8).copy()
        field = fields["slope_hz_per_s" if "wave" in name else "frame_index"]
        bytes_[2 * message.point_step + field.offset] ^= 1
        message.data = messages.to_bytes(bytes_)
    elif name == "empty":
        message.width, message.row_step = 0, 0
        message.data = message.data[:0]
    return message


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("truncated", "bytes"),
        ("renamed", "'iq'"),
        ("short", "'iq'.*6 antennas and 16 samples"),
        ("type", "datatype 1"),
        ("beyond", "point_step"),
        ("big endian", "big endian"),
        ("mixed waveforms", "slope_hz_per_s"),
        ("mixed frames", "frame_index"),
        ("empty", "no positions"),
    ],
)
def test_wrong_layout_is_refused_by_name(name, told):
    with pytest.raises(ValueError, match=told):
        raw.from_cloud(broken(name))


def test_empty_block_is_refused():
    block = small_block()
    empty = PositionBlock(7, block.samples[:0], block.time_ns[:0], block.valid[:0], block.waveform)
    with pytest.raises(ValueError, match="without positions"):
        raw.to_cloud(empty, "radar")


@given(st.integers(0, 2**31 * 10**9 - 1))
def test_stamps_keep_nanoseconds(time_ns):
    assert messages.to_time_ns(messages.to_stamp(time_ns)) == time_ns


@pytest.mark.parametrize("time_ns", [-1, 2**31 * 10**9])
def test_time_outside_a_stamp_is_refused(time_ns):
    with pytest.raises(ValueError, match=str(time_ns)):
        messages.to_stamp(time_ns)


def test_organised_cloud_keeps_rows_columns_and_field_order():
    draw = np.random.default_rng(1)
    points_m = draw.normal(size=(4, 6, 3))
    range_m, intensity = draw.normal(size=(4, 6)), draw.normal(size=(4, 6))
    points_m[1, 2] = np.nan
    header = messages.to_header(START_NS, "base_link")
    message = over_the_wire(messages.organised_cloud(points_m, range_m, intensity, header))
    assert isinstance(message, PointCloud2)
    assert [(field.name, field.offset, field.count) for field in message.fields] == [
        ("x", 0, 1),
        ("y", 4, 1),
        ("z", 8, 1),
        ("range", 12, 1),
        ("intensity", 16, 1),
    ]
    assert (message.height, message.width, message.point_step) == (4, 6, 20)
    assert not message.is_dense
    points = messages.cloud_points(message)
    np.testing.assert_array_equal(points["z"], points_m[..., 2].astype(np.float32))
    np.testing.assert_array_equal(points["intensity"], intensity.astype(np.float32))
    with pytest.raises(ValueError, match="range_m"):
        messages.organised_cloud(points_m, range_m[:3], intensity, header)


def test_scan_follows_rep_117():
    range_m = np.array([0.1, 2.0, np.inf, np.nan, 40.0])
    scan = over_the_wire(
        messages.laser_scan(
            range_m,
            messages.to_header(START_NS, "base_link"),
            first_azimuth_rad=0.0,
            azimuth_increment_rad=-2 * np.pi / 5,
            scan_time_s=0.5,
            minimum_m=0.2,
            maximum_m=10.0,
            intensity=np.arange(5.0),
        )
    )
    np.testing.assert_array_equal(scan.ranges, [-np.inf, 2.0, np.inf, np.nan, np.inf])
    assert scan.angle_max == pytest.approx(-8 * np.pi / 5)
    assert scan.time_increment == pytest.approx(0.1)
    assert scan.scan_time == 0.5
    assert list(scan.intensities) == [0, 1, 2, 3, 4]
    assert messages.to_time_ns(scan.header.stamp) == START_NS


@pytest.mark.parametrize(
    ("encoding", "kind", "shape"),
    [("32FC1", np.float32, (3, 5)), ("mono8", np.uint8, (3, 5)), ("rgb8", np.uint8, (3, 5, 3))],
)
def test_pictures_come_back(encoding, kind, shape):
    pixels = np.random.default_rng(2).uniform(0, 200, shape).astype(kind)
    header = messages.to_header(START_NS, "radar")
    message = over_the_wire(messages.image(pixels, encoding, header))
    assert message.step == len(message.data) // 3
    np.testing.assert_array_equal(messages.pixels_of(message), pixels)
    with pytest.raises(ValueError, match=encoding):
        messages.image(pixels.astype(np.float64), encoding, header)
    with pytest.raises(ValueError, match="bayer"):
        messages.image(pixels, "bayer", header)


@given(st.floats(-3.14, 3.14))
def test_yaw_survives_a_quaternion(yaw_rad):
    rotation = messages.yaw_to_quaternion(yaw_rad)
    assert messages.quaternion_to_yaw(rotation) == pytest.approx(yaw_rad, abs=1e-12)


def test_odometry_places_planar_covariance():
    covariance = np.diag([1.0, 2.0, 3.0]) + 0.1
    message = over_the_wire(
        messages.odometry(
            messages.to_header(START_NS, "odom"),
            "base_link",
            (1.0, 2.0, 0.5),
            (0.3, -0.1, 0.2),
            pose_covariance=covariance,
        )
    )
    full = np.reshape(message.pose.covariance, (6, 6))
    np.testing.assert_allclose(full[np.ix_([0, 1, 5], [0, 1, 5])], covariance)
    assert np.count_nonzero(full) == 9
    assert not np.any(message.twist.covariance)
    assert (message.twist.twist.linear.y, message.twist.twist.angular.z) == (-0.1, 0.2)
    assert messages.quaternion_to_yaw(message.pose.pose.orientation) == pytest.approx(0.5)
    twist = messages.twist(message.header, (0.3, -0.1, 0.2), covariance=covariance)
    assert twist.twist.covariance[35] == pytest.approx(3.1)


def test_mesh_marker_has_three_points_and_colours_a_face():
    vertices_m = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    colours = np.array([[1, 0, 0, 1], [0, 1, 0, 0.5]])
    header = messages.to_header(START_NS, "odom")
    marker = over_the_wire(
        messages.triangles(vertices_m, faces, colours, header, namespace="building")
    )
    corners = [[point.x, point.y, point.z] for point in marker.points]
    np.testing.assert_array_equal(corners, vertices_m[faces].reshape(-1, 3))
    assert [colour.a for colour in marker.colors] == [1.0] * 3 + [0.5] * 3
    assert (marker.type, marker.scale.x, marker.pose.orientation.w) == (11, 1.0, 1.0)
    with pytest.raises(ValueError, match="colours"):
        messages.triangles(vertices_m, faces, colours[:1], header, namespace="building")


def test_joint_and_transform():
    header = messages.to_header(START_NS, "odom")
    state = over_the_wire(messages.joint_state(header, "turntable_joint", 1.5, -2.0))
    assert (state.name, list(state.position), list(state.velocity)) == (
        ["turntable_joint"],
        [1.5],
        [-2.0],
    )
    moved = messages.transform(header, "base_link", (1, 2, 3), 0.25)
    assert moved.transform.translation.z == 3.0
    assert messages.quaternion_to_yaw(moved.transform.rotation) == pytest.approx(0.25)
