"""PanoRadar's processed data set as frames (Lai et al. 2024; its layout in docs/data-formats.md).

A folder a trajectory, ``<building>/<trajectory>/`` with ``rf_npy``, ``lidar_npy``, ``seg_npy``,
``glass_npy`` (``%05d.npy``) and ``obj_json`` (``%05d.json``), paired by their sorted order.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.scene import IGNORED_CLASS, SemanticClass
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.boxes import OTHERS
from panoradar_ros.learning.frames import Frame
from panoradar_ros.recognition.echo import encode_echo

ROWS, COLUMNS, BINS = 64, 512, 256
FOLDERS = {"rf_npy": "npy", "lidar_npy": "npy", "seg_npy": "npy", "glass_npy": "npy"}
OBJECTS = "obj_json"
LIDAR_SCALE_M = 10.0
KINDS = ("person", "non-person")


@dataclass(frozen=True)
class AuthorsBox:
    """A box of the data set, in columns and rows, edges between pixels.

    Attributes:
        kind: index into KINDS.
        left: first column, from 0.
        top: first row.
        right: behind the last column; more than 512 across the seam.
        bottom: behind the last row.
    """

    kind: int
    left: int
    top: int
    right: int
    bottom: int


class AuthorsFrames:
    """The frames of one trajectory, read when they are asked for.

    Args:
        folder: of the trajectory.

    Attributes:
        meta: building and trajectory; ``simulated`` is False.

    Raises:
        ValueError: a folder is missing, or they do not hold equally many files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, list[Path]] = {}
        for name, ending in FOLDERS.items():
            if not (folder / name).is_dir():
                raise ValueError(
                    f"{folder} lacks the folder {name}: a trajectory of the processed data set has "
                    f"{', '.join(FOLDERS)} and {OBJECTS}; get it again"
                )
            self._files[name] = sorted((folder / name).glob(f"*.{ending}"))
        if (folder / OBJECTS).is_dir():
            self._files[OBJECTS] = sorted((folder / OBJECTS).glob("*.json"))
        counts = {name: len(files) for name, files in self._files.items()}
        if len(set(counts.values())) != 1 or not counts["rf_npy"]:
            raise ValueError(
                f"{folder}: the files are paired by their order, but there are {counts}: get what "
                "is missing"
            )
        self.meta: dict[str, Any] = {
            "simulated": False,
            "style": folder.parent.name,
            "trajectory": folder.name,
            "frames": counts["rf_npy"],
        }

    def __len__(self) -> int:
        return len(self._files["rf_npy"])

    def __getitem__(self, index: int) -> Frame:
        rf = _load(self._files["rf_npy"][index], (BINS, ROWS, COLUMNS))
        lidar = _load(self._files["lidar_npy"][index], (1, ROWS, COLUMNS))[0]
        label = _load(self._files["seg_npy"][index], (1, ROWS, COLUMNS))[0]
        glass = _load(self._files["glass_npy"][index], (1, ROWS, COLUMNS))[0]
        classes = np.unique(label)
        wrong = classes[(classes >= len(SemanticClass)) & (classes != IGNORED_CLASS)]
        if len(wrong):
            path = self._files["seg_npy"][index]
            raise ValueError(f"{path}: classes {wrong.tolist()} are none of the eleven and not 255")
        range_m = np.where(lidar < 0, np.nan, lidar * LIDAR_SCALE_M).astype(np.float32)
        amplitude = np.maximum(10.0 ** (3 * rf.astype(np.float32)) - 0.001, 0.0)
        power = np.ascontiguousarray((amplitude**2).transpose(1, 2, 0))
        boxes = self.boxes(index)
        return Frame(
            encode_echo(power),
            range_m,
            np.full((ROWS, COLUMNS), np.nan, np.float32),
            normals_of_range(range_m),
            label.astype(np.uint8),
            _instances(label, boxes),
            glass.astype(bool),
        )

    def boxes(self, index: int) -> list[AuthorsBox]:
        """Boxes of a frame; none where the trajectory has no ``obj_json``.

        Raises:
            ValueError: the file is not what it should be; the message names it.
        """
        if OBJECTS not in self._files:
            return []
        path = self._files[OBJECTS][index]
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            return [_box(entry) for entry in entries]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} holds no list of boxes ({error!r}): get it again") from error


def _load(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        array = np.load(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read ({error}): get it again") from error
    if array.shape != shape:
        raise ValueError(f"{path} must be {shape}, got {array.shape}")
    return np.asarray(array)


def _box(entry: dict[str, Any]) -> AuthorsBox:
    """Corners (column, row) to a box; columns may be below 0 or beyond 511 across the seam."""
    points = np.array(entry["points"], float)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    first = int(np.floor(left)) % COLUMNS
    width = max(1, int(np.ceil(right)) - int(np.floor(left)))
    return AuthorsBox(
        KINDS.index(entry["label"]), first, int(np.floor(top)), first + width, int(np.ceil(bottom))
    )


def _instances(label: NDArray[np.integer], boxes: list[AuthorsBox]) -> NDArray[np.int32]:
    """Numbers of objects: the pixels of the right classes in every box, small boxes last."""
    instance = np.full(label.shape, -1, np.int32)
    order = sorted(boxes, key=lambda one: -(one.right - one.left) * (one.bottom - one.top))
    for number, box in enumerate(order, 1):
        wanted = (SemanticClass.PERSON,) if box.kind == 0 else OTHERS
        inside = np.zeros(label.shape, bool)
        columns = np.arange(box.left, box.right) % COLUMNS
        inside[max(box.top, 0) : box.bottom, columns] = True
        instance[inside & np.isin(label, wanted)] = number
    return instance


def normals_of_range(range_m: NDArray[np.floating]) -> NDArray[np.int8]:
    """Normals from the slopes of a range image, 127 times unit vectors of the ray's own frame.

    With outward u, left l and up e of a ray, the normal that looks back at the radar is along
    ``-u + r_theta / (r cos phi) l + r_phi / r e`` (Lai et al. 2024, section 6.2).

    Args:
        range_m: (row, column); what is not finite has no normal, and neither have its neighbours.

    Returns:
        (row, column, 3); zero where there is none.
    """
    rows, columns = range_m.shape
    elevation_rad = PanoramaGrid(columns, rows).elevation_rad
    known = np.where(np.isfinite(range_m) & (range_m > 0), range_m, np.nan).astype(np.float64)
    step_rad = 2 * np.pi / columns
    by_azimuth = (np.roll(known, 1, axis=1) - np.roll(known, -1, axis=1)) / (2 * step_rad)
    by_elevation = np.gradient(known, elevation_rad, axis=0)
    normal = np.stack(
        [
            -np.ones_like(known),
            by_azimuth / (known * np.cos(elevation_rad)[:, None]),
            by_elevation / known,
        ],
        axis=-1,
    )
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.rint(127 * np.nan_to_num(normal)).astype(np.int8)
