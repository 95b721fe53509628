"""The MMVR data set (Rahman et al. 2024) as it lies on disk.

``P?/d*s*/NNN/XXXXX_{meta,radar,bbox,pose,mask}.npz``: one segment a folder, five files a frame.
Boxes on the heatmaps have x along columns and y along rows, whatever the data set's own description
says of axes; powers are linear, and the vertical ones hold NaN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rexo_ros.camera import MMVR_CAMERA, Camera
from rexo_ros.learning.networks.base import FRAMES
from rexo_ros.learning.samples import Sample
from rexo_ros.space import MMVR, Space

PARTS = ("meta", "radar", "bbox", "pose", "mask")
SHAPE = (256, 128)
VIEWS = ("hm_hori", "hm_vert")
"""Names of the heatmaps, in the order of the space's views."""


@dataclass(frozen=True)
class MmvrFrame:
    """One frame.

    Attributes:
        frame_id: of the whole data set, as text.
        power: (view, row, column) linear; NaN where it is not known.
        image_boxes_px: (person, 4) left, top, right, bottom in the camera's image.
        image_scores: (person,) of those boxes.
        boxes_m: (person, 6) centre and size in the room, from the boxes on both heatmaps.
        key_points_px: (person, 17, 3) column, row, score in COCO's order.
    """

    frame_id: str
    power: NDArray[np.float32]
    image_boxes_px: NDArray[np.float64]
    image_scores: NDArray[np.float64]
    boxes_m: NDArray[np.float64]
    key_points_px: NDArray[np.float64]


def segment_frames(folder: Path) -> list[str]:
    """Names of a segment's frames, in order; every frame has all its files.

    Raises:
        ValueError: there is no frame, one's name is no number, or a file of one is missing; the
            message names it.
    """
    names = sorted({path.name.rsplit("_", 1)[0] for path in folder.glob("*_*.npz")})
    if not names:
        raise ValueError(f"{folder} holds no frame of MMVR (XXXXX_radar.npz and four more)")
    for name in names:
        if not name.isdecimal():
            raise ValueError(f"{folder}: a frame's name is its number, got {name!r}")
        for part in PARTS:
            if not (folder / f"{name}_{part}.npz").is_file():
                raise ValueError(f"{folder / f'{name}_{part}.npz'} is missing: get it again")
    return names


def read_frame(folder: Path, name: str) -> MmvrFrame:
    """Read a frame.

    Args:
        folder: of the segment.
        name: of the frame, see :func:`segment_frames`.

    Raises:
        ValueError: a file is missing, cannot be read, lacks an array, has one of another shape or
            a box that is not finite.
    """
    radar = _load(folder / f"{name}_radar.npz", VIEWS)
    for view in VIEWS:
        if radar[view].shape != SHAPE:
            raise ValueError(
                f"{folder / f'{name}_radar.npz'}: {view} must be {SHAPE}, got {radar[view].shape}; "
                "is it of another data set?"
            )
    boxes = _load(folder / f"{name}_bbox.npz", ("bbox_i", "bbox_hori", "bbox_vert"))
    counts = {key: len(value) for key, value in boxes.items()}
    if len(set(counts.values())) != 1:
        raise ValueError(f"{folder / f'{name}_bbox.npz'}: as many boxes of each kind, got {counts}")
    if not all(np.isfinite(np.asarray(one, np.float64)).all() for one in boxes.values()):
        raise ValueError(f"{folder / f'{name}_bbox.npz'}: boxes must be finite; get it again")
    image = _rows(boxes["bbox_i"], 5)
    meta = _load(folder / f"{name}_meta.npz", ("global_frame_id",))
    pose = _load(folder / f"{name}_pose.npz", ("kp",))
    return MmvrFrame(
        str(np.asarray(meta["global_frame_id"]).reshape(-1)[0]),
        np.stack([radar[view] for view in VIEWS]).astype(np.float32),
        image[:, :4],
        image[:, 4],
        MMVR.of_cells(_rows(boxes["bbox_hori"], 4), _rows(boxes["bbox_vert"], 4)),
        np.asarray(pose["kp"], np.float64).reshape(-1, 17, 3),
    )


