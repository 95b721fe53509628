"""The HIBER data set (Wu et al. 2023, RFMask) as it lies on disk.

``SPLIT/GROUP/{HORIZONTAL,VERTICAL}_HEATMAPS/EE_GG/FFFF.npy`` holds two radar frames, 50 ms apart,
of every frame of the labels: (2, 160, 200), in older files (160, 200, 2). Labels are one file a
sequence: ``ANNOTATIONS/BOUNDINGBOX/{HORIZONTAL,VERTICAL}/EE_GG.npy`` (frame, person, 4) left, top,
right, bottom in cells of 5 cm, and ``ANNOTATIONS/{2DPOSE,3DPOSE}/EE_GG.npy`` (frame, person, 14, 2
or 3). Nothing of it was at hand: this is its description, tested on files written so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rexo_ros.camera import Camera
from rexo_ros.learning.array_files import load_array
from rexo_ros.learning.samples import Sample
from rexo_ros.space import HIBER, Space

GROUPS = ("ACTION", "DARK", "MULTI", "OCCLUSION", "WALK")
VIEWS = ("HORIZONTAL", "VERTICAL")
RADAR_FRAMES = 2
"""Radar frames of a frame of the labels."""

JOINTS = 14

MOST_NEGATIVE = 0.01
"""Share of a heatmap's powers that may be negative, as an interpolation can leave them."""


@dataclass(frozen=True)
class HiberSequence:
    """One recording.

    Attributes:
        root: of the split, such as ``HIBER/train``.
        group: from GROUPS.
        name: ``EE_GG``, environment and group of people.

    Raises:
        ValueError: there is no such group.
    """

    root: Path
    group: str
    name: str

    def __post_init__(self) -> None:
        if self.group not in GROUPS:
            raise ValueError(f"group must be one of {', '.join(GROUPS)}, got {self.group!r}")

    def heatmap_path(self, view: str, frame: int) -> Path:
        """File of a view's heatmaps."""
        folder = self.root / self.group / f"{view}_HEATMAPS" / self.name
        return folder / f"{frame:04d}.npy"

    def label_path(self, *kind: str) -> Path:
        """File of the labels of a kind, in the folder of annotations or beside it."""
        inside = self.root.joinpath(self.group, "ANNOTATIONS", *kind, f"{self.name}.npy")
        beside = self.root.joinpath(self.group, *kind, f"{self.name}.npy")
        return beside if beside.exists() and not inside.exists() else inside


def sequences(root: Path, groups: Sequence[str] = GROUPS) -> list[HiberSequence]:
    """All sequences of a split.

    Raises:
        ValueError: there is none.
    """
    found = [
        HiberSequence(root, group, path.name)
        for group in groups
        for path in sorted((root / group / "HORIZONTAL_HEATMAPS").glob("*_*"))
        if path.is_dir()
    ]
    if not found:
        raise ValueError(
            f"{root} holds no sequence of HIBER (GROUP/HORIZONTAL_HEATMAPS/EE_GG): give the folder "
            "of one split"
        )
    return found


def read_heatmaps(sequence: HiberSequence, frame: int) -> NDArray[np.float32]:
    """(view, 2, row, column) power of both radar frames of a frame of the labels.

    Raises:
        ValueError: a file is missing, cannot be read, or has another shape.
    """
    views = []
    shape = (RADAR_FRAMES, HIBER.rows, HIBER.columns)
    for view in VIEWS:
        path = sequence.heatmap_path(view, frame)
        array = _numbers(path)
        if array.shape == (*shape[1:], RADAR_FRAMES):  # of older files
            array = np.moveaxis(array, -1, 0)
        if array.shape != shape:
            raise ValueError(
                f"{path} must be {shape} or {(*shape[1:], RADAR_FRAMES)}, got {array.shape}; is it "
                "of another data set?"
            )
        if (array < 0).mean() > MOST_NEGATIVE:
            raise ValueError(
                f"{path}: {(array < 0).mean():.0%} of its powers are negative; are they decibels? "
                "Linear ones are wanted"
            )
        views.append(np.maximum(array, 0).astype(np.float32))
    return np.stack(views)


@dataclass(frozen=True)
class HiberLabels:
    """Labels of a sequence.

    Attributes:
        boxes_m: (frame, person, 6) centre and size, from the boxes on both heatmaps; NaN where
            somebody is not there.
        pose_px: (frame, person, 14, 2) joints in the camera's image.
        pose_m: (frame, person, 14, 3) joints in space.
    """

    boxes_m: NDArray[np.float64]
    pose_px: NDArray[np.float64]
    pose_m: NDArray[np.float64]


