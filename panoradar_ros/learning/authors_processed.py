"""PanoRadar's processed data, as its authors publish it, read as frames.

One folder a trajectory, ``<building>/<trajectory>``, with five folders in it whose files belong
together in the order of their names:

    rf_npy/00000.npy     float32 (range 256, elevation 64, azimuth 512): log10(|beam| + 0.001) / 3
    lidar_npy/00000.npy  float32 (1, 64, 512), tens of metres; negative: not measured
    seg_npy/00000.npy    uint8 (1, 64, 512), class; 255 where it does not count
    glass_npy/00000.npy  bool (1, 64, 512)
    obj_json/*.json      list of {"label": "person" or "non-person", "points": [[x, y], ...]};
                         the folder may be absent

Rows, columns and classes are those of our own frames. What differs is made alike:

* Amplitudes become the echoes of :mod:`panoradar_ros.recognition.echo`, over the frame's own
  median. The 0.001 is taken off: it would lift the noise of a weak recording.
* A LiDAR that measured nothing knows nothing: such pixels are NaN and do not count. What lies
  beyond the radar's reach is inf, as in simulated frames.
* Normals are those of the range image, see :mod:`panoradar_ros.learning.normals`.
* Boxes hold all points of their object, across the seam where points lie beyond the last column or
  before the first. Edges are taken to lie between pixels; no source says so.
* Instances: every pixel of a person or thing belongs to the smallest box of its kind that holds it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.scene import IGNORED_CLASS, SemanticClass
from mmwave.simulation.truth import MAX_RANGE_M, NO_INSTANCE
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.points import DetectionSettings, range_image
from panoradar_ros.learning.boxes import OTHERS, ObjectBox
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.normals import normals_from_range
from panoradar_ros.recognition.echo import encode_echo

GRID = PanoramaGrid()
BINS = 256
IMAGE = (1, GRID.rows, GRID.columns)
LEAST_AMPLITUDE = 0.001
LIDAR_UNIT_M = 10.0
KINDS = {"person": 0, "non-person": 1}
"""Labels of boxes, and the kinds of :class:`ObjectBox`."""

_RF_LIMITS = (-1.001, 4.0)
_AGAIN = "unpack the building's archive again"


@dataclass(frozen=True)
class _Part:
    """One of the folders with arrays.

    Attributes:
        shape: of every file.
        kinds: of NumPy's data types.
        what: the files hold.
    """

    shape: tuple[int, ...]
    kinds: str
    what: str


_PARTS = {
    "rf_npy": _Part((BINS, GRID.rows, GRID.columns), "f", "logarithms of amplitudes"),
    "lidar_npy": _Part(IMAGE, "f", "ranges / 10 m"),
    "seg_npy": _Part(IMAGE, "ui", "classes"),
    "glass_npy": _Part(IMAGE, "b", "true and false"),
}
FOLDERS = (*_PARTS, "obj_json")


def trajectory_folders(root: Path) -> list[Path]:
    """Folders of trajectories in a folder: one itself, those of a building, or of all buildings.

    Args:
        root: to look in.

    Returns:
        Sorted; those of which any of the five folders is there.
    """
    patterns = [f"{above}{name}" for name in FOLDERS for above in ("", "*/", "*/*/")]
    found = {path.parent for pattern in patterns for path in root.glob(pattern) if path.is_dir()}
    return sorted(found)


class AuthorsFrames:
    """The frames of one trajectory, read when they are asked for.

    Args:
        folder: ``<building>/<trajectory>``, see the module's text.

    Attributes:
        folder: of the trajectory.
        meta: building, trajectory and number of frames; ``simulated`` is False.

    Raises:
        ValueError: a folder is missing or empty, or they do not hold the same frames; the message
            names them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        there = [name for name in FOLDERS if name in _PARTS or (folder / name).is_dir()]
        self._files = {name: _files(folder / name) for name in there}
        counts = {name: len(files) for name, files in self._files.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(
                f"{folder} holds different numbers of files, which belong together one by one: "
                f"{', '.join(f'{count} in {name}' for name, count in counts.items())}; {_AGAIN}"
            )
        for names in zip(*(self._files[part] for part in _PARTS), strict=True):
            if len({path.stem for path in names}) > 1:
                raise ValueError(
                    f"{names[0]} has no partner: the file at its place is "
                    f"{next(p for p in names if p.stem != names[0].stem)}; {_AGAIN}"
                )
        self.meta: dict[str, Any] = {
            "simulated": False,
            "style": folder.absolute().parent.name,
            "building": folder.absolute().parent.name,
            "trajectory": folder.name,
            "frames": counts["rf_npy"],
        }

    def __len__(self) -> int:
        return len(self._files["rf_npy"])

    def __getitem__(self, index: int) -> Frame:
        path = self._files["rf_npy"][index]
        power = _power(path, self._load("rf_npy", index))
        try:
            echo = encode_echo(power)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        lidar_m = LIDAR_UNIT_M * self._load("lidar_npy", index)[0].astype(np.float32)
        known = np.isfinite(lidar_m) & (lidar_m > 0)
        range_m = np.where(lidar_m <= MAX_RANGE_M, lidar_m, np.float32(np.inf))
        range_m[~known] = np.nan
        normal = normals_from_range(lidar_m, GRID)
        normal[~np.isfinite(range_m)] = 0.0
        label = self._labels(index)
        return Frame(
            echo,
            range_m,
            _classical(power),
            np.rint(127 * normal).astype(np.int8),
            label,
            instances(label, self.boxes(index)),
            self._load("glass_npy", index)[0],
        )

    def boxes(self, index: int) -> list[ObjectBox]:
        """Boxes of people and things in a frame, numbered from 1; none without ``obj_json``.

        Raises:
            ValueError: the file is not what it should be; the message names it.
        """
        if "obj_json" not in self._files:
            return []
        path = self._files["obj_json"][index]
        try:
            objects = json.loads(path.read_text(encoding="utf-8"))
            boxes = [_box(one, number) for number, one in enumerate(objects, start=1)]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{path} must be a list of label and points ({error!r}); {_AGAIN}"
            ) from error
        return boxes

    def _load(self, name: str, index: int) -> NDArray[Any]:
        part, path = _PARTS[name], self._files[name][index]
        try:
            array = np.load(path)
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(f"{path} cannot be read ({error}); {_AGAIN}") from error
        if array.shape != part.shape or array.dtype.kind not in part.kinds:
            raise ValueError(
                f"{path} must hold {part.what}, {part.shape}; got {array.dtype} {array.shape}; is "
                "it of PanoRadar's processed data?"
            )
        return array

    def _labels(self, index: int) -> NDArray[np.uint8]:
        label = self._load("seg_npy", index)[0]
        known = (label >= 0) & (label < len(SemanticClass))
        wrong = np.unique(label[~known & (label != IGNORED_CLASS)])
        if len(wrong):
            raise ValueError(
                f"{self._files['seg_npy'][index]}: classes must be 0 to {len(SemanticClass) - 1}, "
                f"or {IGNORED_CLASS} where they do not count; got {wrong.tolist()}: map them first"
            )
        return label.astype(np.uint8)


