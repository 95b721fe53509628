"""Two emulated radars, two capture nodes, the people node: bytes on a wire to boxes on a topic."""

import json
import re
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseArray
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from visualization_msgs.msg import ImageMarker, Marker, MarkerArray

from mmwave.dca1000 import PositionBlock
from mmwave.emulation.fixed import EmulatedFixedRadar
from mmwave.inference import card_path, file_sha256
from mmwave.ros.messages import pixels_of, to_time_ns
from mmwave.ros.node import bring_up
from mmwave.ros.publishing import reliable_qos, sensor_qos
from mmwave.ros.raw import to_cloud
from panoradar_ros.nodes.capture import CaptureNode
from panoradar_ros.nodes.capture_parameters import WAVEFORM_FIELDS
from panoradar_ros.ports import free_udp_ports
from rexo_ros.heatmaps import ROOM_WAVEFORM as WAVE
from rexo_ros.learning.export import export_rexo
from rexo_ros.learning.networks.base import SIZES
from rexo_ros.learning.networks.rexo_net import RexoNet
from rexo_ros.nodes.people import RAW_BYTES, PeopleNode
from rexo_ros.normalisation import Normalisation
from rexo_ros.space import SPACES

SPACE = SPACES["room"]
RANGE_M, SINE = 4.0, {"horizontal": 0.3, "vertical": 0.05}
DEVICES = {"horizontal": "127.0.0.4", "vertical": "127.0.0.5"}
FRAMES = 20


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Says that somebody is in every noisy box, whatever it sees."""
    torch.manual_seed(4)
    net = RexoNet(SIZES["tiny"], SPACE).eval()
    with torch.no_grad():
        for head in net.heads:
            head.named.weight.zero_()
            head.named.bias.copy_(torch.tensor([0.0, 3.0]))
    folder = tmp_path_factory.mktemp("models")
    heatmaps = np.random.default_rng(0).normal(size=(2, 4, 256, 128)).astype(np.float32)
    export_rexo(net, folder, "rexo", heatmaps, Normalisation((5.0, 5.0), (2.0, 2.0)), {})
    return {
        "backbone_model": str(folder / "rexo_backbone.onnx"),
        "step_model": str(folder / "rexo_step.onnx"),
    }


def frame(view, number):
    """int16 samples of a reflector that comes nearer slowly, its phase that of its place."""
    range_m = RANGE_M - 0.01 * number
    loop_s = WAVE.loop_interval_s * np.arange(WAVE.loops_per_frame)
    sample = np.arange(WAVE.samples_per_chirp)
    beat = 2 * np.pi * range_m / WAVE.range_bin_m * sample / WAVE.samples_per_chirp
    antenna = -np.pi * np.arange(WAVE.virtual_antennas) * SINE[view]
    moved = 4 * np.pi / WAVE.wavelength_m * (range_m - 0.2 * loop_s)
    turn = np.repeat(WAVE.transmitter_offsets_s, WAVE.receivers) * -0.2 * 4 * np.pi
    phase = (
        moved[:, None, None]
        + (antenna + turn / WAVE.wavelength_m)[None, :, None]
        + beat[None, None]
    )
    tone = 800 * np.exp(1j * phase)
    return np.stack([tone.real, tone.imag], axis=-1).round().astype(np.int16)


def samples(view):
    return np.stack([frame(view, number) for number in range(FRAMES)])


def settings(**values):
    return [Parameter(name, value=value) for name, value in values.items()]


class Listener:
    """Keeps the last message of each topic, and when it came."""

    def __init__(self, graph):
        self.node = graph.add(Node, "listener")
        self.last, self.count = {}, {}

    def to(self, kind, topic, qos):
        self.node.create_subscription(kind, topic, lambda m: self._take(topic, m), qos)
        return self

    def _take(self, topic, message):
        if topic == "/diagnostics":
            for status in message.status:
                self.last[status.name] = status
            return
        self.last[topic] = message
        self.count[topic] = self.count.get(topic, 0) + 1


@pytest.fixture
def listener(graph):
    found = Listener(graph)
    reliable = reliable_qos()
    found.to(MarkerArray, "people/boxes", reliable).to(MarkerArray, "people/tracks", reliable)
    found.to(PoseArray, "people/poses", reliable).to(ImageMarker, "people/image_boxes", reliable)
    found.to(DiagnosticArray, "/diagnostics", reliable)
    for view in DEVICES:
        found.to(Image, f"people/heatmap_{view}", sensor_qos(131_072))
    return found


@pytest.fixture
def radars(graph):
    """Both emulated devices and their capture nodes, which are not active yet."""
    ports = free_udp_ports(4, ("127.0.0.1", *DEVICES.values()))
    epoch_ns = time.time_ns()
    devices, nodes = {}, {}
    for number, (view, address) in enumerate(DEVICES.items()):
        control, data = ports[2 * number], ports[2 * number + 1]
        devices[view] = EmulatedFixedRadar(
            samples(view), WAVE, epoch_ns, device_address=address, control_port=control,
            data_port=data,
        ).start()  # fmt: skip
        nodes[view] = graph.add(
            CaptureNode,
            namespace=view,
            parameter_overrides=settings(
                serial_port=devices[view].radar_port, host_address="127.0.0.1",
                device_address=address, control_port=control, data_port=data,
                **{name: getattr(WAVE, name) for name in WAVEFORM_FIELDS},
            ),
        )  # fmt: skip
    yield devices, nodes
    graph.stop_nodes()
    for device in devices.values():
        device.stop()


@pytest.mark.timeout(120)
def test_people_come_from_the_bytes_of_two_radars_and_from_one_alone(
    graph, listener, radars, models
):
    devices, captures = radars
    people = graph.add(PeopleNode, parameter_overrides=settings(**models, minimum_score=0.5))
    camera = listener.node.create_publisher(CameraInfo, "camera_info", sensor_qos(1000))
    assert bring_up(people)
    for node in captures.values():
        assert bring_up(node)
    wanted = {"people/boxes", "people/tracks", "people/poses", *(
        f"people/heatmap_{view}" for view in DEVICES)}  # fmt: skip
    graph.wait_for(lambda: wanted <= set(listener.last), "people and heatmaps come")
    assert "people/image_boxes" not in listener.last  # there is no camera yet
    for view in DEVICES:
        decibel = pixels_of(listener.last[f"people/heatmap_{view}"])
        row, column = np.unravel_index(np.nanargmax(decibel), decibel.shape)
        lateral_m, depth_m = SPACE.lateral_m(view)[column], SPACE.depth_m()[row]
        assert np.hypot(lateral_m, depth_m) == pytest.approx(RANGE_M - 0.1, abs=0.25)
        assert lateral_m / np.hypot(lateral_m, depth_m) == pytest.approx(SINE[view], abs=0.06)
    boxes = listener.last["people/boxes"].markers
    assert boxes[0].action == Marker.DELETEALL
    assert boxes[0].header.frame_id == "radars"
    assert 1 <= len(boxes[1:]) <= 10
    low = {round(one.pose.position.z - one.scale.z / 2, 3) for one in boxes[1:]}
    assert low == {SPACE.floor_m}  # the radars' axes: z up, the floor a metre below them
    message = CameraInfo(width=640, height=480)
    message.header.frame_id = "camera"
    message.k = [380.0, 0.0, 320.0, 0.0, 380.0, 240.0, 0.0, 0.0, 1.0]
    graph.wait_for(
        lambda: camera.publish(message) or "people/image_boxes" in listener.last,
        "boxes in the image come",
    )
    assert listener.last["people/image_boxes"].header.frame_id == "camera"
    graph.wait_for(lambda: "people: people" in listener.last, "diagnostics come")
    devices["vertical"].stop()
    graph.wait_for(
        lambda: "without the vertical radar" in listener.last["people: people"].message,
        "it is told that a radar is missing",
    )
    assert listener.last["people: people"].level == DiagnosticStatus.WARN
    before = listener.count["people/boxes"]
    graph.wait_for(lambda: listener.count["people/boxes"] > before + 5, "it goes on with one")


def playing_to(graph, people):
    """Publishers of both radars' samples, once the node listens to them."""
    source = graph.add(Node, "source")
    publishers = {
        view: source.create_publisher(
            PointCloud2, f"{view}/radar/raw", sensor_qos(RAW_BYTES, depth=10)
        )
        for view in DEVICES
    }
    assert bring_up(people)
    graph.wait_for(
        lambda: all(one.get_subscription_count() for one in publishers.values()), "it listens"
    )
    return publishers


