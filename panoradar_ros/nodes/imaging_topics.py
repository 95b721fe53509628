"""What the imaging node publishes, and how a panorama becomes messages."""

import numpy as np
from geometry_msgs.msg import TwistWithCovarianceStamped
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from sensor_msgs.msg import Image, LaserScan, PointCloud2
from std_msgs.msg import Header

from mmwave.ros import messages
from mmwave.ros.adapter import tf_broadcaster
from mmwave.ros.cubes import RAY_FIELDS, power_cube
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import reliable_qos, sensor_qos
from panoradar_ros.imaging import pictures
from panoradar_ros.imaging.cube import Cube, cube_of
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.odometry import motion_covariance
from panoradar_ros.imaging.pipeline import Panorama
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.rolling_sectors import SectorUpdate


class ImagingTopics:
    """The publishers of the imaging node, until its cleanup.

    Args:
        node: the imaging node; gives frames and ranges by its parameters.
        grid: rows and columns of the panorama.
    """

    def __init__(self, node: LifecycleNode, grid: PanoramaGrid) -> None:
        self._parameters = node.parameters
        self._grid = grid
        self._points = node.publisher(PointCloud2, "points", sensor_qos(700_000))
        self._scan = node.publisher(LaserScan, "scan", sensor_qos(5_000))
        self._heatmap = node.publisher(Image, "heatmap", sensor_qos(400_000))
        self._panorama = node.publisher(Image, "panorama", sensor_qos(400_000))
        self._odometry = node.publisher(Odometry, "odom", reliable_qos(depth=5))
        self._velocity = node.publisher(
            TwistWithCovarianceStamped, "velocity", reliable_qos(depth=5)
        )
        self._cube = node.handover_publisher(
            PointCloud2, "cube", self._to_cloud, sensor_qos(35_000_000, depth=1)
        )
        self._transforms = tf_broadcaster(node) if node.parameters["publish_tf"] else None

    def has_listeners(self) -> bool:
        """Whether every small result has a subscriber."""
        return all(p.has_subscribers for p in (self._scan, self._odometry, self._velocity))

    def has_image_listeners(self) -> bool:
        """Whether a result that beams are needed for has a subscriber."""
        images = (self._points, self._scan, self._heatmap, self._panorama, self._cube)
        return any(one.has_subscribers for one in images)

    def publish(self, panorama: Panorama) -> None:
        """Publish everything that someone listens to."""
        self._publish_motion(panorama)
        if not panorama.has_image:
            return
        end = messages.to_header(panorama.end_ns, self._parameters["frame_id"])
        image, grid = panorama.image, self._grid
        limit_m = self._parameters["maximum_range_m"]
        self._scan.publish(lambda: self._to_scan(panorama))
        self._points.publish(
            lambda: messages.organised_cloud(
                panorama.points_m, image.range_m, image.intensity_db, end
            )
        )
        self._heatmap.publish(
            lambda: messages.image(pictures.heatmap(panorama.power, grid), "rgb8", end)
        )
        self._panorama.publish(
            lambda: messages.image(pictures.panorama(image.range_m, limit_m), "rgb8", end)
        )
        if self._cube.has_subscribers:
            self._cube.publish(cube_of(panorama))

    def _publish_motion(self, panorama: Panorama) -> None:
        """The velocity is that of the middle of the turn; the pose is that of its end."""
        motion, odometry = panorama.motion.motion, panorama.odometry
        pose = odometry.pose
        base_frame = self._parameters["base_frame_id"]
        spread = motion_covariance(panorama.motion)
        middle = messages.to_header(panorama.middle_ns, base_frame)
        self._velocity.publish(lambda: messages.twist(middle, _velocity(motion), covariance=spread))
        odom = messages.to_header(panorama.end_ns, self._parameters["odom_frame_id"])
        at_end = motion.at(motion.reference_s + (panorama.end_ns - panorama.middle_ns) * 1e-9)
        self._odometry.publish(
            lambda: messages.odometry(
                odom,
                base_frame,
                (pose.x_m, pose.y_m, pose.yaw_rad),
                _velocity(at_end),
                pose_covariance=odometry.covariance,
                velocity_covariance=spread,
            )
        )
        if self._transforms is not None:
            self._transforms.sendTransform(
                messages.transform(odom, base_frame, (pose.x_m, pose.y_m, 0.0), pose.yaw_rad)
            )

    def _to_cloud(self, cube: Cube) -> PointCloud2:
        header = messages.to_header(cube.end_ns, self._parameters["frame_id"])
        x_m, y_m, yaw_rad = cube.ray_poses.T
        offset_s = cube.ray_s - (cube.end_ns - cube.start_ns) * 1e-9
        bins_m = np.full(len(offset_s), cube.range_bin_m)
        values = (cube.coverage, offset_s, x_m, y_m, yaw_rad, bins_m)
        rays = dict(zip(RAY_FIELDS, values, strict=True))
        return power_cube(cube.power, rays, header)

    def _to_scan(self, panorama: Panorama) -> LaserScan:
        columns = len(panorama.scan.range_m)
        in_time = (-panorama.direction * np.arange(columns)) % columns
        return messages.laser_scan(
            panorama.scan.range_m[in_time],
            messages.to_header(panorama.start_ns, self._parameters["frame_id"]),
            first_azimuth_rad=0.0,
            azimuth_increment_rad=panorama.direction * 2 * np.pi / columns,
            scan_time_s=(panorama.end_ns - panorama.start_ns) * 1e-9,
            minimum_m=self._parameters["minimum_range_m"],
            maximum_m=self._parameters["maximum_range_m"],
            intensity=panorama.scan.intensity_db[in_time],
        )


