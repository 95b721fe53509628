"""Frames on disk: what the radar saw of one building and what was there.

A folder a building, one array file a quantity, all of them (frame, ...):

    echo.npy       uint8 (row, column, range), see panoradar_ros.recognition.echo
    range.npy      float32 (row, column), metres from the turntable's axis; inf: none in reach,
                   NaN: not known, does not count
    classical.npy  float32 (row, column), strongest CFAR detection; inf or NaN: none
    normal.npy     int8 (row, column, 3), 127 times the unit normal in the ray's own frame; 0: none
    label.npy      uint8 (row, column), class, 255 where it does not count
    instance.npy   int32 (row, column), -1: none
    glass.npy      bool (row, column): what light sees there is not what the radar sees
    meta.json      of the building and of every frame

The ray's own frame is outward, to the left, upward: it turns with the ray, so that a rolled
panorama keeps its normals.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
"""Of the folders; another number is refused."""


@dataclass(frozen=True)
class Frame:
    """One panorama and its truth; arrays as the module's text says, without the frame axis.

    Raises:
        ValueError: shapes disagree.
    """

    echo: NDArray[np.uint8]
    range: NDArray[np.float32]
    classical: NDArray[np.float32]
    normal: NDArray[np.int8]
    label: NDArray[np.uint8]
    instance: NDArray[np.int32]
    glass: NDArray[np.bool_]

    def __post_init__(self) -> None:
        shape = self.echo.shape[:2]
        for name in ("range", "classical", "label", "instance", "glass"):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name} must be {shape} as the echoes are, got {found}")
        if self.normal.shape != (*shape, 3):
            raise ValueError(f"normal must be {(*shape, 3)}, got {self.normal.shape}")


NAMES = tuple(one.name for one in fields(Frame))


def write_building(folder: Path, frames: Sequence[Frame], meta: Mapping[str, Any]) -> None:
    """Write the frames of a building; the folder appears when it is complete.

    Args:
        folder: must not be there yet.
        frames: at least one.
        meta: JSON-able; what the frames are of and how they were made.

    Raises:
        ValueError: no frames.
        FileExistsError: the folder is there.
        OSError: it cannot be written; nothing is left of it then.
    """
    if not frames:
        raise ValueError(f"no frames for {folder}")
    if folder.exists():
        raise FileExistsError(f"{folder} is there already: choose another or delete it")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for name in NAMES:
            np.save(partial / f"{name}.npy", np.stack([getattr(one, name) for one in frames]))
        text = json.dumps({"format": FORMAT, "frames": len(frames), **meta}, indent=1)
        (partial / "meta.json").write_text(text + "\n", encoding="utf-8")
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


class Frames(Protocol):
    """Frames of one building, by number.

    Attributes:
        folder: that they are read from.
        meta: what is known of them: ``simulated``, ``style``, and ``seed`` or ``building``.
    """

    folder: Path
    meta: dict[str, Any]

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Frame: ...


class BuildingFrames:
    """The frames of one building, read when they are asked for.

    Args:
        folder: that :func:`write_building` wrote.

    Attributes:
        meta: what is known of the building and of every frame.

    Raises:
        ValueError: a file is missing or is not what it should be; the message names it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.meta: dict[str, Any] = json.loads((folder / "meta.json").read_text("utf-8"))
            self._arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in NAMES}
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{folder} does not hold the frames of a building ({error}): delete it and "
                "simulate the data set again, it goes on with what is missing"
            ) from error
        if self.meta.get("format") != FORMAT:
            raise ValueError(
                f"{folder} has format {self.meta.get('format')}, this version reads {FORMAT}: "
                "simulate the data set anew"
            )
        counts = {name: len(array) for name, array in self._arrays.items()}
        if set(counts.values()) != {self.meta["frames"]}:
            raise ValueError(f"{folder}: {self.meta['frames']} frames are announced, got {counts}")

    def __len__(self) -> int:
        return int(self.meta["frames"])

    def __getitem__(self, index: int) -> Frame:
        return Frame(**{name: np.asarray(array[index]) for name, array in self._arrays.items()})

    def array(self, name: str) -> NDArray[Any]:
        """One quantity of all frames, (frame, ...), as a memory map."""
        return self._arrays[name]


def building_folders(root: Path) -> list[Path]:
    """Folders of buildings under a data set's folder, sorted; a damaged one is among them."""
    files = [*root.glob("*/meta.json"), *root.glob("*/echo.npy")]
    return sorted({path.parent for path in files if path.parent.suffix == ""})
