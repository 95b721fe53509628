"""Emulated radar and camera, capture node, anomaly node: bytes on a wire to an alarm on a topic."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from nav_msgs.msg import OccupancyGrid
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from visualization_msgs.msg import MarkerArray
from watched_frames import (
    PLACE_M,
    STEP,
    WAVE,
    bin_of,
    block,
    colour,
    depth_mm,
    detector,
    number_of,
    samples,
)

from mmanomaly_ros.context import shrunk
from mmanomaly_ros.learning.samples import SceneSet
from mmanomaly_ros.looks import NEW_WALL_FRAMES
from mmanomaly_ros.nodes import emulator
from mmanomaly_ros.nodes.anomaly import RAW_BYTES, AnomalyNode
from mmanomaly_ros.nodes.anomaly_markers import places_of
from mmanomaly_ros.nodes.camera_messages import camera_info
from mmanomaly_ros.nodes.emulator import EmulatorNode
from mmanomaly_ros.pictures import channels_of
from mmanomaly_ros.place_recorder import LEAST_FRAMES
from mmanomaly_ros.spectrum import quantised
from mmwave.camera import RGBD_CAMERA
from mmwave.ros import messages
from mmwave.ros.messages import pixels_of, to_header, to_time_ns
from mmwave.ros.node import bring_up, take_down
from mmwave.ros.parameters import ParameterError
from mmwave.ros.publishing import reliable_qos, sensor_qos, static_qos
from mmwave.ros.raw import to_cloud
from panoradar_ros.nodes.capture import CaptureNode
from panoradar_ros.nodes.capture_parameters import WAVEFORM_FIELDS
from panoradar_ros.ports import free_udp_ports

DEVICE = "127.0.0.6"
FRAMES = 20
START_NS = 1_700_000_000_000_000_000
LEVELS = {
    "normal": DiagnosticStatus.OK,
    "anomaly": DiagnosticStatus.ERROR,
    "unknown": DiagnosticStatus.WARN,
}


def settings(**values):
    return [Parameter(name, value=value) for name, value in values.items()]


TOPICS = {
    "anomaly/measured": Image, "anomaly/expected": Image, "anomaly/spread": Image,
    "anomaly/heatmap": Image, "anomaly/depth": Image, "anomaly/image": Image,
    "anomaly/grid": OccupancyGrid, "anomaly/markers": MarkerArray, "sim/anomaly": MarkerArray,
}  # fmt: skip


class Listener:
    """Keeps the last message of each topic, and every status by its name."""

    def __init__(self, graph):
        self.node = graph.add(Node, "listener")
        self.last, self.states = {}, []
        for topic, kind in TOPICS.items():
            reliable = kind is not Image
            qos = reliable_qos() if reliable else sensor_qos(0)
            self.node.create_subscription(
                kind, topic, lambda message, topic=topic: self.last.update({topic: message}), qos
            )
        self.node.create_subscription(
            DiagnosticArray, "anomaly/state", self._take_state, static_qos()
        )
        self.node.create_subscription(
            DiagnosticArray, "/diagnostics", self._take_status, reliable_qos()
        )

    def _take_state(self, message):
        self.states.append(message.status[0])

    def _take_status(self, message):
        self.last |= {status.name: status for status in message.status}

    @property
    def level(self):
        return self.last.get("anomaly: watch", DiagnosticStatus()).level

    @property
    def state(self):
        return self.states[-1].message if self.states else ""


@pytest.fixture
def listener(graph):
    return Listener(graph)


def recording(*_, **__):
    """What record_watch gives, of frames that tell their numbers."""
    position = np.full((FRAMES, 2), np.nan)
    position[FRAMES // 2 :] = PLACE_M
    return SimpleNamespace(
        samples=np.stack([samples(number) for number in range(FRAMES)]),
        rgb=np.stack([colour(number) for number in range(FRAMES)]),
        depth_mm=np.stack([depth_mm()] * FRAMES),
        position_m=position,
        anomalous=np.isfinite(position[:, 0]),
    )


@pytest.fixture
def scene(graph, monkeypatch, tmp_path):
    """Starts the emulator with given parameters, and a capture node for it."""
    monkeypatch.setattr(emulator, "record_watch", recording)
    control, data = free_udp_ports(2, ("127.0.0.1", DEVICE))
    ports = {"control_port": control, "data_port": data, "device_address": DEVICE}

    def start(**values):
        emulated = graph.add(
            EmulatorNode, parameter_overrides=settings(port_folder=str(tmp_path), **ports, **values)
        )
        assert bring_up(emulated)
        capture = graph.add(
            CaptureNode,
            namespace="watch",
            parameter_overrides=settings(
                serial_port=str(tmp_path / "watch"), host_address="127.0.0.1", **ports,
                **{name: getattr(WAVE, name) for name in WAVEFORM_FIELDS},
            ),
        )  # fmt: skip
        assert bring_up(capture)
        return emulated, capture

    return start


def anomaly(graph, found=None, **values):
    found = found or detector()
    node = graph.add(
        AnomalyNode, load=lambda *_, **__: found, parameter_overrides=settings(**values)
    )
    return node, found


@pytest.mark.timeout(120)
def test_an_alarm_comes_from_the_bytes_of_a_radar_and_a_camera(graph, listener, scene):
    node, found = anomaly(graph)
    assert bring_up(node)
    emulated, _ = scene()
    graph.wait_for(lambda: listener.state == "normal", "it is calm")
    wanted = set(TOPICS) - {"anomaly/image"}
    graph.wait_for(lambda: wanted <= set(listener.last), "everything is published")
    assert not listener.node.count_publishers("anomaly/image")
    pairs = list(zip(found.compares.spectra, found.expects.contexts, strict=False))
    assert len(pairs) > 2
    assert [bin_of(one) for one, _ in pairs] == [number_of(context) for _, context in pairs]
    measured = listener.last["anomaly/measured"]
    assert measured.header.frame_id == "watch"
    assert any((channels_of(pixels_of(measured)) == one).all() for one in found.compares.spectra)
    np.testing.assert_allclose(pixels_of(listener.last["anomaly/spread"]), 2, atol=1e-5)
    assert pixels_of(listener.last["anomaly/heatmap"]).shape == (128, 64)
    assert not len(places_of(listener.last["anomaly/markers"]))  # what stands out is no alarm yet
    check_grid(listener.last["anomaly/grid"])
    found.compares.score = 1.0
    graph.wait_for(lambda: listener.state == "anomaly", "there is an alarm")
    graph.wait_for(lambda: len(places_of(listener.last["anomaly/markers"])), "its place is told")
    np.testing.assert_allclose(places_of(listener.last["anomaly/markers"])[0], PLACE_M, atol=0.03)
    graph.wait_for(
        lambda: listener.level == DiagnosticStatus.ERROR,
        "so diagnostics say",
    )
    values = {one.key: one.value for one in listener.last["anomaly: watch"].values}
    assert "2.40 m ahead, +0.60 m right" in values["place_0"]
    assert float(values["images_apart_s"]) == pytest.approx(0, abs=0.02)
    take_down(emulated)
    graph.wait_for(lambda: listener.state.startswith("unknown"), "silence is told")
    for status in listener.states:
        assert status.level == LEVELS[status.message.partition(":")[0]]
    take_down(node)
    graph.wait_for(lambda: listener.state == "unknown: not active", "nothing false is kept")


@pytest.mark.timeout(120)
def test_what_is_judged_is_recorded_for_adapting(graph, listener, scene, tmp_path):
    folder = tmp_path / "place"
    node, found = anomaly(graph, record_folder=str(folder), keep_rgb_private=False)
    assert bring_up(node)
    scene()
    graph.wait_for(lambda: node.frames > LEAST_FRAMES + 2, "enough is judged")
    take_down(node)
    read = SceneSet.under(folder)
    assert read.describe()["simulated"] is False
    assert read.describe()["anomalous_frames"] == 0
    spectra = np.concatenate([one.spectra for one in read.sequences])
    compared = [quantised(one) for one in found.compares.spectra]
    assert len(spectra) >= LEAST_FRAMES
    assert all(any((one == other).all() for other in compared) for one in spectra)
    _, depth_m, _ = shrunk(colour(0), depth_mm() / np.float32(1000), RGBD_CAMERA)
    first = read[0]
    shown = [shrunk(colour(number), depth_mm() / np.float32(1000), RGBD_CAMERA)[0]
             for number in range(FRAMES)]  # fmt: skip
    assert any((first.rgb == one).all() for one in shown)
    np.testing.assert_allclose(first.depth_m, depth_m, atol=1e-3)
    assert read.camera.size_px == (128, 96)


def test_draws_that_thresholds_were_not_chosen_with_are_warned_of(graph, monkeypatch):
    node, found = anomaly(graph)
    found.caution = "thresholds were chosen with other draws"
    told = []
    monkeypatch.setattr(
        type(node.get_logger()), "warning", lambda self, text, **_: told.append(text)
    )
    assert bring_up(node)
    assert told == [found.caution]


@pytest.mark.timeout(120)
def test_a_wall_that_looks_like_none_that_was_learned_from_is_warned_of_once(
    graph, listener, scene, monkeypatch
):
    node, found = anomaly(graph, detector("intruder"), watch="intruder")
    told = []
    monkeypatch.setattr(
        type(node.get_logger()), "warning", lambda self, text, **_: told.append(text)
    )
    found.expects.wall_novelty = 0.8
    assert bring_up(node)
    scene()
    graph.wait_for(lambda: node.frames > NEW_WALL_FRAMES, "enough is judged")
    new = "the wall looks like none"
    assert not any(one.startswith(new) for one in told)
    found.expects.wall_novelty = 1.7
    graph.wait_for(lambda: any(one.startswith(new) for one in told), "it is said")
    frames = node.frames
    graph.wait_for(lambda: node.frames > frames + 2 * NEW_WALL_FRAMES, "more is judged")
    assert sum(one.startswith(new) for one in told) == 1
    graph.wait_for(lambda: "anomaly: watch" in listener.last, "diagnostics come")
    values = {one.key: one.value for one in listener.last["anomaly: watch"].values}
    assert float(values["wall_novelty"]) == pytest.approx(1.7)


def test_colours_that_are_private_are_not_recorded(graph, tmp_path):
    with pytest.raises(ParameterError, match="record_folder writes colour images"):
        anomaly(graph, record_folder=str(tmp_path / "place"))
    assert not (tmp_path / "place").exists()


def check_grid(message):
    """The hottest cell is at the place, in the radar's x and y, and cells out of sight are -1."""
    info = message.info
    assert message.header.frame_id == "watch"
    cells = np.array(message.data, np.int8).reshape(info.height, info.width)
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    x = info.origin.position.x + (column + 0.5) * info.resolution
    y = info.origin.position.y + (row + 0.5) * info.resolution
    np.testing.assert_allclose([-y, x], PLACE_M, atol=0.08)
    assert cells.min() == -1
    assert 80 <= cells.max() <= 100


