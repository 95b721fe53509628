"""What mmAnomaly learns from: sequences of spectra, with what a camera saw and what there was.

A folder has one file a sequence, ``WATCH_....npz``. ``scenes.json`` beside them tells the radar's
waveform and the camera where they are not the usual ones.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mmanomaly_ros.context import COLUMNS, ROWS, Context, context_of
from mmanomaly_ros.scene_files import SENSORS
from mmanomaly_ros.spectrum import CHANNELS, WATCH_WAVEFORM
from mmanomaly_ros.watch import ANGLES, CLOTHINGS, RANGES, TASKS, WALLS
from mmwave.camera import RGBD_CAMERA, Camera
from mmwave.waveform import Waveform

_ARRAYS: dict[str, tuple[type, tuple[int, ...]]] = {
    "spectra": (np.uint8, (len(CHANNELS), RANGES, ANGLES)),
    "rgb": (np.uint8, (ROWS, COLUMNS, 3)),
    "depth_mm": (np.uint16, (ROWS, COLUMNS)),
    "time_s": (np.float64, ()),
    "anomalous": (np.bool_, ()),
    "position_m": (np.float32, (2,)),
    "pose": (np.int8, ()),
}
"""Type and shape of each, after the axis of frames."""

_NUMBERS = {"task": len(TASKS), "clothing": len(CLOTHINGS), "wall": len(WALLS)}
"""How many values each may have; of the last two -1 is none."""


@dataclass(frozen=True)
class SceneSequence:
    """Consecutive frames of one scene.

    Attributes:
        name: of its file.
        spectra: uint8 (frame, channel, range, column), see
            :func:`mmanomaly_ros.spectrum.quantised`.
        rgb: uint8 (frame, row, column, 3).
        depth_mm: uint16 (frame, row, column), 0 where there is a hole.
        time_s: (frame,).
        anomalous: (frame,) bool.
        position_m: (frame, 2) of the anomaly, right and depth; NaN where there is none.
        pose: (frame,) of the person who is seen, by :data:`mmanomaly_ros.watch.POSES`.
        task: number of the watch.
        clothing: of that person, by CLOTHINGS; -1: nobody.
        wall: by WALLS; -1: none.
        seed: that it was made with.
        meta: whatever else is known of it.

    Raises:
        ValueError: arrays are of other shapes or types, or a number is not one of its list's.
    """

    name: str
    spectra: NDArray[np.uint8]
    rgb: NDArray[np.uint8]
    depth_mm: NDArray[np.uint16]
    time_s: NDArray[np.float64]
    anomalous: NDArray[np.bool_]
    position_m: NDArray[np.float32]
    pose: NDArray[np.int8]
    task: int
    clothing: int
    wall: int
    seed: int
    meta: dict[str, Any]

    def __post_init__(self) -> None:
        frames = len(self.spectra)
        for name, (kind, shape) in _ARRAYS.items():
            array = getattr(self, name)
            if array.dtype != kind or array.shape != (frames, *shape):
                raise ValueError(
                    f"{self.name}: {name} must be {np.dtype(kind)} {(frames, *shape)}, got "
                    f"{array.dtype} {array.shape}"
                )
        for name, count in _NUMBERS.items():
            least = 0 if name == "task" else -1
            if not least <= getattr(self, name) < count:
                raise ValueError(
                    f"{self.name}: {name} must be from {least} to {count - 1}, got "
                    f"{getattr(self, name)}"
                )

    def __len__(self) -> int:
        return len(self.spectra)


def read_scene(path: Path) -> SceneSequence:
    """A sequence from its file.

    Raises:
        ValueError: the file is damaged or holds something else.
    """
    try:
        with np.load(path) as file:
            fields: dict[str, Any] = {name: file[name] for name in _ARRAYS}
            fields |= {name: int(file[name]) for name in (*_NUMBERS, "seed")}
            fields["meta"] = json.loads(str(file["meta"]))
    except Exception as error:  # of the zip reader, of NumPy's, of JSON's
        raise ValueError(
            f"{path} is no sequence of scenes ({error!r}): simulate or record it anew, or take it "
            "away"
        ) from error
    return SceneSequence(path.name, **fields)


@dataclass(frozen=True)
class SceneFrame:
    """One frame, see :class:`SceneSequence` for units and shapes."""

    spectrum: NDArray[np.uint8]
    rgb: NDArray[np.uint8]
    depth_mm: NDArray[np.uint16]
    anomalous: bool
    position_m: NDArray[np.float32]
    task: int
    clothing: int
    wall: int
    pose: int
    meta: dict[str, Any]

    @property
    def depth_m(self) -> NDArray[np.float32]:
        """(row, column), NaN at holes."""
        depth = self.depth_mm.astype(np.float32) / 1000
        return np.where(self.depth_mm > 0, depth, np.float32(np.nan))

    @property
    def unit(self) -> NDArray[np.float32]:
        """(channel, range, column) the spectrum from -1 to 1."""
        return unit_of(self.spectrum)


def unit_of(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Quantised spectra as networks see them, from -1 to 1."""
    return levels.astype(np.float32) * np.float32(2 / 255) - 1


