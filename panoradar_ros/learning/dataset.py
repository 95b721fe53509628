"""Frames as batches: one class for every source, and what makes many of few."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmwave.simulation.scene import IGNORED_CLASS
from panoradar_ros.learning.authors_processed import (
    FOLDERS,
    AuthorsFrames,
    trajectory_folders,
)
from panoradar_ros.learning.echo_faults import with_ghosts, with_lost_columns
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
        lost_columns: share of the frames with columns whose positions were lost, see
            :func:`panoradar_ros.learning.echo_faults.with_lost_columns`. Rays that received
            nothing do not count.
        clutter: share of the frames with ghosts, see
            :func:`panoradar_ros.learning.echo_faults.with_ghosts`.

    Raises:
        ValueError: a share is not from 0 to 1, or a deviation is negative.
    """

    roll: bool = True
    flip: bool = True
    gain_db: float = 0.7
    noise_db: float = 0.5
    lost_columns: float = 0.15
    clutter: float = 0.15

    def __post_init__(self) -> None:
        for name in ("gain_db", "noise_db"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        for name in ("lost_columns", "clutter"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {getattr(self, name)}")


RUN_GAP = 50
"""Seeds farther apart are of another run: held-out styles and full buildings leave gaps."""

NO_AUGMENTATION = Augmentation(
    roll=False, flip=False, gain_db=0.0, noise_db=0.0, lost_columns=0.0, clutter=0.0
)


def frame_folders(root: Path) -> list[Path]:
    """Folders with frames of any format under a data set's folder, sorted.

    Raises:
        ValueError: there is no such folder, or none in it.
    """
    if not root.is_dir():
        raise ValueError(f"{root} is no folder: give one of frames")
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

    def hold_out(self, styles: Sequence[str]) -> tuple["FrameSet", "FrameSet"]:
        """Frames of all other styles of buildings, and of these: to learn from and to judge by.

        Raises:
            ValueError: there is no building of a style, or none of another.
        """
        there = {str(building.meta.get("style")) for building in self.buildings}
        unknown = sorted(set(styles) - there)
        if unknown or not there - set(styles):
            raise ValueError(
                f"{', '.join(unknown or styles)} cannot be held out: the frames are of "
                f"{', '.join(sorted(there))}"
            )
        out = [self.where(one)[0].meta.get("style") in styles for one in range(len(self))]
        return (
            self.only([number for number, held in enumerate(out) if not held]),
            self.only([number for number, held in enumerate(out) if held]),
        )

    @property
    def places(self) -> set[tuple[str, str]]:
        """Style and seed of every building that frames are of, or its name."""
        metas = [self.buildings[one].meta for one in {building for building, _ in self._index}]
        return {
            (str(meta.get("style")), str(meta.get("seed", meta.get("building")))) for meta in metas
        }

    def spread(self, count: int) -> list[int]:
        """Numbers of so many frames at most, spread over all buildings."""
        count = min(count, len(self))
        return np.unique(np.linspace(0, len(self) - 1, count).round().astype(int)).tolist()

    def describe(self) -> dict[str, Any]:
        """Where the frames come from: buildings, styles, seeds, as JSON holds them."""
        used = sorted({building for building, _ in self._index})
        metas = [self.buildings[building].meta for building in used]
        seeds = sorted(meta["seed"] for meta in metas if "seed" in meta)
        buildings = {meta.get("building", number) for number, meta in enumerate(metas)}
        return {
            "buildings": len(buildings),
            "frames": len(self),
            "styles": sorted({str(meta.get("style")) for meta in metas}),
            "seed_ranges": runs(seeds),
            "simulated": all(bool(meta.get("simulated")) for meta in metas),
        }

    def where(self, number: int) -> tuple[Frames, int]:
        """The building that a frame is of, and its number there."""
        building, index = self._index[number]
        return self.buildings[building], index


def runs(numbers: Sequence[int]) -> list[list[int]]:
    """First and last of the runs of numbers that follow each other, no gap wider than RUN_GAP.

    Args:
        numbers: sorted.
    """
    result: list[list[int]] = []
    for one in numbers:
        if result and one - result[-1][1] <= RUN_GAP:
            result[-1][1] = one
        else:
            result.append([one, one])
    return result


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
    if wanted.clutter and generator.random() < wanted.clutter:
        arrays["echo"] = with_ghosts(arrays["echo"], generator)
    if wanted.lost_columns and generator.random() < wanted.lost_columns:
        arrays["echo"], lost = with_lost_columns(arrays["echo"], generator)
        for name, unknown in (("range", np.nan), ("classical", np.nan), ("label", IGNORED_CLASS)):
            arrays[name] = np.where(lost, arrays[name].dtype.type(unknown), arrays[name])
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
    label = torch.from_numpy(np.stack([frame.label for frame in frames])).to(device).long()
    counts = ~glass & ~range_m.isnan()
    unit = functional.normalize(normal.permute(0, 3, 1, 2).float(), dim=1)  # rounded to bytes
    return echo, RangeTarget(range_m, unit, counts, label)


class Batch(Sequence[Frame]):
    """The frames of one step, each read and augmented when it is asked for.

    A process that trains with a share of the batch makes no more than that.

    Args:
        frames: all there are.
        size: frames a batch.
        step: number of the step.
        seed: of the order and the augmentation.
        wanted: augmentation.
    """

    def __init__(
        self, frames: FrameSet, size: int, step: int, seed: int, wanted: Augmentation
    ) -> None:
        self._frames, self._size, self._step = frames, size, step
        self._seed, self._wanted = seed, wanted

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> Frame: ...

    @overload
    def __getitem__(self, place: slice) -> list[Frame]: ...

    def __getitem__(self, place: int | slice) -> Frame | list[Frame]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(self._size))]
        place = range(self._size)[place]
        epoch, number = divmod(self._step * self._size + place, len(self._frames))
        order = np.random.default_rng([self._seed, 0xE90C, epoch]).permutation(len(self._frames))
        generator = np.random.default_rng([self._seed, self._step, place])
        return augmented(self._frames[int(order[number])], self._wanted, generator)


def batches(
    frames: FrameSet,
    size: int,
    steps: range,
    seed: int,
    wanted: Augmentation | None = None,
) -> Iterator[Batch]:
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
        yield Batch(frames, size, step, seed, wanted)


def refuse_common_buildings(frames: FrameSet, others: FrameSet) -> None:
    """See to it that nothing is judged by buildings that were learned from.

    Raises:
        ValueError: a building is in both.
    """
    common = sorted(frames.places & others.places)
    if common:
        raise ValueError(
            f"{' '.join(common[0])} and {len(common) - 1} more buildings are learned from and in "
            "the validation too: give others"
        )
