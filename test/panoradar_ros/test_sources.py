import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmwave.dca1000 import PositionBlock, encode_iiqq
from mmwave.ros.raw import to_cloud
from mmwave.waveform import Waveform
from panoradar_ros.bags import BagWriter, TopicQuality
from panoradar_ros.cli import main
from panoradar_ros.commands.sources import SourceError, rotations_from
from panoradar_ros.ply import write_ply

WAVEFORM = Waveform()
START_NS = 1_700_000_000_000_000_000
FRAMES = 48  # 2.5 turns


@pytest.fixture(scope="module")
def samples():
    """Frames of noise: every position is different from every other."""
    rng = np.random.default_rng(4)
    return rng.integers(-2000, 2000, (FRAMES, 64, 8, 256, 2), dtype=np.int16)


def blocks_of(samples):
    for index, frame in enumerate(samples):
        time_s = index * WAVEFORM.frame_period_s + WAVEFORM.position_offsets_s
        yield PositionBlock(
            frame_index=index,
            samples=frame,
            time_ns=START_NS + np.rint(time_s * 1e9).astype(np.int64),
            valid=np.ones((64, 8), bool),
            waveform=WAVEFORM,
        )


def check(rotations, samples, tolerance_rad=1e-6):
    """The rotations hold the frames' samples in order, at a steady 2 rev/s."""
    flat = samples.reshape(-1, 8, 256, 2)
    assert rotations
    for rotation in rotations:
        at = np.flatnonzero((flat[:, 0, 0] == rotation.samples[0, 0, 0]).all(axis=1))
        start = next(i for i in at if np.array_equal(flat[i : i + 3], rotation.samples[:3]))
        np.testing.assert_array_equal(rotation.samples, flat[start : start + len(rotation.samples)])
        line = np.polyval(np.polyfit(rotation.time_s, rotation.azimuth_rad, 1), rotation.time_s)
        assert np.abs(line - rotation.azimuth_rad).max() < tolerance_rad
        assert rotation.angular_speed_rad_s == pytest.approx(4 * np.pi, rel=1e-3)


def test_a_file_of_the_capture_card(tmp_path, samples):
    path = tmp_path / "capture.bin"
    path.write_bytes(b"".join(encode_iiqq(frame).tobytes() for frame in samples))
    check(list(rotations_from(path)), samples)


def test_a_bag(tmp_path, samples):
    from rclpy.serialization import serialize_message

    from mmwave.ros.messages import joint_state, to_header

    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/robot/radar/raw", "sensor_msgs/msg/PointCloud2", TopicQuality())
        bag.add_topic("/robot/joint_states", "sensor_msgs/msg/JointState", TopicQuality())
        for block in blocks_of(samples):
            end_ns = int(block.time_ns[-1])
            message = serialize_message(to_cloud(block, "radar"))
            bag.write("/robot/radar/raw", end_ns, message)
        for step in range(140):
            time_ns = START_NS + step * 10_000_000
            angle = 4 * np.pi * step * 0.01
            message = joint_state(to_header(time_ns, ""), "turntable_joint", angle, 4 * np.pi)
            bag.write("/robot/joint_states", time_ns, serialize_message(message))
    check(list(rotations_from(tmp_path / "bag")), samples)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        list(rotations_from(tmp_path / "nothing"))
    (tmp_path / "notes.txt").write_text("no data")
    with pytest.raises(SourceError, match="neither a bag"):
        list(rotations_from(tmp_path / "notes.txt"))


def test_a_capture_shorter_than_a_turn_is_refused_with_the_reason(tmp_path, samples):
    path = tmp_path / "short.bin"
    path.write_bytes(encode_iiqq(samples[0]).tobytes())
    with pytest.raises(SourceError, match="no whole rotation"):
        list(rotations_from(path))