class SceneSet:
    """Frames of several sequences, all in memory.

    Args:
        sequences: of one radar and camera.
        camera: as calibrated, in the radar's axes.
        waveform: of the radar.
        places: number of sequence and frame of each frame that counts; None: all of them.

    Raises:
        ValueError: there is no frame.
    """

    def __init__(
        self,
        sequences: list[SceneSequence],
        camera: Camera,
        waveform: Waveform,
        places: list[tuple[int, int]] | None = None,
    ) -> None:
        if places is None:
            places = [(n, frame) for n, one in enumerate(sequences) for frame in range(len(one))]
        if not places:
            raise ValueError("there is no frame: simulate some with panoradar simulate scenes")
        self.sequences, self.camera, self.waveform = sequences, camera, waveform
        self.places = places

    @staticmethod
    def under(folder: Path, progress: Callable[..., Iterable[Path]] = tqdm) -> "SceneSet":
        """All sequences of a folder.

        Raises:
            ValueError: there is none, or one is damaged.
        """
        paths = sorted(path for task in TASKS for path in folder.glob(f"{task}_*.npz"))
        if not paths:
            raise ValueError(
                f"{folder} holds no sequence: make some with panoradar simulate scenes {folder}, "
                "or record a place for longer (record_folder of the anomaly node)"
            )
        camera, waveform = _sensors(folder / SENSORS)
        bar = progress(paths, desc=f"reading {folder.name}", unit="sequence")
        return SceneSet([read_scene(path) for path in bar], camera, waveform)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, number: int) -> SceneFrame:
        """One of the frames."""
        which, frame = self.places[number]
        one = self.sequences[which]
        return SceneFrame(
            one.spectra[frame],
            one.rgb[frame],
            one.depth_mm[frame],
            bool(one.anomalous[frame]),
            one.position_m[frame],
            one.task,
            one.clothing,
            one.wall,
            int(one.pose[frame]),
            one.meta,
        )

    def normal(self) -> "SceneSet":
        """The frames without an anomaly."""
        return self._only(
            [(n, frame) for n, frame in self.places if not self.sequences[n].anomalous[frame]]
        )

    def parted(self, share: float) -> tuple["SceneSet", "SceneSet"]:
        """Two sets without a common sequence, the second of about a share of them.

        Sequences of each watch are dealt in turn, so that both sets have all kinds.

        Raises:
            ValueError: the share is not between 0 and 1, or one of the sets would be empty.
        """
        if not 0 < share < 1:
            raise ValueError(f"share must be between 0 and 1, got {share}")
        seen = dict.fromkeys(range(len(TASKS)), 0)
        second = set()
        for number in dict.fromkeys(which for which, _ in self.places):
            task = self.sequences[number].task
            seen[task] += 1
            if int(seen[task] * share) > int((seen[task] - 1) * share):
                second.add(number)
        parts = [[p for p in self.places if (p[0] in second) == wanted] for wanted in (False, True)]
        return self._only(parts[0]), self._only(parts[1])

    def spread(self, count: int) -> "SceneSet":
        """At most so many of the frames, over all of them."""
        numbers = np.linspace(0, len(self) - 1, count).round().astype(int)
        return self._only([self.places[number] for number in dict.fromkeys(numbers.tolist())])

    def _only(self, places: list[tuple[int, int]]) -> "SceneSet":
        return SceneSet(self.sequences, self.camera, self.waveform, places)

    @property
    def range_bin_m(self) -> float:
        """From one range bin to the next."""
        return self.waveform.range_bin_m

    def describe(self) -> dict[str, Any]:
        """How many of what, JSON-able."""
        used = [self.sequences[which] for which in dict.fromkeys(n for n, _ in self.places)]
        return {
            "simulated": all(bool(one.meta.get("simulated")) for one in used),
            "frames": len(self),
            "anomalous_frames": sum(bool(self.sequences[n].anomalous[f]) for n, f in self.places),
            "sequences": {
                name: sum(one.task == number for one in used) for number, name in enumerate(TASKS)
            },
            "clothings": sorted({CLOTHINGS[one.clothing] for one in used if one.clothing > 0}),
            "walls": sorted({WALLS[one.wall] for one in used if one.wall > 0}),
            "seeds": [min(one.seed for one in used), max(one.seed for one in used)],
        }


