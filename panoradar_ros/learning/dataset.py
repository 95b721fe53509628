"""Frames as batches: one class for every source, and what makes many of few."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from panoradar_ros.learning.authors_processed import (
    FOLDERS,
    AuthorsFrames,
    trajectory_folders,
)
from panoradar_ros.learning.frames import BuildingFrames, Frame, Frames, building_folders
from panoradar_ros.learning.losses import RangeTarget
from panoradar_ros.recognition.echo import STEP_DB


@dataclass(frozen=True)
class Augmentation:
    """What is changed from time to time a frame is seen.

    Attributes:
        roll: azimuth begins anywhere.
        flip: left and right change places.
        gain_db: standard deviation of a gain of the whole frame.
        noise_db: standard deviation of an error of every cell.
    """

    roll: bool = True
    flip: bool = True
    gain_db: float = 0.7
    noise_db: float = 0.5


NO_AUGMENTATION = Augmentation(roll=False, flip=False, gain_db=0.0, noise_db=0.0)


def frame_folders(root: Path) -> list[Path]:
    """Folders with frames of any format under a data set's folder, sorted.

    Raises:
        ValueError: there is none.
    """
    found = sorted({*building_folders(root), *trajectory_folders(root)})
    if not found:
        raise ValueError(
            f"no frames in {root}: make some with `panoradar simulate dataset {root}`, or give the "
            "folder of PanoRadar's processed data"
        )
    return found


def open_frames(folder: Path) -> Frames:
    """The frames in a folder, whatever their format.

    Args:
        folder: of a building, see :mod:`panoradar_ros.learning.frames`, or of a trajectory, see
            :mod:`panoradar_ros.learning.authors_processed`.

    Raises:
        ValueError: it is not what it should be.
    """
    if any((folder / name).is_dir() for name in FOLDERS):
        return AuthorsFrames(folder)
    return BuildingFrames(folder)


class FrameSet:
    """Frames of many buildings, by one number.

    Args:
        folders: see :func:`open_frames`.

    Raises:
        ValueError: a folder is not what it should be.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.buildings = [open_frames(folder) for folder in folders]
        self._index = [
            (building, number)
            for building, frames in enumerate(self.buildings)
            for number in range(len(frames))
        ]

    @classmethod
    def under(cls, root: Path) -> "FrameSet":
        """All buildings of a data set's folder.

        Raises:
            ValueError: there is none, or one is not what it should be.
        """
        return cls(frame_folders(root))

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, number: int) -> Frame:
        building, index = self._index[number]
        return self.buildings[building][index]

    def only(self, numbers: Sequence[int]) -> "FrameSet":
        """Some of the frames, by their numbers."""
        other = FrameSet([])
        other.buildings, other._index = self.buildings, [self._index[one] for one in numbers]
        return other

    def spread(self, count: int) -> list[int]:
        """Numbers of so many frames at most, spread over all buildings."""
        count = min(count, len(self))
        return np.unique(np.linspace(0, len(self) - 1, count).round().astype(int)).tolist()

    def describe(self) -> dict[str, Any]:
        """Where the frames come from: buildings, styles, seeds, as JSON holds them."""
        metas = [building.meta for building in self.buildings]
        seeds = sorted(meta["seed"] for meta in metas if "seed" in meta)
        buildings = {meta.get("building", number) for number, meta in enumerate(metas)}
        return {
            "buildings": len(buildings),
            "frames": len(self),
            "styles": sorted({str(meta.get("style")) for meta in metas}),
            "seeds": [seeds[0], seeds[-1]] if seeds else [],
            "simulated": all(bool(meta.get("simulated")) for meta in metas),
        }

    def where(self, number: int) -> tuple[Frames, int]:
        """The building that a frame is of, and its number there."""
        building, index = self._index[number]
        return self.buildings[building], index


def augmented(frame: Frame, wanted: Augmentation, generator: np.random.Generator) -> Frame:
    """A frame as it might have been.

    Args:
        frame: is not changed.
        wanted: what may change.
        generator: decides.
    """
    arrays = {name: getattr(frame, name) for name in Frame.__dataclass_fields__}
    if wanted.roll:
        shift = int(generator.integers(frame.echo.shape[1]))
        arrays = {name: np.roll(array, shift, axis=1) for name, array in arrays.items()}
    if wanted.flip and generator.random() < 0.5:
        arrays = {name: array[:, ::-1] for name, array in arrays.items()}
        arrays["normal"] = arrays["normal"] * np.array([1, -1, 1], np.int8)
    if wanted.gain_db or wanted.noise_db:
        gain = wanted.gain_db / STEP_DB * generator.standard_normal()
        arrays["echo"] = _noisy(arrays["echo"], gain, wanted.noise_db / STEP_DB, generator)
    return Frame(**{name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _noisy(
    echo: np.ndarray, shift: float, spread: float, generator: np.random.Generator
) -> np.ndarray:
    """Echoes with an error of every cell, drawn from a table: noise for 8 million cells is slow."""
    table = np.rint(shift + spread * generator.standard_normal(1 << 16)).astype(np.int16)
    start = int(generator.integers(len(table)))
    noise = np.resize(np.roll(table, start), echo.shape[-1] * 509)  # 509 is prime: rows differ
    rays = echo.reshape(-1, echo.shape[-1])
    noise = np.resize(noise.reshape(509, -1), rays.shape)
    return np.clip(rays + noise, 0, 255).astype(np.uint8).reshape(echo.shape)


def range_batch(frames: Sequence[Frame], device: str = "cpu") -> tuple[Tensor, RangeTarget]:
    """Frames as the range network takes them.

    Args:
        frames: of the same shape.
        device: of the tensors.

    Returns:
        Echoes (N, row, column, range) uint8 and the truth.
    """
    echo = torch.from_numpy(np.stack([frame.echo for frame in frames])).to(device)
    range_m = torch.from_numpy(np.stack([frame.range for frame in frames])).to(device)
    normal = torch.from_numpy(np.stack([frame.normal for frame in frames])).to(device)
    glass = torch.from_numpy(np.stack([frame.glass for frame in frames])).to(device)
    counts = ~glass & ~range_m.isnan()
    unit = functional.normalize(normal.permute(0, 3, 1, 2).float(), dim=1)  # rounded to bytes
    return echo, RangeTarget(range_m, unit, counts)


def batches(
    frames: FrameSet,
    size: int,
    steps: range,
    seed: int,
    wanted: Augmentation | None = None,
) -> Iterator[list[Frame]]:
    """Batches of a training run; those of a step are the same wherever the run was begun.

    Args:
        frames: all there are.
        size: frames a batch.
        steps: numbers of the steps wanted.
        seed: of the order and the augmentation.
        wanted: augmentation; the usual one by default.
    """
    wanted = wanted if wanted is not None else Augmentation()
    for step in steps:
        generator = np.random.default_rng([seed, step])
        chosen = []
        for place in range(step * size, (step + 1) * size):
            epoch, number = divmod(place, len(frames))
            order = np.random.default_rng([seed, 0xE90C, epoch]).permutation(len(frames))
            chosen.append(augmented(frames[int(order[number])], wanted, generator))
        yield chosen