def block(view, number, time_ns):
    offsets = np.round(WAVE.position_offsets_s * 1e9).astype(np.int64)
    there = np.ones((WAVE.loops_per_frame, WAVE.virtual_antennas), bool)
    return PositionBlock(number, frame(view, number % FRAMES), time_ns + offsets, there, WAVE)


@pytest.mark.timeout(120)
def test_a_recording_is_worked_through_with_its_own_times(graph, listener, models):
    people = graph.add(PeopleNode, parameter_overrides=settings(**models))
    publishers = playing_to(graph, people)
    graph.wait_for(lambda: listener.node.count_publishers("people/tracks"), "it is seen")
    start_ns, number = 1_700_000_000_000_000_000, 0

    def play():
        nonlocal number
        for view, publisher in publishers.items():
            time_ns = start_ns + number * 50_000_000 + (view == "vertical") * 20_000_000
            publisher.publish(to_cloud(block(view, number, time_ns), "radars"))
        number += 1
        return listener.count.get("people/tracks", 0) >= 3

    graph.wait_for(play, "tracks come")
    stamp_ns = to_time_ns(listener.last["people/tracks"].markers[0].header.stamp)
    assert start_ns <= stamp_ns < start_ns + number * 50_000_000
    names = [one for one in listener.last["people/tracks"].markers if one.ns == "name"]
    for one in names:
        assert one.text == str(one.id)


