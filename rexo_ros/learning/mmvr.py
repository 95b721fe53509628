"""The MMVR data set (Rahman et al. 2024) as it lies on disk.

``P?/d*s*/NNN/XXXXX_{meta,radar,bbox,pose,mask}.npz``: one segment a folder, five files a frame.
Boxes on the heatmaps have x along columns and y along rows, whatever the data set's own description
says of axes; powers are linear, and the vertical ones hold NaN.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rexo_ros.space import MMVR, centre_and_size

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
        ValueError: there is no frame, or a file of one is missing; the message names it.
    """
    names = sorted({path.name.rsplit("_", 1)[0] for path in folder.glob("*_*.npz")})
    if not names:
        raise ValueError(f"{folder} holds no frame of MMVR (XXXXX_radar.npz and four more)")
    for name in names:
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
        ValueError: a file is missing, cannot be read, lacks an array or has one of another shape.
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
    image = _rows(boxes["bbox_i"], 5)
    meta = _load(folder / f"{name}_meta.npz", ("global_frame_id",))
    pose = _load(folder / f"{name}_pose.npz", ("kp",))
    return MmvrFrame(
        str(np.asarray(meta["global_frame_id"]).reshape(-1)[0]),
        np.stack([radar[view] for view in VIEWS]).astype(np.float32),
        image[:, :4],
        image[:, 4],
        boxes_of_views(_rows(boxes["bbox_hori"], 4), _rows(boxes["bbox_vert"], 4)),
        np.asarray(pose["kp"], np.float64).reshape(-1, 17, 3),
    )


def boxes_of_views(
    horizontal: NDArray[np.floating], vertical: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Boxes in space from those on both heatmaps; depth is the mean of both.

    Args:
        horizontal: (person, 4) left, top, right, bottom in columns and rows.
        vertical: (person, 4) likewise, columns going up.

    Returns:
        (person, 6) centre and size in metres.
    """
    rows, columns = SHAPE
    share = np.array([columns, rows, columns, rows])
    level, upright = horizontal / share, vertical / share
    top, bottom = ((level[:, side] + upright[:, side]) / 2 for side in (1, 3))
    low = np.stack([level[:, 0], upright[:, 0], 1 - bottom], axis=-1)
    high = np.stack([level[:, 2], upright[:, 2], 1 - top], axis=-1)
    unit = centre_and_size(np.concatenate([low, high], axis=-1))
    return MMVR.to_metres(unit)


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