def contexts_of(
    sequence: SceneSequence,
    camera: Camera,
    count: int,
    range_bin_m: float = WATCH_WAVEFORM.range_bin_m,
) -> Iterator[tuple[int, Context]]:
    """Some frames of a sequence as the networks are told of them.

    Args:
        sequence: see there.
        camera: of it.
        count: of frames, at most, evenly spread.
        range_bin_m: of the radar.

    Yields:
        Numbers of frames and their contexts.
    """
    frames = np.linspace(0, len(sequence) - 1, count).round().astype(int)
    for frame in np.unique(frames).tolist():
        depth_m = sequence.depth_mm[frame].astype(np.float32) / 1000
        yield frame, context_of(sequence.rgb[frame], depth_m, camera, sequence.task, range_bin_m)


def refuse_common_seeds(samples: SceneSet, others: SceneSet, what: str) -> None:
    """See to it that no scene is in two sets.

    Args:
        samples: to learn from.
        others: to judge by.
        what: the others are, for the message.

    Raises:
        ValueError: one is.
    """
    seeds = [
        {(one.sequences[n].task, one.sequences[n].seed) for n, _ in one.places}
        for one in (samples, others)
    ]
    if common := sorted(seeds[0] & seeds[1]):
        task, seed = common[0]
        raise ValueError(
            f"{len(common)} sequences, {TASKS[task]} with seed {seed} among them, are learned from "
            f"and in {what} too: simulate others"
        )


def _sensors(about: Path) -> tuple[Camera, Waveform]:
    if not about.exists():
        return RGBD_CAMERA, WATCH_WAVEFORM
    try:
        told = json.loads(about.read_text(encoding="utf-8"))
        return camera_of(told["camera"]), Waveform(**told["waveform"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{about} does not tell camera and waveform ({error!r}): simulate or record the scenes "
            "anew"
        ) from error


def camera_of(values: dict[str, Any]) -> Camera:
    """A camera from what JSON made of it."""
    lists = {
        name: tuple(values[name]) for name in ("focal_px", "centre_px", "size_px", "translation_m")
    }
    rotation = tuple(tuple(row) for row in values["rotation"])
    return Camera(**{**values, **lists, "rotation": rotation})