def read_split(path: Path) -> Mapping[str, Any]:
    """The lists of segments of all splits, in either form that the file is found in.

    The file holds a pickled object: read one from the data set's makers only.

    Raises:
        ValueError: the file is missing or holds no dictionary.
    """
    held = _load(path, ("data_split_dict",), pickled=True)["data_split_dict"]
    found = held.item() if held.shape == () else held.reshape(-1)[0]
    if not isinstance(found, Mapping):
        raise ValueError(f"{path}: data_split_dict is {type(found).__name__}, not a dictionary")
    return found


@dataclass(frozen=True)
class MmvrSet:
    """Samples of MMVR's segments, read when they are asked for.

    Attributes:
        segments: folders of frames; samples do not go over their ends.
        camera: whose image the boxes are in; see :attr:`Camera.inverse` for the direction of the
            extrinsics, which the data set does not settle.
        space: of the heatmaps.

    Raises:
        ValueError: see :func:`segment_frames`; no segment is as long as a sample.
    """

    segments: Sequence[Path]
    camera: Camera = MMVR_CAMERA
    space: Space = MMVR
    _places: list[tuple[Path, list[str]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = []
        for folder in self.segments:
            names = segment_frames(folder)
            windows = (names[last - FRAMES : last] for last in range(FRAMES, len(names) + 1))
            places += [(folder, one) for one in windows if _consecutive(one)]
        if not places:
            raise ValueError(f"no segment has {FRAMES} frames in a row: {list(self.segments)}")
        object.__setattr__(self, "_places", places)

    @staticmethod
    def of_split(root: Path, name: str, part: str, camera: Camera = MMVR_CAMERA) -> "MmvrSet":
        """Samples of a split.

        Args:
            root: of the data set, ``data_split.npz`` in it.
            name: ``P1S1``, ``P1S2``, ``P2S1`` or ``P2S2``.
            part: ``train``, ``val`` or ``test``.
            camera: see the class.

        Raises:
            ValueError: the split or its part is not there.
        """
        splits = read_split(root / "data_split.npz")
        if name not in splits:
            raise ValueError(f"{root} has no split {name}, but {', '.join(map(str, splits))}")
        parts = splits[name]
        if not isinstance(parts, Mapping) or part not in parts:
            raise ValueError(f"split {name} of {root} has no part {part}")
        return MmvrSet([root / str(one) for one in parts[part]], camera)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> Sample:
        """The sample; its truth is that of the last frame."""
        folder, names = self._places[number]
        frames = [read_frame(folder, name) for name in names]
        power = np.stack([one.power for one in frames], axis=1)
        last = frames[-1]
        about = {
            "room": folder.parts[-2] if len(folder.parts) > 1 else folder.name,
            "session": folder.name,
            "people": len(last.boxes_m),
        }
        return Sample(
            power,
            last.boxes_m.astype(np.float32),
            last.image_boxes_px.astype(np.float32),
            about,
        )

    def describe(self) -> dict[str, Any]:
        """Segments, and how many samples."""
        names = ["/".join(folder.parts[-3:]) for folder in self.segments]
        direction = "inverse" if self.camera.inverse else "forward"
        return {
            "data_set": "MMVR",
            "segments": names,
            "samples": len(self),
            "extrinsics": direction,
        }


def _consecutive(names: Sequence[str]) -> bool:
    """Whether frames follow each other; the numbers of those that were left out are missing."""
    numbers = [int(name) for name in names]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _load(path: Path, names: tuple[str, ...], pickled: bool = False) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=pickled) as file:
            held = {name: file[name] for name in names if name in file}
            there = ", ".join(file)
    except (OSError, EOFError, ValueError, BadZipFile) as error:
        raise ValueError(f"{path} cannot be read ({error}): get it again") from error
    missing = [name for name in names if name not in held]
    if missing:
        raise ValueError(f"{path} holds no {', '.join(missing)}, but {there}")
    return held


def _rows(array: NDArray[Any], width: int) -> NDArray[np.float64]:
    """(person, width), also where nobody is."""
    return np.asarray(array, np.float64).reshape(-1, width)
