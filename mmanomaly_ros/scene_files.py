"""Files of scenes: one a sequence of frames, and what radar and camera they are of.

What is in them is told in :mod:`mmanomaly_ros.learning.samples`, which reads them.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.camera import Camera
from mmwave.waveform import Waveform
from mmwave.whole_file import whole_file

SENSORS = "scenes.json"
"""Beside the sequences; without it they are of the usual radar and camera."""


def write_scene(path: Path, arrays: Mapping[str, NDArray], *, compressed: bool = True) -> None:
    """Write a sequence; a file that is not complete is never there.

    Args:
        path: of the ``.npz`` file.
        arrays: by name.
        compressed: which takes a second for a minute's frames.
    """
    save = np.savez_compressed if compressed else np.savez
    with whole_file(path) as partial, partial.open("wb") as file:
        save(file, **arrays)  # type: ignore[arg-type]


def write_sensors(folder: Path, camera: Camera, waveform: Waveform) -> None:
    """Write down what radar and camera the sequences of a folder are of.

    Raises:
        ValueError: it holds sequences of others, or its file of sensors is damaged.
    """
    told = json.loads(json.dumps({"camera": asdict(camera), "waveform": asdict(waveform)}))
    path = folder / SENSORS
    if not path.exists() and not any(folder.glob("*.npz")):
        with whole_file(path) as partial:
            partial.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        return
    try:
        fits = path.exists() and alike(json.loads(path.read_text(encoding="utf-8")), told)
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): record into a new folder") from error
    if not fits:
        raise ValueError(
            f"{folder} holds sequences of another camera, or one that was elsewhere, or of "
            "another radar: record into a new folder"
        )


def alike(one: Any, other: Any) -> bool:
    """The same but for the last digits of numbers, which transforms between frames jitter in.

    Args:
        one: as JSON holds it, or as ``asdict`` makes it of a camera.
        other: likewise.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-4)
    return bool(one == other)
