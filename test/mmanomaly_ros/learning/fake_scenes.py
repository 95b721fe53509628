"""Scenes made by hand, not simulated: smooth fields, and a bright spot where somebody stands."""

import json

import cv2
import numpy as np

from mmanomaly_ros.learning.samples import SceneSequence, SceneSet
from mmanomaly_ros.spectrum import WATCH_WAVEFORM, quantised
from mmanomaly_ros.watch import cell_of
from mmwave.camera import RGBD_CAMERA

WALL_M = 1.8
PERSON_M = (0.3, 1.4)


def smooth(rng, shape, low, high):
    values = rng.random((6, 8)).astype(np.float32)
    return low + (high - low) * cv2.resize(values, shape[::-1], interpolation=cv2.INTER_CUBIC)


def spectrum_db(rng, person_m=PERSON_M):
    """A wall's echo, a person's, and noise."""
    row, column = cell_of(person_m, WATCH_WAVEFORM.range_bin_m)
    rows, columns = np.arange(128)[:, None], np.arange(64)
    person = np.exp(-((rows - row) ** 2) / 8 - (columns - column) ** 2 / 60)
    speeds = np.exp(-((rows - row) ** 2) / 8 - (columns - 34) ** 2 / 6)
    wall = np.exp(-((rows - WALL_M / WATCH_WAVEFORM.range_bin_m) ** 2) / 8)
    noise = rng.exponential(1, (3, 128, 64))
    power = noise + np.stack([1e4 * person + 1e4 * wall, 8e3 * person, 1e4 * speeds])
    return 10 * np.log10(power)


def scene(task=0, seed=0, frames=2, person_m=PERSON_M):
    rng = np.random.default_rng([task, seed])
    rgb = np.stack([smooth(rng, (96, 128), 20, 230) for _ in range(3)], axis=-1)
    depth_m = np.full((96, 128), WALL_M - 0.1 if task else 3.0)
    columns = RGBD_CAMERA.project(np.array([person_m[0], 0.0, person_m[1]]))[0]
    left = int(columns) - 8
    depth_m[20:, left : left + 16] = person_m[1]
    depth_m[:4, :9] = 0
    return SceneSequence(
        name=f"{('weapon', 'intruder', 'fall')[task]}_{seed:06d}.npz",
        spectra=np.stack([quantised(spectrum_db(rng, person_m)) for _ in range(frames)]),
        rgb=np.stack([rgb.clip(0, 255).astype(np.uint8)] * frames),
        depth_mm=np.stack([(1000 * depth_m).astype(np.uint16)] * frames),
        time_s=np.arange(frames) * 0.1,
        anomalous=np.zeros(frames, bool),
        position_m=np.full((frames, 2), np.nan, np.float32),
        pose=np.ones(frames, np.int8),
        task=task,
        clothing=1 + seed % 3,
        wall=1 + seed % 2 if task else -1,
        seed=seed,
        meta={"simulated": True, "wall_m": WALL_M if task else None},
    )


def scenes(count=2, seed=0, frames=2):
    """So many sequences of each watch."""
    every = [scene(task, seed + number, frames) for number in range(count) for task in range(3)]
    return SceneSet(every, RGBD_CAMERA, WATCH_WAVEFORM)


def write_scene(folder, one, **other):
    names = (
        "spectra", "rgb", "depth_mm", "time_s", "anomalous", "position_m", "pose", "task",
        "clothing", "wall", "seed",
    )  # fmt: skip
    arrays = {name: np.asarray(getattr(one, name)) for name in names} | other
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / one.name, meta=np.array(json.dumps(one.meta)), **arrays)


def write_scenes(folder, count=2, seed=0, frames=2):
    for one in scenes(count, seed, frames).sequences:
        write_scene(folder, one)
    return folder
