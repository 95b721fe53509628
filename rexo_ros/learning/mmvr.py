"""The MMVR data set (Rahman et al. 2024) as it lies on disk.

``P?/d*s*/NNN/XXXXX_{meta,radar,bbox,pose,mask}.npz``: one segment a folder, five files a frame.
Boxes on the heatmaps have x along columns and y along rows, whatever the data set's own description
says of axes; powers are linear, and the vertical ones hold NaN.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rexo_ros.camera import MMVR_CAMERA, Camera
from rexo_ros.learning.array_files import load_archive
from rexo_ros.learning.networks.base import FRAMES
from rexo_ros.learning.samples import Sample
from rexo_ros.space import MMVR, Space

PARTS = ("meta", "radar", "bbox", "pose", "mask")
SHAPE = (256, 128)
VIEWS = ("hm_hori", "hm_vert")
"""Names of the heatmaps, in the order of the space's views."""

SESSION = re.compile(r"s\d+$")
"""End of the name of a day's folder: room ``d1``, session ``s2``."""


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
    power = read_power(folder, name)
    boxes = load_archive(folder / f"{name}_bbox.npz", ("bbox_i", "bbox_hori", "bbox_vert"))
    counts = {key: len(value) for key, value in boxes.items()}
    if len(set(counts.values())) != 1:
        raise ValueError(f"{folder / f'{name}_bbox.npz'}: as many boxes of each kind, got {counts}")
    if not all(np.isfinite(np.asarray(one, np.float64)).all() for one in boxes.values()):
        raise ValueError(f"{folder / f'{name}_bbox.npz'}: boxes must be finite; get it again")
    image = _rows(boxes["bbox_i"], 5)
    meta = load_archive(folder / f"{name}_meta.npz", ("global_frame_id",))
    pose = load_archive(folder / f"{name}_pose.npz", ("kp",))
    return MmvrFrame(
        str(np.asarray(meta["global_frame_id"]).reshape(-1)[0]),
        power,
        image[:, :4],
        image[:, 4],
        MMVR.of_cells(_rows(boxes["bbox_hori"], 4), _rows(boxes["bbox_vert"], 4)),
        np.asarray(pose["kp"], np.float64).reshape(-1, 17, 3),
    )


def read_power(folder: Path, name: str) -> NDArray[np.float32]:
    """(view, row, column) linear powers of a frame; NaN where they are not known.

    Raises:
        ValueError: the file is missing, cannot be read, or holds arrays of another shape.
    """
    path = folder / f"{name}_radar.npz"
    radar = load_archive(path, VIEWS)
    for view in VIEWS:
        if radar[view].shape != SHAPE:
            raise ValueError(
                f"{path}: {view} must be {SHAPE}, got {radar[view].shape}; is it of another data "
                "set?"
            )
    return np.stack([radar[view] for view in VIEWS]).astype(np.float32)


def read_split(path: Path) -> Mapping[str, Any]:
    """The lists of segments of all splits, in either form that the file is found in.

    The file holds a pickled object: read one from the data set's makers only.

    Raises:
        ValueError: the file is missing or holds no dictionary.
    """
    held = load_archive(path, ("data_split_dict",), pickled=True)["data_split_dict"]
    if held.size != 1:
        raise ValueError(f"{path}: data_split_dict holds {held.size} objects, not one dictionary")
    found = held.reshape(-1)[0]
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
        stride: frames from one sample of a segment to the next.

    Raises:
        ValueError: see :func:`segment_frames`; no segment is as long as a sample.
    """

    segments: Sequence[Path]
    camera: Camera = MMVR_CAMERA
    space: Space = MMVR
    stride: int = 1
    _places: list[tuple[Path, list[str]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = []
        for folder in self.segments:
            names = segment_frames(folder)
            ends = range(FRAMES, len(names) + 1, self.stride)
            windows = (names[last - FRAMES : last] for last in ends)
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
        segments = [_segment(root, name[:2], str(one)) for one in parts[part]]
        return MmvrSet(segments, camera)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> Sample:
        """The sample; its truth is that of the last frame."""
        folder, names = self._places[number]
        last = read_frame(folder, names[-1])
        before = [read_power(folder, name) for name in names[:-1]]
        power = np.stack([*before, last.power], axis=1)
        day = folder.parts[-2] if len(folder.parts) > 1 else folder.name
        about = {
            "room": "/".join((*folder.parts[-3:-2], SESSION.sub("", day))),
            "session": f"{day}/{folder.name}",
            "people": len(last.boxes_m),
        }
        return Sample(
            power,
            last.boxes_m.astype(np.float32),
            last.image_boxes_px.astype(np.float32),
            about,
            camera=self.camera,
        )

    def partners(self, number: int) -> Sequence[int]:
        """None: nobody says whether what stands still was taken off."""
        return ()

    def recordings(self) -> list[str]:
        """Segments, by the last three folders of their paths."""
        return ["/".join(folder.parts[-3:]) for folder in self.segments]

    def describe(self) -> dict[str, Any]:
        """Segments, and how many samples."""
        direction = "inverse" if self.camera.inverse else "forward"
        return {
            "data_set": "MMVR",
            "segments": self.recordings(),
            "samples": len(self),
            "extrinsics": direction,
            "floor_m": self.space.floor_m,
        }


def _segment(root: Path, protocol: str, entry: str) -> Path:
    """Where a segment of a split lies: its name begins with the protocol's folder, or does not.

    Raises:
        ValueError: it lies nowhere.
    """
    places = (root / entry, root / protocol / entry)
    for place in places:
        if place.is_dir():
            return place
    raise ValueError(
        f"segment {entry} of the split is neither {places[0]} nor {places[1]}: get it, or give the "
        "folder that holds P1 and P2"
    )


def _consecutive(names: Sequence[str]) -> bool:
    """Whether frames follow each other; the numbers of those that were left out are missing."""
    numbers = [int(name) for name in names]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _rows(array: NDArray[Any], width: int) -> NDArray[np.float64]:
    """(person, width), also where nobody is."""
    return np.asarray(array, np.float64).reshape(-1, width)