def test_the_command_images_a_file_and_says_a_mistake_in_one_line(tmp_path, samples, capsys):
    path = tmp_path / "capture.bin"
    path.write_bytes(b"".join(encode_iiqq(frame).tobytes() for frame in samples))
    out = tmp_path / "out"
    assert main(["image", str(path), "--output", str(out), "--limit", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert len(report["rotations"]) == 1
    for name in ("panorama.png", "heatmap.png", "bird_eye.png", "points.ply"):
        assert (out / f"000_{name}").stat().st_size > 1000
    assert main(["image", str(tmp_path / "nothing")]) == 1
    printed = capsys.readouterr()
    assert printed.err.strip() == f"error: {tmp_path / 'nothing'} does not exist"
    assert main(["image", str(path), "--limit", "0"]) == 1
    assert "--limit must be at least 1" in capsys.readouterr().err


DATA = Path(__file__).parents[1] / "data"


def test_a_capture_without_a_whole_rotation_is_shown_as_a_profile(tmp_path, capsys):
    path, out = DATA / "dca1000_one_frame.pcap", tmp_path / "out"
    assert main(["image", str(path), "--output", str(out)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "no whole rotation" in line
    assert "1.2 turns" in line
    assert "does not say its chirps" in line
    picture = cv2.imread(str(out / "profile.png"))
    # 16384 B are two positions of eight antennas and 256 samples; the rest of the 64 is lost
    width = picture.shape[1] // 64
    assert picture[:, : 2 * width].any(axis=(0, 2)).all()
    assert not picture[:, 2 * width :].any()
    report = json.loads((out / "report.json").read_text())
    assert report["rotations"] == []
    assert (report["profile"]["positions"], report["profile"]["lost_positions"]) == (64, 62)


def test_the_samples_of_a_chirp_can_be_told(tmp_path, capsys):
    path, out = DATA / "dca1000_one_frame.pcap", tmp_path / "out"
    words = ["image", str(path), "--output", str(out), "--json", "--samples-per-chirp"]
    assert main([*words, "128"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["profile"]["lost_positions"] == 60
    assert main([*words, "0"]) == 1
    assert "--samples-per-chirp must be from 16 to 4096, got 0" in capsys.readouterr().err


def test_a_profile_has_a_reflector_at_its_range(tmp_path):
    tone = 1000 * np.exp(2j * np.pi * 64 * np.arange(256) / 256)
    frame = np.broadcast_to(np.stack([tone.real, tone.imag], -1), (64, 8, 256, 2))
    path, out = tmp_path / "short.bin", tmp_path / "out"
    path.write_bytes(encode_iiqq(np.rint(frame).astype(np.int16)).tobytes())
    assert main(["image", str(path), "--output", str(out)]) == 0
    picture = cv2.imread(str(out / "profile.png"))[..., ::-1].astype(int)
    reddest = (picture[..., 0] - picture[..., 2]).mean(axis=1).argmax()
    assert (len(picture) - 1 - reddest) // (len(picture) // 256) in (63, 64, 65)


def test_a_file_without_data_is_an_error(tmp_path, capsys):
    empty = tmp_path / "empty.bin"
    empty.touch()
    no_packets = tmp_path / "none.pcap"
    no_packets.write_bytes((DATA / "dca1000_one_frame.pcap").read_bytes()[:24])
    for path in (empty, no_packets):
        out = tmp_path / "out"
        assert main(["image", str(path), "--output", str(out)]) == 1
        assert capsys.readouterr().err.startswith(f"error: {path} ")
        assert not out.exists()


def test_a_bag_without_angles_is_shown_as_a_profile(tmp_path, samples, capsys):
    from rclpy.serialization import serialize_message

    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/first/radar/raw", "sensor_msgs/msg/PointCloud2", TopicQuality())
        for block in list(blocks_of(samples))[:2]:
            message = serialize_message(to_cloud(block, "radar"))
            bag.write("/first/radar/raw", int(block.time_ns[-1]), message)
    assert main(["image", str(tmp_path / "bag"), "--output", str(tmp_path / "out")]) == 0
    assert "no messages on /joint_states" in capsys.readouterr().out
    assert (tmp_path / "out" / "profile.png").exists()


def test_a_capture_can_be_told_to_turn_clockwise(tmp_path, samples):
    path = tmp_path / "capture.bin"
    path.write_bytes(b"".join(encode_iiqq(frame).tobytes() for frame in samples))
    assert {r.direction for r in rotations_from(path, direction=-1)} == {-1}


def test_a_ply_file_holds_the_finite_points(tmp_path):
    points = np.array([[1.0, 2.0, 3.0], [np.nan, 0.0, 0.0], [4.0, 5.0, 6.0]])
    path = tmp_path / "points.ply"
    assert write_ply(path, points, np.array([10.0, 20.0, 30.0])) == 2
    header, body = path.read_bytes().split(b"end_header\n")
    assert b"element vertex 2" in header
    values = np.frombuffer(body, "<f4").reshape(2, 4)
    np.testing.assert_array_equal(values, [[1, 2, 3, 10], [4, 5, 6, 30]])
    with pytest.raises(ValueError, match="points_m must be"):
        write_ply(path, points, np.zeros(2))