class RollingTopics:
    """The publishers of sectors, until the node's cleanup.

    Args:
        node: the imaging node; gives frame and ranges by its parameters.
        grid: rows and columns of the panorama.
    """

    def __init__(self, node: LifecycleNode, grid: PanoramaGrid) -> None:
        self._parameters = node.parameters
        self._grid = grid
        self._points = node.publisher(PointCloud2, "rolling/points", sensor_qos(60_000, depth=20))
        self._scan = node.publisher(LaserScan, "rolling/scan", sensor_qos(500, depth=20))
        self._panorama = node.publisher(Image, "rolling/panorama", sensor_qos(200_000))

    def has_listeners(self) -> bool:
        """Whether anything of a sector has a subscriber."""
        return any(one.has_subscribers for one in (self._points, self._scan, self._panorama))

    def publish(self, sector: SectorUpdate, range_m: NDArray[np.float32]) -> None:
        """Publish a sector, and the panorama that it belongs to, where someone listens.

        Args:
            sector: what is new.
            range_m: (row, column) newest range of every ray.
        """
        frame = self._parameters["frame_id"]
        first = messages.to_header(int(sector.ray_ns[0]), frame)
        image, limit_m = sector.image, self._parameters["maximum_range_m"]
        self._scan.publish(lambda: self._to_scan(sector, first))
        self._points.publish(
            lambda: messages.organised_cloud(
                sector.points_m, image.range_m, image.intensity_db, first
            )
        )
        last = messages.to_header(int(sector.ray_ns[-1]), frame)
        self._panorama.publish(
            lambda: messages.image(pictures.panorama(range_m, limit_m), "rgb8", last)
        )

    def _to_scan(self, sector: SectorUpdate, header: Header) -> LaserScan:
        rays = len(sector.columns)
        azimuth_rad = float(self._grid.azimuth_rad[sector.columns[0]])
        passed_s = (sector.ray_ns[-1] - sector.ray_ns[0]) * 1e-9
        return messages.laser_scan(
            sector.scan.range_m,
            header,
            first_azimuth_rad=azimuth_rad + 2 * np.pi * (azimuth_rad < -np.pi),
            azimuth_increment_rad=sector.direction * 2 * np.pi / self._grid.columns,
            scan_time_s=passed_s * rays / max(rays - 1, 1),
            minimum_m=self._parameters["minimum_range_m"],
            maximum_m=self._parameters["maximum_range_m"],
            intensity=sector.scan.intensity_db,
        )


def _velocity(motion: PlanarMotion) -> tuple[float, float, float]:
    return motion.x_mps, motion.y_mps, motion.yaw_rate_radps
