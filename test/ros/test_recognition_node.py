"""The recognition node on real messages; its network is untrained: it says what CFAR would say."""

import numpy as np
import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseArray
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image, LaserScan, PointCloud2
from visualization_msgs.msg import Marker, MarkerArray

from mmwave.inference import file_sha256
from mmwave.ros.cubes import RAY_FIELDS, power_cube
from mmwave.ros.messages import cloud_points, pixels_of, to_header, to_time_ns
from mmwave.ros.node import bring_up
from mmwave.ros.publishing import reliable_qos, sensor_qos
from mmwave.simulation.scene import SemanticClass
from mmwave.waveform import Waveform
from panoradar_ros.imaging.cube import Cube
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.export import export_range_net, export_semantic_net
from panoradar_ros.learning.networks.range_net import SIZES, RangeNet
from panoradar_ros.learning.networks.semantic_net import SIZES as SEMANTIC_SIZES
from panoradar_ros.learning.networks.semantic_net import SemanticNet
from panoradar_ros.nodes.recognition import RecognitionNode
from panoradar_ros.nodes.recognition_markers import object_markers, people_poses
from panoradar_ros.recognition.detections import Detection, person_position_m
from panoradar_ros.recognition.features import CHANNELS
from panoradar_ros.recognition.semantics import Person

END_NS = 1_700_000_000_000_000_000
GRID = PanoramaGrid()
BIN_M = Waveform().range_bin_m
SHIFT_M = 0.25
"""Where the robot was at every ray, ahead of where it is at the end."""