def _files(folder: Path) -> list[Path]:
    """Files of a folder in the order of their names."""
    suffix = ".json" if folder.name == "obj_json" else ".npy"
    found = sorted(path for path in folder.glob(f"*{suffix}"))
    if not found:
        raise ValueError(
            f"{folder} is missing or holds no {suffix} file; a trajectory needs "
            f"{', '.join(_PARTS)}: {_AGAIN}"
        )
    return found


def _power(path: Path, rf: NDArray[np.floating]) -> NDArray[np.float32]:
    """(row, column, range) power of the beams."""
    low, high = float(rf.min()), float(rf.max())
    if not (_RF_LIMITS[0] <= low and high <= _RF_LIMITS[1]):
        raise ValueError(
            f"{path} must hold log10(amplitude + {LEAST_AMPLITUDE}) / 3, from -1 to "
            f"{_RF_LIMITS[1]:g}; its values go from {low:g} to {high:g}: convert them first"
        )
    rays = np.ascontiguousarray(np.moveaxis(rf, 0, -1), dtype=np.float32)
    amplitude = np.exp(rays * np.float32(3 * np.log(10))) - np.float32(LEAST_AMPLITUDE)
    return np.maximum(amplitude, 0.0) ** 2


def _classical(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the imaging node's detector makes of the cube."""
    return range_image(
        power,
        np.ones(GRID.columns),
        GRID.elevation_rad,
        Waveform().range_bin_m,
        AntennaArray().radius_m,
        DetectionSettings(),
    ).range_m


def _box(one: dict[str, Any], number: int) -> ObjectBox:
    points = np.array(one["points"], float)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f"points must be [[x, y], ...], got {one['points']}")
    if one["label"] not in KINDS:
        raise ValueError(f"label must be one of {list(KINDS)}, got {one['label']!r}")
    left, top = np.floor(points.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(points.max(axis=0)).astype(int).tolist()
    width, top, bottom = max(right - left, 1), max(top, 0), min(max(bottom, top + 1), GRID.rows)
    if width > GRID.columns or top >= bottom:
        raise ValueError(f"a box of columns {left} to {right}, rows {top} to {bottom} is no box")
    left %= GRID.columns
    return ObjectBox(KINDS[one["label"]], left, top, left + width, bottom, number)


def instances(label: NDArray[np.uint8], boxes: Sequence[ObjectBox]) -> NDArray[np.int32]:
    """Which box every pixel of a person or thing belongs to: the smallest of its kind around it.

    Args:
        label: (row, column) class.
        boxes: of one frame.

    Returns:
        (row, column) number of the box; -1 for none.
    """
    instance = np.full(label.shape, NO_INSTANCE, np.int32)
    of_kind = (label == SemanticClass.PERSON, np.isin(label, OTHERS))
    by_size = sorted(boxes, key=lambda b: (b.right - b.left) * (b.bottom - b.top), reverse=True)
    for box in by_size:
        inside = np.zeros(label.shape, bool)
        columns = np.arange(box.left, box.right) % label.shape[1]
        inside[box.top : box.bottom, columns] = True
        instance[inside & of_kind[box.kind]] = box.instance
    return instance
