"""Samples of MMVR's segments, its splits, and which way its extrinsics go."""

import json
from dataclasses import replace

import numpy as np
import pytest
from test_mmvr import write_frame

from panoradar_ros.cli import main
from rexo_ros.camera import MMVR_CAMERA
from rexo_ros.learning.extrinsics import directions
from rexo_ros.learning.mmvr import MmvrSet
from rexo_ros.learning.samples import Sample


def write_segment(folder, frames=6, **changes):
    for frame in range(frames):
        write_frame(folder, f"{frame:05d}", **changes)


def test_samples_do_not_go_over_the_end_of_a_segment(tmp_path):
    segments = [tmp_path / "P2" / "d1s1" / name for name in ("000", "001")]
    for folder in segments:
        write_segment(folder)
    samples = MmvrSet(segments)
    assert len(samples) == 6
    one = samples[0]
    assert one.power.shape == (2, 4, 256, 128)
    assert np.isnan(one.power[1]).any()
    assert one.boxes_m.shape == (2, 6)
    assert one.about == {"room": "P2/d1", "session": "d1s1/000", "people": 2}
    assert len(MmvrSet(segments, stride=3)) == 2
    assert samples.describe()["segments"] == ["P2/d1s1/000", "P2/d1s1/001"]
    write_segment(tmp_path / "short", 3)
    with pytest.raises(ValueError, match="no segment has 4 frames in a row"):
        MmvrSet([tmp_path / "short"])


def test_samples_do_not_go_over_frames_that_are_missing(tmp_path):
    for frame in (1, 2, 3, 4, 5, 50, 51, 52):
        write_frame(tmp_path, f"{frame:05d}")
    assert len(MmvrSet([tmp_path])) == 2
    write_frame(tmp_path, "first")
    with pytest.raises(ValueError, match="a frame's name is its number, got 'first'"):
        MmvrSet([tmp_path])


def test_a_split_is_its_segments(tmp_path):
    for name in ("000", "001"):
        write_segment(tmp_path / "P1" / "d1s1" / name, 4)
    parts = {"train": ["P1/d1s1/000"], "val": ["P1/d1s1/001"], "test": []}
    np.savez(tmp_path / "data_split.npz", data_split_dict=np.array({"P1S1": parts}, object))
    assert len(MmvrSet.of_split(tmp_path, "P1S1", "train")) == 1
    assert MmvrSet.of_split(tmp_path, "P1S1", "val").segments[0].name == "001"
    short = {"train": ["d1s1/000/"], "val": ["d1s1/009"]}
    np.savez(tmp_path / "data_split.npz", data_split_dict=np.array([{"P1S1": short}], object))
    assert len(MmvrSet.of_split(tmp_path, "P1S1", "train")) == 1
    with pytest.raises(ValueError, match=r"segment d1s1/009 of the split is neither .*P1/d1s1/009"):
        MmvrSet.of_split(tmp_path, "P1S1", "val")
    np.savez(tmp_path / "data_split.npz", data_split_dict=np.array({"P1S1": parts}, object))
    with pytest.raises(ValueError, match="has no split P2S2, but P1S1"):
        MmvrSet.of_split(tmp_path, "P2S2", "train")
    with pytest.raises(ValueError, match="has no part all"):
        MmvrSet.of_split(tmp_path, "P1S1", "all")


@pytest.mark.parametrize("inverse", [False, True])
def test_the_direction_that_the_truth_was_made_with_fits_better(inverse):
    rng = np.random.default_rng(2)
    boxes = np.column_stack([
        rng.uniform(-0.5, 1.5, 30), rng.uniform(-0.4, 0.2, 30), rng.uniform(2.5, 6, 30),
        rng.uniform(0.4, 0.7, 30), rng.uniform(1.5, 1.9, 30), rng.uniform(0.3, 0.5, 30),
    ])  # fmt: skip
    camera = replace(MMVR_CAMERA, inverse=inverse)
    image = np.clip(camera.around(boxes), 0, [640, 480, 640, 480])
    found = directions([Sample(np.zeros((2, 4, 1, 1), np.float32), boxes, image)], MMVR_CAMERA)
    assert found.people == 30
    assert found.better == ("inverse" if inverse else "forward")
    assert max(found.forward, found.inverse) == pytest.approx(1.0)
    assert min(found.forward, found.inverse) < 0.9