TOPICS = {
    "learned/range": Image,
    "learned/confidence": Image,
    "learned/spread": Image,
    "learned/normals": Image,
    "learned/panorama": Image,
    "learned/points": PointCloud2,
    "learned/scan": LaserScan,
    "learned/depth_0/image": Image,
    "learned/depth_0/camera_info": CameraInfo,
    "learned/depth_1/image": Image,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("model") / "range.onnx"
    echo = np.random.default_rng(0).integers(20, 60, (64, 512, 256), dtype=np.uint8)
    echo[:, :, 100] = 160
    export_range_net(RangeNet(SIZES["tiny"]).eval(), path, echo, {"name": "untrained"})
    return path


@pytest.fixture(scope="module", params=["nobody", "people"])
def semantic_model(request, tmp_path_factory):
    """Says that everything is a wall, and that people stand nowhere or everywhere before it."""
    net = SemanticNet(SEMANTIC_SIZES["tiny"]).eval()
    with torch.no_grad():
        net.classes[-1].weight.zero_()
        net.classes[-1].bias.copy_(10 * torch.eye(11)[SemanticClass.WALL])
        net.cells[-1].bias[0] = 2.0 if request.param == "people" else -4.6
    path = tmp_path_factory.mktemp("model") / "semantic.onnx"
    features = np.random.default_rng(0).normal(size=(len(CHANNELS), 64, 512)).astype(np.float32)
    export_semantic_net(net, path, features, {"name": "untrained"})
    return path


def cube_message():
    """A round room of 4 m that was not received to the left."""
    rng = np.random.default_rng(2)
    power = rng.exponential(1.0, (64, 512, 256)).astype(np.float32)
    power[:, :, 105] = 1e4
    power[:, :, 106] = 2e3
    coverage = np.ones(512)
    coverage[400:430] = 0.0
    power[:, 400:430] = 0.0
    rays = dict.fromkeys(RAY_FIELDS, np.zeros(512))
    rays["coverage"] = coverage
    rays["robot_x"] = np.full(512, SHIFT_M)
    rays["time_offset_s"] = -0.5 + 0.5 * np.arange(512) / 512  # clockwise
    rays["range_bin_m"] = np.full(512, BIN_M)
    return power_cube(power, rays, to_header(END_NS, "radar_base"))


def settings(**values):
    return [Parameter(name, value=value) for name, value in values.items()]


@pytest.mark.timeout(120)
def test_a_cube_becomes_range_image_points_and_scan(graph, model):
    source, viewer = graph.add(Node, "source"), graph.add(Node, "viewer")
    publisher = source.create_publisher(PointCloud2, "cube", sensor_qos(35_000_000, depth=1))
    received = {}
    for topic, kind in TOPICS.items():
        viewer.create_subscription(
            kind, topic, lambda m, t=topic: received.setdefault(t, m), sensor_qos(5_000)
        )
    node = graph.add(RecognitionNode, parameter_overrides=settings(range_model=str(model)))
    assert bring_up(node)
    graph.wait_for(publisher.get_subscription_count, "it listens")
    graph.wait_for(
        lambda: all(viewer.count_publishers(topic) for topic in TOPICS), "its topics are seen"
    )
    message = cube_message()
    graph.send_until(publisher, message, lambda: len(received) == len(TOPICS), "all results come")
    unseen = np.zeros(512, bool)
    unseen[400:430] = True
    range_m = pixels_of(received["learned/range"])
    assert np.isnan(range_m[:, unseen]).all()
    expected = 105 * BIN_M + 0.08 * np.cos(GRID.elevation_rad)[:, None]
    assert np.abs(range_m - expected)[:, ~unseen].max() < 0.08
    points = cloud_points(received["learned/points"])
    seen = np.isfinite(points["x"])
    assert not seen[:, unseen].any()
    # rays begin where the robot was then
    distance = np.hypot(np.hypot(points["x"] - SHIFT_M, points["y"]), points["z"])
    np.testing.assert_allclose(distance[seen], points["range"][seen], atol=1e-4)
    # before training every surface looks back at the radar
    outward = np.stack([points["x"] - SHIFT_M, points["y"], points["z"]], axis=-1)
    normal = np.stack([points[f"normal_{axis}"] for axis in "xyz"], axis=-1)
    cosine = np.sum(outward * normal, axis=-1)[seen] / points["range"][seen]
    np.testing.assert_allclose(cosine, -1, atol=1e-2)
    scan = received["learned/scan"]
    assert to_time_ns(scan.header.stamp) == pytest.approx(END_NS - 500_000_000, abs=1000)
    assert scan.angle_increment == pytest.approx(-2 * np.pi / 512)
    ranges = np.array(scan.ranges)
    assert np.isnan(ranges[400:430]).all()
    assert np.abs(ranges[:400] - (105 * BIN_M + 0.08)).max() < 0.08
    confidence = pixels_of(received["learned/confidence"])
    assert confidence[:, ~unseen].min() > 0.3
    spread_m = pixels_of(received["learned/spread"])
    assert np.isnan(spread_m[:, unseen]).all()
    assert (spread_m[:, ~unseen] > 0).all()
    upper, lower = range_m[31], range_m[32]
    of_nearest = np.where(lower < upper, confidence[32], confidence[31])
    np.testing.assert_allclose(np.array(scan.intensities)[:400], of_nearest[:400], atol=1e-6)
    # 1e4 and 2e3 over a median of 0.69, in the bins on both sides of the range
    expected_db = 10 * np.log10(np.array([2e3, 1e4]) / np.log(2))
    off_db = np.abs(points["intensity"][seen][:, None] - expected_db).min(axis=1)
    assert off_db.max() < 0.25  # steps of a quarter, and the median is of noise
    assert (points["label"] == 255).all()  # nothing names them
    ahead, info = (received[f"learned/depth_0/{name}"] for name in ("image", "camera_info"))
    assert ahead.header.frame_id == info.header.frame_id == "radar_base_depth_0"
    assert (info.width, info.height) == (ahead.width, ahead.height)
    depth_m = pixels_of(ahead)
    assert depth_m[47:49, 63:65] == pytest.approx(105 * BIN_M + 0.08, abs=0.08)
    # column 384, on the left, was passed a quarter turn after the start, clockwise
    left = received["learned/depth_1/image"]
    stamp_ns = to_time_ns(left.header.stamp)
    assert stamp_ns == pytest.approx(END_NS - 500_000_000 + 375_000_000, abs=1_000_000)
    assert np.isnan(pixels_of(left)[8:-8, 80:100]).all()  # columns 400 to 430 were not received
    assert np.isfinite(pixels_of(left)[8:-8, :70]).all()
    assert received["learned/normals"].encoding == received["learned/panorama"].encoding == "rgb8"


@pytest.mark.timeout(120)
def test_with_a_semantic_model_classes_and_people_come_too(graph, model, semantic_model, request):
    source, viewer = graph.add(Node, "source"), graph.add(Node, "viewer")
    publisher = source.create_publisher(PointCloud2, "cube", sensor_qos(35_000_000, depth=1))
    received = {}
    topics = {
        "learned/labels": (Image, sensor_qos(5_000)),
        "learned/classes": (Image, sensor_qos(5_000)),
        "learned/people": (PoseArray, reliable_qos()),
        "learned/objects": (MarkerArray, reliable_qos()),
    }
    for topic, (kind, qos) in topics.items():
        viewer.create_subscription(kind, topic, lambda m, t=topic: received.setdefault(t, m), qos)
    values = settings(
        range_model=str(model), semantic=True, semantic_model=str(semantic_model),
        minimum_score=0.02,
    )  # fmt: skip
    node = graph.add(RecognitionNode, parameter_overrides=values)
    assert bring_up(node)
    graph.wait_for(publisher.get_subscription_count, "it listens")
    graph.wait_for(lambda: all(viewer.count_publishers(one) for one in topics), "topics are seen")
    message = cube_message()
    graph.send_until(publisher, message, lambda: len(received) == len(topics), "all results come")
    labels = pixels_of(received["learned/labels"])
    assert (labels[:, 400:430] == 255).all()
    assert (labels[:, :400] == SemanticClass.WALL).all()
    assert received["learned/classes"].encoding == "rgb8"
    people, markers = received["learned/people"].poses, received["learned/objects"].markers
    assert markers[0].action == Marker.DELETEALL
    if "nobody" in request.node.name:
        assert (people, len(markers)) == ([], 1)
        return
    assert people
    assert len(markers) > len(people)
    distance_m = [np.hypot(one.position.x - SHIFT_M, one.position.y) for one in people]
    np.testing.assert_allclose(distance_m, 105 * BIN_M + 0.08, atol=0.6)


def test_people_and_objects_are_moved_to_the_end_of_the_turn():
    range_m = np.full((64, 512), 6.0, np.float32)
    box = Detection(0, 0.9, 120.0, 20.0, 136.0, 50.0)  # to the right
    range_m[20:50, 120:136] = 2.0
    poses = np.tile([0.5, 0.0, np.pi / 2], (512, 1))
    cube = Cube(
        np.ones((64, 512, 2), np.float32), np.ones(512), np.arange(512) / 1024, poses, 0, 1, 1.0
    )
    person = Person(*person_position_m(box, range_m), 0.9)
    assert person.azimuth_rad == pytest.approx(-np.pi / 2, abs=0.01)
    header = to_header(END_NS, "radar_base")
    (pose,) = people_poses(cube, [person], header).poses
    # the robot looked to the left of where it looks now, 0.5 m ahead: its right was ahead
    assert pose.position.x == pytest.approx(2.5, abs=0.03)
    assert pose.position.y == pytest.approx(0.0, abs=0.03)
    clear, marker = object_markers(cube, range_m, [box], header).markers
    assert clear.action == Marker.DELETEALL
    assert marker.ns == "person"
    assert marker.pose.position.x == pytest.approx(2.4, abs=0.15)
    assert marker.scale.x == pytest.approx(0.3, abs=0.2)
    assert marker.scale.z > 0.8


@pytest.mark.timeout(120)
def test_a_cube_without_echoes_is_an_error_in_diagnostics_and_nothing_is_invented(graph, model):
    source, viewer = graph.add(Node, "source"), graph.add(Node, "viewer")
    publisher = source.create_publisher(PointCloud2, "cube", sensor_qos(35_000_000, depth=1))
    states, images = [], []
    viewer.create_subscription(DiagnosticArray, "/diagnostics", states.append, 10)
    viewer.create_subscription(Image, "learned/range", images.append, sensor_qos(400_000))
    node = graph.add(RecognitionNode, parameter_overrides=settings(range_model=str(model)))
    assert bring_up(node)
    graph.wait_for(publisher.get_subscription_count, "it listens")
    graph.wait_for(lambda: viewer.count_publishers("learned/range"), "its topic is seen")
    rays = dict.fromkeys(RAY_FIELDS, np.zeros(512))
    rays["time_offset_s"] = np.linspace(-0.5, 0, 512)
    rays["range_bin_m"] = np.full(512, BIN_M)
    empty = power_cube(np.zeros((64, 512, 256), np.float32), rays, to_header(END_NS, "radar_base"))

    def told():
        publisher.publish(empty)
        found = [one for message in states for one in message.status]
        return [one for one in found if one.level == DiagnosticStatus.ERROR]

    graph.wait_for(told, "an error is told")
    assert "no echoes" in told()[0].message
    assert not images


def test_a_model_that_is_not_what_its_card_says_is_refused(graph, model, tmp_path, capfd):
    damaged = tmp_path / "range.onnx"
    damaged.write_bytes(model.read_bytes()[:-5] + b"12345")
    damaged.with_suffix(".json").write_text(model.with_suffix(".json").read_text())
    assert file_sha256(damaged) != file_sha256(model)
    for path, words in ((damaged, "damaged"), (tmp_path / "none.onnx", "there is no model")):
        node = graph.add(
            RecognitionNode,
            namespace=f"/{path.stem}",
            parameter_overrides=settings(range_model=str(path)),
        )
        assert not bring_up(node)
        assert words in capfd.readouterr().err