@pytest.mark.timeout(120)
def test_on_a_machine_that_is_too_slow_frames_are_left_out_and_not_late(graph, listener, models):
    people = graph.add(PeopleNode, parameter_overrides=settings(**models))
    publishers = playing_to(graph, people)
    graph.wait_for(lambda: listener.node.count_publishers("people/tracks"), "it is seen")
    detector = people._detector

    class Slow:
        def __call__(self, *arguments):
            time.sleep(0.3)  # six frames come meanwhile
            return detector(*arguments)

        def __getattr__(self, name):
            return getattr(detector, name)

    people._detector = Slow()
    start_ns, began_s, number = 1_700_000_000_000_000_000, time.monotonic(), 0
    behind_s = []

    def play():
        nonlocal number
        while number * 0.05 < time.monotonic() - began_s:
            for view, publisher in publishers.items():
                time_ns = start_ns + number * 50_000_000
                publisher.publish(to_cloud(block(view, number, time_ns), "radars"))
            number += 1
        told = listener.last.get("people/tracks")
        if told is not None:
            seen_ns = to_time_ns(told.markers[0].header.stamp) - start_ns
            behind_s.append(number * 0.05 - seen_ns * 1e-9)
        return number > 100

    graph.wait_for(play, "five seconds are played")
    status = people._status().values
    assert status["frames_left_out"] > 20
    assert status["blocks_dropped"] < 20  # heatmaps are made of nearly every frame
    # one frame is worked on, two may wait, three were left out; the listener is slow as well
    assert np.median(behind_s[len(behind_s) // 2 :]) < 1.2


@pytest.mark.timeout(120)
def test_clocks_that_are_apart_are_told(graph, listener, models):
    people = graph.add(PeopleNode, parameter_overrides=settings(**models))
    publishers = playing_to(graph, people)
    number = 0

    def play():
        nonlocal number
        for view, publisher in publishers.items():
            off_ns = 5_000_000_000 if view == "vertical" else 0
            time_ns = 1_700_000_000_000_000_000 + number * 50_000_000 + off_ns
            publisher.publish(to_cloud(block(view, number, time_ns), "radars"))
        number += 1
        told = listener.last.get("people: people")
        # a block of one view may be under way: 4.95, 5.00 or 5.05 s
        told_s = re.search(r"\+(\d\.\d\d) s off: are the clocks", told.message if told else "")
        return told_s is not None and abs(float(told_s[1]) - 5.0) < 0.06

    graph.wait_for(play, "it is told")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("wrong", ["missing", "damaged", "of another export"])
def test_it_does_not_start_with_models_that_are_wrong(graph, models, tmp_path, wrong):
    backbone = Path(models["backbone_model"])
    own = tmp_path / backbone.name
    if wrong != "missing":
        own.write_bytes(backbone.read_bytes() + b"x")
        card = json.loads(card_path(backbone).read_text())
        if wrong == "of another export":
            own.write_bytes(backbone.read_bytes())
            content = onnx.load(str(own))
            content.doc_string = "another one"
            onnx.save(content, str(own))
            card["sha256"] = file_sha256(own)
        card_path(own).write_text(json.dumps(card))
    given = settings(**{**models, "backbone_model": str(own)})
    people = graph.add(PeopleNode, parameter_overrides=given)
    assert not bring_up(people)
    assert people.state == "unconfigured"


def test_extrinsics_that_are_none_are_refused(graph, models):
    with pytest.raises(ValueError, match="camera_rotation and camera_translation_m"):
        graph.add(
            PeopleNode, parameter_overrides=settings(**models, camera_rotation=[1.0, 0.0, 0.0])
        )
