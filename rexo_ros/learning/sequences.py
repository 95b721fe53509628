"""Sequences on disk: what both radars saw of a room for a few seconds, and who was there.

One ``.npz`` file a sequence, all arrays (frame, ...):

    power.npy         uint8 (view, row, column), see :func:`encode_power`
    boxes_m.npy       float32 (person, 6), centre and size in the radars' axes
    image_boxes_px    float32 (person, 4), left, top, right, bottom in the camera's image
    key_points_m.npy  float32 (person, 17, 3), COCO's order, the radars' axes
    seen.npy          bool (person,), inside of the heatmaps and the image: is to be found
    about             JSON: where it comes from, space, camera

Everybody of a sequence is in all of its frames; who is not seen does not count.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.whole_file import whole_file
from rexo_ros.learning.array_files import DAMAGED

FORMAT = 1
"""Of the files; another number is refused."""

STEPS_PER_DB = 2
LEAST_DB = -20.0
"""Of the powers: half decibels from here on, 127 of them; 0 is where the radar does not look."""

_ARRAYS = ("power", "boxes_m", "image_boxes_px", "key_points_m", "seen")


@dataclass(frozen=True)
class RoomSequence:
    """What was seen and who was there, see the module's text.

    Raises:
        ValueError: shapes disagree.
    """

    power: NDArray[np.uint8]
    boxes_m: NDArray[np.float32]
    image_boxes_px: NDArray[np.float32]
    key_points_m: NDArray[np.float32]
    seen: NDArray[np.bool_]
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.power.ndim != 4:
            raise ValueError(f"power must be (frame, view, row, column), got {self.power.shape}")
        if self.seen.ndim != 2:
            raise ValueError(f"seen must be (frame, person), got {self.seen.shape}")
        frames, people = len(self.power), self.seen.shape[1]
        wanted = {
            "boxes_m": (6,), "image_boxes_px": (4,), "key_points_m": (17, 3), "seen": (),
        }  # fmt: skip
        for name, rest in wanted.items():
            found = getattr(self, name).shape
            if found != (frames, people, *rest):
                raise ValueError(f"{name} must be {(frames, people, *rest)}, got {found}")

    def __len__(self) -> int:
        return len(self.power)


def encode_power(power: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Linear powers as half decibels over LEAST_DB; 0 where there is none or it is not finite."""
    there = np.isfinite(power) & (power > 0)
    decibel = 10 * np.log10(np.where(there, power, 1.0))
    code = np.clip(np.rint((decibel - LEAST_DB) * STEPS_PER_DB), 1, 255)
    return np.where(there, code, 0).astype(np.uint8)


def decode_power(code: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Linear powers, to a quarter decibel; NaN where there is none."""
    decibel = code.astype(np.float32) / STEPS_PER_DB + LEAST_DB
    return np.where(code > 0, 10 ** (decibel / 10), np.nan).astype(np.float32)


def write_sequence(path: Path, sequence: RoomSequence) -> None:
    """Write a file; it appears complete or not at all.

    Raises:
        OSError: it cannot be written.
    """
    about = {"format": FORMAT, **sequence.about}
    arrays = {name: getattr(sequence, name) for name in _ARRAYS}
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)


def read_sequence(path: Path) -> RoomSequence:
    """Read a file.

    Raises:
        ValueError: it is missing or damaged, or of another format.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            if about.get("format") != FORMAT:
                raise ValueError(f"its format is {about.get('format')}, not {FORMAT}")
            return RoomSequence(**{name: file[name] for name in _ARRAYS}, about=about)
    except DAMAGED as error:
        raise ValueError(f"{path} is no usable sequence ({error}): simulate it again") from error
