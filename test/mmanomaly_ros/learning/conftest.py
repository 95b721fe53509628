"""Tiny networks and scenes made by hand, and how they decide."""

import numpy as np
import pytest
import tiny_graphs
from anomaly_commands import FRAMES, WATCHES, anomalous
from fake_scenes import scene, write_scene

from mmanomaly_ros.decision import WINDOWS
from panoradar_ros.cli import main


@pytest.fixture(scope="module")
def short_windows():
    """So that a sequence of six frames is judged: all else takes as long as there are frames."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(WINDOWS, "intruder", 4)
        yield


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for path in tiny_graphs.written(folder).values():
        for one in (path, path.with_suffix(".json")):
            one.rename(folder / f"mmanomaly_{one.name}")
    nodes = [
        ("ReduceMean", ["spectra", "axes"], ["level"], {"keepdims": 1}),
        ("Expand", ["level", "shape"], ["restored"]),
    ]
    tiny_graphs._save(
        folder / "mmanomaly_baseline.onnx", "baseline", nodes, {"spectra": (1, 3, 128, 64)},
        {"restored": (1, 3, 128, 64)},
        {"axes": np.int64([3]), "shape": np.int64([1, 3, 128, 64])}, {},
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def normal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("normal")
    for number in range(3):
        for task in range(len(WATCHES)):
            write_scene(folder, scene(task, 900 + number, FRAMES))
    return folder


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    for task in range(len(WATCHES)):
        for number in range(2):
            one = scene(task, 50 + number, FRAMES)
            write_scene(folder, one)
            write_scene(folder, anomalous(one))
    return folder


@pytest.fixture(scope="module")
def decided(models, normal, short_windows):
    words = ["decide", "mmanomaly", "--data", normal, "--models", models, "--watches", *WATCHES]
    assert main([str(one) for one in [*words, "--pasted-frames", 6, "--threads", 1, "--json"]]) == 0
    return models