@pytest.fixture
def camera(graph):
    """Everything that an emulated camera sends, and the truth, by topic and stamp."""
    node = graph.add(Node, "camera_listener")
    came = {"color/image_raw": {}, "depth/image_rect_raw": {}, "camera_info": {}, "anomaly": {}}
    kinds = [Image, Image, CameraInfo, MarkerArray]

    def take(topic, message):
        header = message.markers[0].header if topic == "anomaly" else message.header
        came[topic][to_time_ns(header.stamp)] = message

    for topic, kind in zip(came, kinds, strict=True):
        name = "sim/anomaly" if topic == "anomaly" else f"camera/{topic}"
        qos = reliable_qos() if topic == "anomaly" else sensor_qos(0)
        node.create_subscription(kind, name, lambda one, topic=topic: take(topic, one), qos)
    return came


@pytest.mark.timeout(60)
def test_the_emulated_camera_goes_with_the_truth_and_its_faults_begin_when_told(
    graph, monkeypatch, tmp_path, camera
):
    monkeypatch.setattr(emulator, "record_watch", recording)
    control, data = free_udp_ports(2, ("127.0.0.1", DEVICE))
    node = graph.add(
        EmulatorNode,
        parameter_overrides=settings(
            port_folder=str(tmp_path), control_port=control, data_port=data, no_depth=True,
            camera_fault_after_s=1.0, camera_clock_s=0.25,
        ),
    )  # fmt: skip
    assert bring_up(node)
    assert (tmp_path / "watch").exists()
    colours, depths, truth = (camera[one] for one in ("color/image_raw", "depth/image_rect_raw",
                                                      "anomaly"))  # fmt: skip
    graph.wait_for(lambda: len(colours) >= 16 and len(truth) >= 16, "images and truth come")
    assert set(depths) <= set(colours)
    assert max(depths) < max(colours) - 300_000_000  # there is none any more
    assert set(camera["camera_info"]) & set(colours)
    there = [stamp - 250_000_000 for stamp in colours if stamp - 250_000_000 in truth]
    assert len(there) > 10
    numbers = []
    for stamp in there:
        # the brightest pixel tells the number of the frame
        pixels = pixels_of(colours[stamp + 250_000_000])
        numbers.append((int(pixels.max()) - 100) // STEP)
        expected = [PLACE_M] if numbers[-1] >= FRAMES // 2 else np.zeros((0, 2))
        np.testing.assert_allclose(places_of(truth[stamp]), expected)
    steps = np.diff(there) / 1e8
    np.testing.assert_allclose(steps, steps.round())
    np.testing.assert_array_equal(np.diff(numbers) % FRAMES, steps.round() % FRAMES)


class Source:
    """Publishes blocks, images and calibration of a recording that is played by hand."""

    def __init__(self, graph, node):
        self.node = graph.add(Node, "source")
        make = self.node.create_publisher
        self.raw = make(PointCloud2, "watch/radar/raw", sensor_qos(RAW_BYTES, depth=10))
        # as drivers of cameras may publish, reliably or not
        self.colour = make(Image, "camera/color/image_raw", reliable_qos())
        self.depth = make(Image, "camera/depth/image_rect_raw", sensor_qos(0))
        self.info = make(CameraInfo, "camera/camera_info", sensor_qos(0))
        every = (self.raw, self.colour, self.depth, self.info)
        graph.wait_for(lambda: all(one.get_subscription_count() for one in every), "it listens")
        self.number = 0

    def play(self, camera=RGBD_CAMERA, off_ns=0, with_depth=True, **changed):
        number = self.number % FRAMES
        time_ns = START_NS + self.number * 100_000_000
        self.number += 1
        header = to_header(time_ns + off_ns, "watch_camera")
        image = messages.image(colour(number), "rgb8", header)
        for name, value in changed.items():
            setattr(image, name, value)
        depth = messages.image((depth_mm() / 1e3).astype(np.float32), "32FC1", header)
        self.info.publish(camera_info(camera, header))
        self.colour.publish(image)
        if with_depth:
            self.depth.publish(depth)
        self.raw.publish(to_cloud(block(number, time_ns), "watch"))
        time.sleep(0.02)


@pytest.mark.timeout(120)
def test_a_recording_is_judged_with_its_own_times_and_colour_is_shown_if_allowed(graph, listener):
    node, _ = anomaly(graph, keep_rgb_private=False)
    assert bring_up(node)
    source = Source(graph, node)
    graph.wait_for(
        lambda: source.play() or ("anomaly/image" in listener.last and listener.state == "normal"),
        "it is calm",
    )
    shown = listener.last["anomaly/image"]
    stamp_ns = to_time_ns(shown.header.stamp)
    assert START_NS <= stamp_ns < START_NS + source.number * 100_000_000
    number = round((stamp_ns - START_NS) / 1e8) % FRAMES
    np.testing.assert_array_equal(pixels_of(shown), colour(number))
    assert shown.header.frame_id == "watch_camera"
    graph.wait_for(lambda: source.play(off_ns=2_000_000_000) or "clocks" in listener.state, "told")
    graph.wait_for(
        lambda: source.play(encoding="yuv422") or "colour images must be" in listener.state, "told"
    )
    assert listener.states[-1].level == DiagnosticStatus.WARN
    assert source.number < 2 * FRAMES * 10


@pytest.mark.timeout(60)
def test_without_depth_it_is_unknown_and_the_radar_is_shown(graph, listener):
    node, found = anomaly(graph, patience_s=0.1)
    assert bring_up(node)
    source = Source(graph, node)
    graph.wait_for(
        lambda: source.play(with_depth=False) or "no depth image has come" in listener.state,
        "the reason is told",
    )
    graph.wait_for(
        lambda: (
            source.play(with_depth=False)
            or {"anomaly/measured", "anomaly/grid", "anomaly/markers"} <= set(listener.last)
        ),
        "what is known is published",
    )
    assert set(listener.last["anomaly/grid"].data) == {-1}
    assert not len(places_of(listener.last["anomaly/markers"]))
    assert "anomaly/expected" not in listener.last
    assert not found.compares.spectra
    assert {one.level for one in listener.states} == {DiagnosticStatus.WARN}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("wrong", ["missing", "damaged"])
def test_without_its_models_it_does_not_start_and_says_unknown(graph, listener, tmp_path, wrong):
    if wrong == "damaged":
        for name in ("context", "denoiser", "decoder", "comparator"):
            (tmp_path / f"mmanomaly_{name}.onnx").write_bytes(b"x")
            (tmp_path / f"mmanomaly_{name}.json").write_text('{"name": "x", "sha256": "0"}')
        (tmp_path / "mmanomaly_decision.json").write_text('{"watches": {}}')
    node = graph.add(AnomalyNode, parameter_overrides=settings(models=str(tmp_path)))
    assert not bring_up(node)
    assert node.state == "unconfigured"
    graph.wait_for(
        lambda: (
            "cannot configure" in listener.last.get("anomaly: watch", DiagnosticStatus()).message
        ),
        "diagnostics say why",
    )
    status = listener.last["anomaly: watch"]
    assert status.level == DiagnosticStatus.WARN
    assert status.message.startswith("unknown: cannot configure")
    assert str(tmp_path) in status.message


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"camera_rotation": [1.0, 0.0, 0.0]}, "camera_rotation and camera_translation_m"),
        ({"tolerance_s": 0.5, "patience_s": 0.2}, "at least tolerance_s = 0.5"),
        ({"watch": "cat"}, "watch must be one of"),
    ],
)
def test_impossible_parameters_are_refused_by_name(graph, values, words):
    with pytest.raises(ValueError, match=words):
        anomaly(graph, **values)


def test_transforms_without_tf_are_refused_when_asked_for(graph, listener):
    node, _ = anomaly(graph, extrinsics="tf")
    assert not bring_up(node)
    graph.wait_for(
        lambda: "tf2_ros is not installed" in listener.last.get(
            "anomaly: watch", DiagnosticStatus()).message, "it is told",
    )  # fmt: skip
