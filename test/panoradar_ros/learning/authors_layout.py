"""Writes PanoRadar's processed data, for the tests of its reader."""

import json

import numpy as np

FOLDERS = ("rf_npy", "lidar_npy", "seg_npy", "glass_npy", "obj_json")


def scene(seed=0):
    """Arrays and objects of one frame: a cylindrical room of 4 m with a strong echo at its wall."""
    rng = np.random.default_rng(seed)
    elevation_rad = np.linspace(np.pi / 4, -np.pi / 4, 64)
    range_m = np.broadcast_to(4.0 / np.cos(elevation_rad)[:, None], (64, 512)).copy()
    amplitude = rng.exponential(0.01, (256, 64, 512)).astype(np.float32)
    bins = np.rint((range_m - 0.08 * np.cos(elevation_rad)[:, None]) / 0.03747).astype(int)
    rows, columns = np.indices(bins.shape)
    amplitude[bins, rows, columns] = 10.0
    return {
        "amplitude": amplitude,
        "range_m": range_m,
        "label": rng.integers(0, 11, (64, 512), dtype=np.uint8),
        "glass": rng.random((64, 512)) < 0.1,
        "objects": [],
    }


def write_trajectory(folder, scenes):
    """The five folders of a trajectory; ranges that are NaN become negative."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    for number, one in enumerate(scenes):
        lidar = np.where(np.isnan(one["range_m"]), -0.1, one["range_m"] / 10).astype(np.float32)
        arrays = {
            "rf_npy": (np.log10(one["amplitude"] + 0.001) / 3).astype(np.float32),
            "lidar_npy": lidar[None],
            "seg_npy": one["label"][None],
            "glass_npy": one["glass"][None],
        }
        for name, array in arrays.items():
            np.save(folder / name / f"{number:05d}.npy", array)
        text = json.dumps(one["objects"])
        (folder / "obj_json" / f"{number:05d}.json").write_text(text, encoding="utf-8")
    return folder


def rectangle(label, left, top, right, bottom):
    """An object whose points are the corners of a box and one inside."""
    points = [[left, top], [right, top], [right, bottom], [left, bottom], [left + 1, top + 1]]
    return {"label": label, "points": points}
