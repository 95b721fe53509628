"""Arrays to standard messages and back; the raw samples are in :mod:`mmwave.ros.raw`.

Stamps are UNIX epoch nanoseconds, lengths metres, angles radians; axes as REP-103.

Large fields are filled with an ``array.array`` made from the array's memory: rclpy takes that
without looking at every element, a hundred times faster than a list or a memoryview.
"""

import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Quaternion, TransformStamped, TwistWithCovarianceStamped
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from sensor_msgs.msg import Image, JointState, LaserScan, PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

NANOSECONDS_PER_SECOND = 1_000_000_000

DATATYPES: dict[np.dtype[Any], int] = {
    np.dtype(np.uint8): PointField.UINT8,
    np.dtype(np.int16): PointField.INT16,
    np.dtype(np.uint32): PointField.UINT32,
    np.dtype(np.float32): PointField.FLOAT32,
    np.dtype(np.float64): PointField.FLOAT64,
}
"""The element types that our clouds use, as PointCloud2 numbers them."""

IMAGE_ENCODINGS: dict[str, tuple[type, int]] = {
    "32FC1": (np.float32, 1),
    "mono8": (np.uint8, 1),
    "rgb8": (np.uint8, 3),
}
"""Element type and channels of each supported picture."""

_PLANAR = np.array([0, 1, 5])  # x, y and yaw in ROS's order x, y, z, roll, pitch, yaw


def to_stamp(time_ns: int) -> Time:
    """A stamp of UNIX nanoseconds.

    Raises:
        ValueError: the time does not fit in a stamp (before 1970 or after 2038).
    """
    seconds, nanoseconds = divmod(int(time_ns), NANOSECONDS_PER_SECOND)
    if not 0 <= seconds < 2**31:
        raise ValueError(f"time_ns must lie between 1970 and 2038, got {time_ns}")
    stamp = Time()
    stamp.sec, stamp.nanosec = seconds, nanoseconds
    return stamp


def to_time_ns(stamp: Any) -> int:
    """UNIX nanoseconds of a stamp."""
    return int(stamp.sec) * NANOSECONDS_PER_SECOND + int(stamp.nanosec)


def to_header(time_ns: int, frame_id: str) -> Header:
    """A header with a stamp in UNIX nanoseconds."""
    header = Header()
    header.stamp = to_stamp(time_ns)
    header.frame_id = frame_id
    return header


