"""Files of scenes: one a sequence of frames, and what radar and camera they are of.

What is in them is told in :mod:`mmanomaly_ros.learning.samples`, which reads them.
"""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmwave.camera import Camera
from mmwave.waveform import Waveform

SENSORS = "scenes.json"
"""Beside the sequences; without it they are of the usual radar and camera."""


def write_scene(path: Path, arrays: Mapping[str, NDArray], *, small: bool = True) -> None:
    """Write a sequence; a file that is not complete is never there.

    Args:
        path: of the ``.npz`` file.
        arrays: by name.
        small: compress it, which takes a second for a minute's frames.
    """
    buffer = io.BytesIO()
    save = np.savez_compressed if small else np.savez
    save(buffer, **arrays)  # type: ignore[arg-type]
    _replace(path, buffer.getvalue())


def write_sensors(folder: Path, camera: Camera, waveform: Waveform) -> None:
    """Write down what radar and camera the sequences of a folder are of.

    Raises:
        ValueError: it holds sequences of others.
    """
    told = json.loads(json.dumps({"camera": asdict(camera), "waveform": asdict(waveform)}))
    path = folder / SENSORS
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != told:
            raise ValueError(
                f"{folder} holds sequences of another camera, or one that was elsewhere, or of "
                "another radar: record into a new folder"
            )
        return
    _replace(path, (json.dumps(told, indent=1) + "\n").encode())


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