def read_labels(sequence: HiberSequence) -> HiberLabels:
    """Labels of a sequence.

    Raises:
        ValueError: a file is missing, cannot be read, or does not fit the others.
    """
    paths = [sequence.label_path("BOUNDINGBOX", view) for view in VIEWS]
    level, upright = (_numbers(path) for path in paths)
    flat_path, solid_path = (sequence.label_path(name) for name in ("2DPOSE", "3DPOSE"))
    flat, solid = _numbers(flat_path), _numbers(solid_path)
    frames, people = level.shape[:2]
    wanted = [
        (paths[0], level, (4,)), (paths[1], upright, (4,)), (flat_path, flat, (JOINTS, 2)),
        (solid_path, solid, (JOINTS, 3)),
    ]  # fmt: skip
    for path, array, rest in wanted:
        if array.shape != (frames, people, *rest):
            raise ValueError(f"{path} must be {(frames, people, *rest)}, got {array.shape}")
    boxes = HIBER.of_cells(level.reshape(-1, 4), upright.reshape(-1, 4))
    return HiberLabels(boxes.reshape(frames, people, 6), flat, solid)


def pose_boxes(pose_px: NDArray[np.floating], margin: float = 0.1) -> NDArray[np.float64]:
    """(..., 4) boxes about joints in the image, wider by a share of their size: the data set has
    masks but no boxes there.
    """
    low, high = np.nanmin(pose_px, axis=-2), np.nanmax(pose_px, axis=-2)
    room = margin * (high - low)
    return np.concatenate([low - room, high + room], axis=-1)


@dataclass(frozen=True)
class HiberSet:
    """Samples of two label frames each: four radar frames.

    Attributes:
        chosen: sequences.
        camera: whose image the joints are in, 1640 x 1248; None where its calibration is not known:
            then boxes are learned and judged in space alone.
        space: of the heatmaps.
        stride: frames of the labels from one sample of a sequence to the next.

    Raises:
        ValueError: see :func:`read_labels`; there is no sequence.
    """

    chosen: Sequence[HiberSequence]
    camera: Camera | None = None
    space: Space = HIBER
    stride: int = 1
    _labels: list[HiberLabels] = field(init=False, repr=False, compare=False)
    _places: list[tuple[int, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        labels = [read_labels(one) for one in self.chosen]
        places = [
            (number, frame)
            for number, one in enumerate(labels)
            for frame in range(1, len(one.boxes_m), self.stride)
        ]
        if not places:
            raise ValueError("no sequence of HIBER has two frames in a row")
        lost = [
            path
            for one, told in zip(self.chosen, labels, strict=True)
            for view in VIEWS
            for frame in range(len(told.boxes_m))
            if not (path := one.heatmap_path(view, frame)).is_file()
        ]
        if lost:
            raise ValueError(f"{lost[0]} is missing, and {len(lost) - 1} others: get them again")
        object.__setattr__(self, "_labels", labels)
        object.__setattr__(self, "_places", places)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> Sample:
        """The sample; its truth is that of the last frame."""
        which, frame = self._places[number]
        sequence, labels = self.chosen[which], self._labels[which]
        power = np.concatenate([read_heatmaps(sequence, one) for one in (frame - 1, frame)], axis=1)
        there = np.isfinite(labels.boxes_m[frame]).all(axis=-1)
        image = pose_boxes(labels.pose_px[frame][there])
        about = {"room": sequence.name[:2], "session": sequence.name, "people": int(there.sum())}
        boxes = labels.boxes_m[frame][there].astype(np.float32)
        return Sample(power, boxes, image.astype(np.float32), about, camera=self.camera)

    def partners(self, number: int) -> Sequence[int]:
        """None: nobody says whether what stands still was taken off."""
        return ()

    def recordings(self) -> list[str]:
        """Sequences, with the folder of their split."""
        return [f"{one.root.name}/{one.group}/{one.name}" for one in self.chosen]

    def describe(self) -> dict[str, Any]:
        """Sequences, and how many samples."""
        return {
            "data_set": "HIBER",
            "sequences": self.recordings(),
            "samples": len(self),
            "floor_m": self.space.floor_m,
        }


def _numbers(path: Path) -> NDArray[np.float64]:
    array = load_array(path)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{path} must hold real numbers, got {array.dtype}: is it of HIBER?")
    return np.asarray(array, np.float64)