def to_bytes(values: NDArray[Any]) -> "array.array[int]":
    """The memory of an array as rclpy takes it fastest for a uint8[] field."""
    filled = array.array("B")
    filled.frombytes(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return filled


def _to_floats(values: NDArray[Any]) -> "array.array[float]":
    filled = array.array("f")
    filled.frombytes(np.ascontiguousarray(values, dtype=np.float32).data.cast("B"))
    return filled


def structured_cloud(points: NDArray[np.void], header: Header, *, is_dense: bool) -> PointCloud2:
    """A cloud with the fields of a structured array, whose memory it copies once.

    Args:
        points: structured, shape (width,) for an unordered cloud or (height, width) for an
            organised one; element types as in :data:`DATATYPES`; a field may have a subarray shape.
        header: stamp and frame.
        is_dense: whether every point is valid.
    """
    message = PointCloud2()
    message.header = header
    message.height, message.width = (1, *points.shape) if points.ndim == 1 else points.shape
    message.point_step = points.dtype.itemsize
    message.row_step = points.dtype.itemsize * message.width
    message.is_bigendian = False
    message.is_dense = is_dense
    for name, (kind, offset, *_) in (points.dtype.fields or {}).items():
        field = PointField()
        field.name, field.offset = name, offset
        field.datatype = DATATYPES[kind.base]
        field.count = int(np.prod(kind.shape, dtype=int))
        message.fields.append(field)
    message.data = to_bytes(points)
    return message


def cloud_points(message: Any) -> NDArray[np.void]:
    """The points of a cloud as a structured array that shares the message's memory.

    Args:
        message: a PointCloud2, from rclpy or from a bag reader.

    Returns:
        Structured array, shape (height, width); fields with a count over 1 are (count,) subarrays.

    Raises:
        ValueError: the cloud's layout contradicts itself, or it is big endian.
    """
    if message.is_bigendian:
        raise ValueError("the cloud is big endian; only little endian is read")
    kinds: dict[int, np.dtype[Any]] = {number: kind for kind, number in DATATYPES.items()}
    names: list[str] = []
    formats: list[Any] = []
    offsets: list[int] = []
    for field in message.fields:
        if field.datatype not in kinds:
            raise ValueError(f"field {field.name!r} has unsupported datatype {field.datatype}")
        kind, count = kinds[field.datatype], max(1, int(field.count))
        if field.offset + kind.itemsize * count > message.point_step:
            raise ValueError(
                f"field {field.name!r} ends after point_step = {message.point_step} bytes"
            )
        names.append(field.name)
        formats.append((kind, (count,)) if count > 1 else kind)
        offsets.append(int(field.offset))
    layout = np.dtype(
        {
            "names": names,
            "formats": formats,
            "offsets": offsets,
            "itemsize": int(message.point_step),
        }
    )
    size_bytes = int(message.height) * int(message.width) * layout.itemsize
    if len(message.data) != size_bytes:
        raise ValueError(
            f"the cloud has {len(message.data)} bytes, but {message.height} x {message.width} "
            f"points of {layout.itemsize} bytes make {size_bytes}"
        )
    return np.frombuffer(message.data, dtype=layout).reshape(message.height, message.width)


def organised_cloud(
    points_m: NDArray[np.floating],
    range_m: NDArray[np.floating],
    intensity: NDArray[np.floating],
    header: Header,
) -> PointCloud2:
    """An organised cloud with x, y, z, range and intensity (float32), row by row.

    Args:
        points_m: (row, column, 3), NaN where there is no return.
        range_m: (row, column).
        intensity: (row, column).
        header: stamp and frame.

    Raises:
        ValueError: shapes disagree.
    """
    shape = points_m.shape[:2]
    if points_m.shape != (*shape, 3) or range_m.shape != shape or intensity.shape != shape:
        raise ValueError(
            "points_m must be (row, column, 3) with range_m and intensity (row, column), "
            f"got {points_m.shape}, {range_m.shape} and {intensity.shape}"
        )
    names = ["x", "y", "z", "range", "intensity"]
    values = np.empty((*shape, len(names)), np.float32)
    values[..., :3] = points_m
    values[..., 3] = range_m
    values[..., 4] = intensity
    points = values.view(np.dtype([(name, np.float32) for name in names]))[..., 0]
    return structured_cloud(points, header, is_dense=bool(np.isfinite(values[..., :3]).all()))


def laser_scan(
    range_m: NDArray[np.floating],
    header: Header,
    *,
    first_azimuth_rad: float,
    azimuth_increment_rad: float,
    scan_time_s: float,
    minimum_m: float,
    maximum_m: float,
    intensity: NDArray[np.floating] | None = None,
) -> LaserScan:
    """A scan as REP-117 wants it.

    Args:
        range_m: (ray,); +inf where nothing returned, NaN where not measured. What is nearer than
            ``minimum_m`` becomes -inf, what is farther than ``maximum_m`` +inf.
        header: its stamp is the time of the **first** ray.
        first_azimuth_rad: of ray 0, counter-clockwise from x.
        azimuth_increment_rad: from ray to ray; negative when turning clockwise.
        scan_time_s: time of a whole turn; rays are spread evenly over it.
        minimum_m: nearest range that can be measured.
        maximum_m: farthest range that can be measured.
        intensity: (ray,), or None.

    Raises:
        ValueError: there are no rays, or intensity has another shape than range_m.
    """
    if range_m.ndim != 1 or not len(range_m):
        raise ValueError(f"range_m must be (ray,) with at least one ray, got {range_m.shape}")
    if intensity is not None and intensity.shape != range_m.shape:
        raise ValueError(f"intensity must be {range_m.shape}, got {intensity.shape}")
    with np.errstate(invalid="ignore"):
        ranges = np.where(range_m < minimum_m, -np.inf, range_m)
        ranges = np.where(range_m > maximum_m, np.inf, ranges)
    message = LaserScan()
    message.header = header
    message.angle_min = float(first_azimuth_rad)
    message.angle_increment = float(azimuth_increment_rad)
    message.angle_max = float(first_azimuth_rad + azimuth_increment_rad * (len(ranges) - 1))
    message.time_increment = float(scan_time_s / len(ranges))
    message.scan_time = float(scan_time_s)
    message.range_min = float(minimum_m)
    message.range_max = float(maximum_m)
    message.ranges = _to_floats(ranges)
    if intensity is not None:
        message.intensities = _to_floats(intensity)
    return message


def image(pixels: NDArray[Any], encoding: str, header: Header) -> Image:
    """A picture.

    Args:
        pixels: (row, column) for ``32FC1`` and ``mono8``, (row, column, 3) for ``rgb8``.
        encoding: one of :data:`IMAGE_ENCODINGS`.
        header: stamp and frame.

    Raises:
        ValueError: the encoding is unknown or the array does not fit it.
    """
    if encoding not in IMAGE_ENCODINGS:
        raise ValueError(f"encoding must be one of {', '.join(IMAGE_ENCODINGS)}, got {encoding!r}")
    kind, channels = IMAGE_ENCODINGS[encoding]
    shape = pixels.shape[:2] if channels == 1 else (*pixels.shape[:2], channels)
    if pixels.ndim < 2 or pixels.shape != shape or pixels.dtype != kind:
        raise ValueError(
            f"a {encoding} picture needs {np.dtype(kind)} with {channels} channel(s), "
            f"got {pixels.dtype} {pixels.shape}"
        )
    message = Image()
    message.header = header
    message.height, message.width = pixels.shape[:2]
    message.encoding = encoding
    message.is_bigendian = 0
    message.step = message.width * channels * np.dtype(kind).itemsize
    message.data = to_bytes(pixels)
    return message


def pixels_of(message: Any) -> NDArray[Any]:
    """The pixels of a picture that :func:`image` made, sharing its memory.

    Raises:
        ValueError: the encoding is not one of ours.
    """
    if message.encoding not in IMAGE_ENCODINGS:
        raise ValueError(f"pictures of encoding {message.encoding!r} are not read")
    kind, channels = IMAGE_ENCODINGS[message.encoding]
    pixels: NDArray[Any] = np.frombuffer(message.data, kind).reshape(
        message.height, message.width, channels
    )
    return pixels[..., 0] if channels == 1 else pixels


def yaw_to_quaternion(yaw_rad: float) -> Quaternion:
    """The rotation about z by ``yaw_rad``."""
    rotation = Quaternion()
    rotation.z, rotation.w = float(np.sin(yaw_rad / 2)), float(np.cos(yaw_rad / 2))
    return rotation


def quaternion_to_yaw(rotation: Any) -> float:
    """Yaw in (-pi, pi] of a rotation about z."""
    return float(
        np.arctan2(
            2 * (rotation.w * rotation.z + rotation.x * rotation.y),
            1 - 2 * (rotation.y**2 + rotation.z**2),
        )
    )


def planar_covariance(covariance: NDArray[np.floating] | None) -> NDArray[np.float64]:
    """ROS's 36 numbers of the covariance (3, 3) of x, y and yaw; zeros when it is unknown."""
    full = np.zeros((6, 6))
    if covariance is not None:
        full[np.ix_(_PLANAR, _PLANAR)] = covariance
    return full.reshape(-1)


def odometry(
    header: Header,
    child_frame_id: str,
    pose: Sequence[float],
    velocity: Sequence[float],
    *,
    pose_covariance: NDArray[np.floating] | None = None,
    velocity_covariance: NDArray[np.floating] | None = None,
) -> Odometry:
    """Planar odometry.

    Args:
        header: stamp and the frame the pose is in.
        child_frame_id: frame that moves; the velocity is along its axes.
        pose: x, y in metres and yaw in radians.
        velocity: forward, left in m/s and yaw rate in rad/s.
        pose_covariance: (3, 3) of x, y, yaw.
        velocity_covariance: (3, 3) of forward, left, yaw rate.
    """
    message = Odometry()
    message.header = header
    message.child_frame_id = child_frame_id
    message.pose.pose.position.x, message.pose.pose.position.y = float(pose[0]), float(pose[1])
    message.pose.pose.orientation = yaw_to_quaternion(float(pose[2]))
    message.pose.covariance = planar_covariance(pose_covariance)
    _fill_twist(message.twist, velocity, velocity_covariance)
    return message


def twist(
    header: Header,
    velocity: Sequence[float],
    *,
    covariance: NDArray[np.floating] | None = None,
) -> TwistWithCovarianceStamped:
    """A planar velocity in the header's frame: forward, left in m/s and yaw rate in rad/s."""
    message = TwistWithCovarianceStamped()
    message.header = header
    _fill_twist(message.twist, velocity, covariance)
    return message


def _fill_twist(
    message: Any, velocity: Sequence[float], covariance: NDArray[np.floating] | None
) -> None:
    message.twist.linear.x, message.twist.linear.y = float(velocity[0]), float(velocity[1])
    message.twist.angular.z = float(velocity[2])
    message.covariance = planar_covariance(covariance)


def joint_state(
    header: Header, joint: str, position_rad: float, velocity_rad_s: float
) -> JointState:
    """State of one turning joint."""
    message = JointState()
    message.header = header
    message.name = [joint]
    message.position = [float(position_rad)]
    message.velocity = [float(velocity_rad_s)]
    return message


def transform(
    header: Header, child_frame_id: str, translation_m: Sequence[float], yaw_rad: float
) -> TransformStamped:
    """Pose of a frame in the header's frame: translation (3,) and a turn about z."""
    message = TransformStamped()
    message.header = header
    message.child_frame_id = child_frame_id
    offset = message.transform.translation
    offset.x, offset.y, offset.z = (float(value) for value in translation_m)
    message.transform.rotation = yaw_to_quaternion(yaw_rad)
    return message


def triangles(
    vertices_m: NDArray[np.floating],
    faces: NDArray[np.integer],
    colours: NDArray[np.floating],
    header: Header,
    *,
    namespace: str,
) -> Marker:
    """A mesh as a marker that stays until it is replaced.

    Args:
        vertices_m: (vertex, 3).
        faces: (face, 3) indices into the vertices.
        colours: (face, 4) red, green, blue and opacity in 0 .. 1.
        header: stamp and frame.
        namespace: of the marker.

    Raises:
        ValueError: colours do not match the faces.
    """
    if colours.shape != (len(faces), 4):
        raise ValueError(f"colours must be ({len(faces)}, 4), got {colours.shape}")
    marker = Marker()
    marker.header = header
    marker.ns = namespace
    marker.type = Marker.TRIANGLE_LIST
    marker.action = Marker.ADD
    marker.pose.orientation.w = 1.0
    marker.scale.x = marker.scale.y = marker.scale.z = 1.0
    marker.color.a = 1.0
    corners = np.asarray(vertices_m, float)[faces].reshape(-1, 3).tolist()
    marker.points = [Point(x=x, y=y, z=z) for x, y, z in corners]
    for red, green, blue, opacity in np.asarray(colours, float).tolist():
        marker.colors += [ColorRGBA(r=red, g=green, b=blue, a=opacity)] * 3
    return marker