def test_neither_direction_is_better_where_none_fits():
    boxes = np.array([[0.0, 0.0, 4.0, 0.6, 1.7, 0.4]])
    image = np.array([[600.0, 0, 640, 30]])
    found = directions([Sample(np.zeros((2, 4, 1, 1), np.float32), boxes, image)], MMVR_CAMERA)
    assert found.better == "neither"


def test_directions_need_somebody():
    empty = Sample(np.zeros((2, 4, 1, 1), np.float32), np.zeros((0, 6)), np.zeros((0, 4)))
    with pytest.raises(ValueError, match="nobody is in these frames"):
        directions([empty], MMVR_CAMERA)


def test_panoradar_check_tells_what_is_on_disk(tmp_path, capsys):
    write_segment(tmp_path / "P2" / "d1s1" / "000")
    assert main(["check", "mmvr", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == 3
    assert told["known_share_by_view"][0] == 1.0
    assert told["known_share_by_view"][1] < 1.0
    assert told["people"] == 6
    assert told["floor_m"] == "-1.0 fits"
    assert set(told) >= {"forward_iou", "inverse_iou", "better"}
    write_segment(tmp_path / "empty" / "P1", people=0)
    assert main(["check", "mmvr", str(tmp_path / "empty"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["better"] == "nobody is there"
    assert main(["check", "mmvr", str(tmp_path / "nothing")]) == 1
    assert "there is no folder" in capsys.readouterr().err
    (tmp_path / "bare").mkdir()
    assert main(["check", "mmvr", str(tmp_path / "bare")]) == 1
    assert "holds no frame of MMVR" in capsys.readouterr().err


def test_a_network_is_trained_exported_and_judged_on_the_data_set(tmp_path, capsys):
    root = tmp_path / "mmvr"
    for name in ("000", "001", "002"):
        write_segment(root / "P2" / "d1s1" / name, 5)
    parts = {part: [f"P2/d1s1/00{number}"] for number, part in enumerate(("train", "val", "test"))}
    np.savez(root / "data_split.npz", data_split_dict=np.array({"P2S2": parts}, object))
    data = ["--data-set", "mmvr", "--split", "P2S2", "--data", str(root), "--floor", "-0.95"]
    run = str(tmp_path / "run")
    data += ["--extrinsics", "inverse"]
    words = ["train", "rexo", *data, "--output", run, "--size", "tiny", "--steps", "2"]
    assert main([*words, "--floor", "-1.2"]) == 1
    told = capsys.readouterr().err
    assert (
        "people end at -0.98 m, the floor is at -1.20 m: give --floor -0.98, or --no-floor" in told
    )
    assert main([*words, "--validation", str(root)]) == 1
    assert "--validation is not wanted with --split" in capsys.readouterr().err
    words += ["--normalisation", "frame", "--centre-weight", "0"]
    assert main([*words, "--batch", "2", "--json"]) == 0
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["data"]["extrinsics"] == "inverse"
    assert about["data"]["normalisation"] == {"mean": None, "deviation": None}
    assert about["settings"]["centre_weight"] == 0
    words = ["export", "rexo", *data, "--trained", run, "--frames", "2"]
    assert main([*words, "--output", str(tmp_path / "own.onnx")]) == 0
    models = ["--backbone-model", str(tmp_path / "own_backbone.onnx"),
              "--step-model", str(tmp_path / "own_step.onnx")]  # fmt: skip
    capsys.readouterr()
    assert main(["evaluate", "rexo", *data, *models, "--json", "--limit", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["simulated"] is False
    assert told["data"]["frames"] == 2
    assert main(["evaluate", "rexo", *data, *models, "--extrinsics", "forward"]) == 1
    told = capsys.readouterr().err
    assert "learned from samples read with --extrinsics inverse, these are with forward" in told
    assert main(["evaluate", "rexo", *models, "--limit", "2"]) == 1
    assert "of which no rooms are simulated: give frames with --data" in capsys.readouterr().err
