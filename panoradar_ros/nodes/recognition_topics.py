"""What the recognition node publishes, and how a range image becomes messages."""

import numpy as np
from geometry_msgs.msg import PoseArray
from numpy.typing import NDArray
from sensor_msgs.msg import Image, LaserScan, PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from mmwave.ros import messages
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import reliable_qos, sensor_qos
from panoradar_ros.imaging import pictures
from panoradar_ros.imaging.cube import Cube
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.points import points_from_range
from panoradar_ros.nodes.recognition_depth import DepthTopics
from panoradar_ros.nodes.recognition_markers import object_markers, people_poses
from panoradar_ros.nodes.recognition_vision import VisionTopics
from panoradar_ros.recognition.features import echo_at
from panoradar_ros.recognition.level_scan import level_scan
from panoradar_ros.recognition.range_image import LearnedRangeImage
from panoradar_ros.recognition.semantics import IGNORED, SemanticImage, coloured

POINT_FIELDS = (
    "x", "y", "z", "range", "confidence", "normal_x", "normal_y", "normal_z", "intensity", "label",
)  # fmt: skip


class RecognitionTopics:
    """The publishers of the recognition node, until its cleanup.

    Args:
        node: the recognition node; gives frame and limits by its parameters.
        grid: rows and columns of the range image.
    """

    def __init__(self, node: LifecycleNode, grid: PanoramaGrid) -> None:
        self._parameters = node.parameters
        self._grid = grid
        picture = sensor_qos(400_000)
        self._range = node.publisher(Image, "learned/range", picture)
        self._confidence = node.publisher(Image, "learned/confidence", picture)
        self._spread = node.publisher(Image, "learned/spread", picture)
        self._panorama = node.publisher(Image, "learned/panorama", picture)
        self._normals = node.publisher(Image, "learned/normals", picture)
        self._points = node.publisher(PointCloud2, "learned/points", sensor_qos(1_100_000))
        self._scan = node.publisher(LaserScan, "learned/scan", sensor_qos(5_000))
        self._labels = node.publisher(Image, "learned/labels", sensor_qos(33_000))
        self._classes = node.publisher(Image, "learned/classes", picture)
        self._people = node.publisher(PoseArray, "learned/people", reliable_qos())
        self._objects = node.publisher(MarkerArray, "learned/objects", reliable_qos())
        self._depth = DepthTopics(node)
        self._vision = VisionTopics(node)

    def has_listeners(self) -> bool:
        """Whether any result has a subscriber."""
        ranges = (self._range, self._confidence, self._spread, self._panorama, self._normals)
        named = (self._labels, self._classes, self._people, self._objects)
        single = any(one.has_subscribers for one in (*ranges, *named, self._points, self._scan))
        return single or self._depth.has_listeners() or self._vision.has_listeners()

    def publish(
        self,
        cube: Cube,
        image: LearnedRangeImage,
        echo: NDArray[np.uint8],
        named: SemanticImage | None = None,
    ) -> None:
        """Publish everything that someone listens to.

        Args:
            cube: of the turn.
            image: what the range network says of it.
            echo: (row, column, range) that it was made of.
            named: what the semantic network says, if it runs.
        """
        if named is not None:
            self._publish_names(cube, image, named)
        end = messages.to_header(cube.end_ns, self._parameters["frame_id"])
        limit_m = self._parameters["maximum_range_m"]
        self._scan.publish(lambda: self._to_scan(cube, image))
        self._points.publish(lambda: self._to_points(cube, image, echo, named, end))
        self._depth.publish(cube, self._sure(image))
        self._range.publish(lambda: messages.image(image.range_m, "32FC1", end))
        self._confidence.publish(lambda: messages.image(image.confidence, "32FC1", end))
        self._spread.publish(lambda: messages.image(image.spread_m, "32FC1", end))
        self._panorama.publish(
            lambda: messages.image(pictures.panorama(image.range_m, limit_m), "rgb8", end)
        )
        self._normals.publish(lambda: messages.image(pictures.normals(image.normal), "rgb8", end))

    def _publish_names(self, cube: Cube, image: LearnedRangeImage, named: SemanticImage) -> None:
        end = messages.to_header(cube.end_ns, self._parameters["frame_id"])
        self._labels.publish(lambda: messages.image(named.label, "mono8", end))
        self._classes.publish(
            lambda: messages.image(pictures.repeated(coloured(named.label)), "rgb8", end)
        )
        self._people.publish(lambda: people_poses(cube, named.people, end))
        if self._objects.has_subscribers or self._vision.has_listeners():
            markers = object_markers(cube, image.range_m, named.detections, end)
            self._objects.publish(lambda: markers)
            self._vision.publish(named.detections, markers, end)

    def _sure(self, image: LearnedRangeImage) -> NDArray[np.float32]:
        """Ranges; NaN where the network is not sure enough."""
        least = self._parameters["minimum_confidence"]
        return np.where(image.confidence >= least, image.range_m, np.float32(np.nan))

    def _to_points(
        self,
        cube: Cube,
        image: LearnedRangeImage,
        echo: NDArray[np.uint8],
        named: SemanticImage | None,
        header: Header,
    ) -> PointCloud2:
        range_m = self._sure(image)
        values = np.empty((*range_m.shape, len(POINT_FIELDS)), np.float32)
        values[..., :3] = points_from_range(
            range_m, self._grid, np.asarray(cube.ray_poses, np.float64)
        )
        values[..., 3] = range_m
        values[..., 4] = image.confidence
        yaw_rad = cube.ray_poses[:, 2]
        cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
        values[..., 5] = cosine * image.normal[..., 0] - sine * image.normal[..., 1]
        values[..., 6] = sine * image.normal[..., 0] + cosine * image.normal[..., 1]
        values[..., 7] = image.normal[..., 2]
        values[..., 8] = echo_at(echo, image.range_m, cube.range_bin_m)
        values[..., 9] = named.label if named is not None else IGNORED
        points = values.view(np.dtype([(name, np.float32) for name in POINT_FIELDS]))[..., 0]
        dense = bool(np.isfinite(values[..., :3]).all())
        return messages.structured_cloud(points, header, is_dense=dense)

    def _to_scan(self, cube: Cube, image: LearnedRangeImage) -> LaserScan:
        middle = self._grid.rows // 2
        horizon = slice(middle - 1, middle + 1)
        nearest, confidence = level_scan(self._sure(image)[horizon], image.confidence[horizon])
        columns = self._grid.columns
        in_time = (-cube.direction * np.arange(columns)) % columns
        return messages.laser_scan(
            nearest[in_time],
            messages.to_header(cube.start_ns, self._parameters["frame_id"]),
            first_azimuth_rad=0.0,
            azimuth_increment_rad=cube.direction * 2 * np.pi / columns,
            scan_time_s=(cube.end_ns - cube.start_ns) * 1e-9,
            minimum_m=self._parameters["minimum_range_m"],
            maximum_m=self._parameters["maximum_range_m"],
            intensity=confidence[in_time],
        )
