"""HIBER's files, written here in its layout."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from panoradar_ros.cli import main
from rexo_ros.camera import Camera
from rexo_ros.learning.hiber import (
    HiberSequence,
    HiberSet,
    pose_boxes,
    read_heatmaps,
    read_labels,
    sequences,
)
from rexo_ros.space import HIBER, low_and_high

FRAMES, PEOPLE = 5, 2


def write(root, group="WALK", name="01_02", older=False, beside=False, **changes):
    rng = np.random.default_rng(4)
    heatmaps = rng.exponential(1e3, (2, FRAMES, 2, 160, 200))
    for number, view in enumerate(("HORIZONTAL", "VERTICAL")):
        folder = root / group / f"{view}_HEATMAPS" / name
        folder.mkdir(parents=True)
        for frame in range(FRAMES):
            array = heatmaps[number, frame]
            np.save(folder / f"{frame:04d}.npy", np.moveaxis(array, 0, -1) if older else array)
    labels = {
        "BOUNDINGBOX/HORIZONTAL": np.tile([100.0, 40, 112, 52], (FRAMES, PEOPLE, 1)),
        "BOUNDINGBOX/VERTICAL": np.tile([80.0, 40, 116, 52], (FRAMES, PEOPLE, 1)),
        "2DPOSE": rng.uniform(200, 900, (FRAMES, PEOPLE, 14, 2)),
        "3DPOSE": rng.uniform(-2, 2, (FRAMES, PEOPLE, 14, 3)),
    }
    for kind, array in {**labels, **changes}.items():
        inside = kind.endswith("POSE") or not beside
        path = root / group / ("ANNOTATIONS" if inside else "") / kind / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
    return heatmaps, labels


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("beside", [False, True])
def test_both_layouts_are_read(tmp_path, older, beside):
    heatmaps, labels = write(tmp_path, older=older, beside=beside)
    (one,) = sequences(tmp_path)
    assert one == HiberSequence(tmp_path, "WALK", "01_02")
    np.testing.assert_allclose(read_heatmaps(one, 3), heatmaps[:, 3], rtol=1e-6)
    found = read_labels(one)
    np.testing.assert_array_equal(found.pose_px, labels["2DPOSE"])
    # cells of 5 cm; 200 columns from -5 m on, rows from 8 m to 0
    corners = low_and_high(found.boxes_m[0, 0])
    np.testing.assert_allclose(corners[[0, 3]], [0.0, 0.6], atol=1e-9)
    np.testing.assert_allclose(corners[[1, 4]], [-1.0, 0.8], atol=1e-9)
    np.testing.assert_allclose(corners[[2, 5]], [8 - 52 * 0.05, 8 - 40 * 0.05], atol=1e-9)


def test_a_sample_is_four_radar_frames_of_two_label_frames(tmp_path):
    heatmaps, labels = write(tmp_path)
    samples = HiberSet(sequences(tmp_path), Camera(size_px=(1640, 1248)))
    assert len(samples) == FRAMES - 1
    sample = samples[1]
    expected = heatmaps[:, 1:3].reshape(2, 4, 160, 200)
    np.testing.assert_allclose(sample.power, expected, rtol=1e-6)
    assert sample.boxes_m.shape == (PEOPLE, 6)
    pose = labels["2DPOSE"][2]
    assert (sample.image_px[:, 0] < pose[..., 0].min(axis=1)).all()
    assert (sample.image_px[:, 3] > pose[..., 1].max(axis=1)).all()
    assert samples.space is HIBER


def test_who_is_not_there_does_not_count(tmp_path):
    boxes = np.tile([100.0, 40, 112, 52], (FRAMES, PEOPLE, 1))
    boxes[2, 1] = np.nan
    write(tmp_path, **{"BOUNDINGBOX/HORIZONTAL": boxes})
    samples = HiberSet(sequences(tmp_path))
    assert len(samples[1].boxes_m) == 1
    assert len(HiberSet(samples.chosen, stride=3)) == 2


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no sequence of HIBER"):
        sequences(tmp_path)
    with pytest.raises(ValueError, match="group must be one of ACTION"):
        HiberSequence(tmp_path, "RUN", "01_02")
    write(tmp_path, **{"2DPOSE": np.zeros((FRAMES, PEOPLE, 17, 2))})
    (one,) = sequences(tmp_path)
    with pytest.raises(ValueError, match=r"2DPOSE.*must be \(5, 2, 14, 2\), got \(5, 2, 17, 2\)"):
        read_labels(one)
    path = one.heatmap_path("VERTICAL", 1)
    np.save(path, np.zeros((256, 128)))
    with pytest.raises(ValueError, match=r"0001\.npy must be .* is it of another data set"):
        read_heatmaps(one, 1)
    np.save(path, np.full((2, 160, 200), -40.0))
    with pytest.raises(ValueError, match=r"100% of its powers are negative; are they decibels"):
        read_heatmaps(one, 1)
    np.save(path, np.full((2, 160, 200), 1j))
    with pytest.raises(ValueError, match=r"0001\.npy must hold real numbers, got complex128"):
        read_heatmaps(one, 1)
    path.unlink()
    with pytest.raises(ValueError, match=r"0001\.npy cannot be read"):
        read_heatmaps(one, 1)
    write(tmp_path / "other")
    (other,) = sequences(tmp_path / "other")
    other.heatmap_path("HORIZONTAL", 4).unlink()
    with pytest.raises(ValueError, match=r"0004\.npy is missing"):
        HiberSet([other])


def test_boxes_about_joints_do_not_count_what_is_not_known():
    pose = np.array([[[10.0, 20], [30, 60], [np.nan, np.nan]]])
    np.testing.assert_allclose(pose_boxes(pose), [[8, 16, 32, 64]])


def test_a_network_is_trained_exported_and_judged_on_the_data_set(tmp_path, capsys):
    for part in ("train", "val", "test"):
        write(tmp_path / part)
    data, run = ["--data-set", "hiber", "--data"], str(tmp_path / "run")
    words = ["train", "rexo", *data, str(tmp_path / "train"), "--output", run, "--size", "tiny"]
    words += ["--validation", str(tmp_path / "val"), "--steps", "2", "--batch", "2", "--json"]
    assert main(words) == 0
    words = ["export", "rexo", *data, str(tmp_path / "val"), "--trained", run, "--frames", "2"]
    assert main([*words, "--output", str(tmp_path / "own.onnx")]) == 0
    models = ["--backbone-model", str(tmp_path / "own_backbone.onnx"),
              "--step-model", str(tmp_path / "own_step.onnx")]  # fmt: skip
    capsys.readouterr()
    words = ["evaluate", "rexo", *data, str(tmp_path / "test"), *models, "--limit", "2"]
    assert main([*words, "--json", "--report", str(tmp_path / "report.html")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["data"]["frames"] == 2
    assert told["data"]["ap"] is None  # its camera is not known
    assert told["data"]["ap_3d"] is not None
    camera = tmp_path / "camera.json"
    seen = Camera((900.0, 900.0), (820.0, 624.0), (1640, 1248))
    camera.write_text(json.dumps(asdict(seen)))
    assert main([*words, "--json", "--camera", str(camera)]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["ap"] is not None
    checked = ["check", "hiber", str(tmp_path / "test"), "--json"]
    assert main([*checked, "--camera", str(camera)]) == 0
    assert set(json.loads(capsys.readouterr().out)) >= {"forward_iou", "inverse_iou", "better"}
    camera.write_text('{"focal_px": [1, 2]}')
    assert main([*checked, "--camera", str(camera)]) == 1
    assert "camera.json lacks 'centre_px': focal_px, centre_px" in capsys.readouterr().err
    camera.write_text("[1]")
    assert main([*checked, "--camera", str(camera)]) == 1
    assert "tells of no camera: it is no object with focal_px" in capsys.readouterr().err
    depths = told["by_depth_difference"]["data"]
    assert sum(row["frames"] for row in depths) == 2  # two people in each
