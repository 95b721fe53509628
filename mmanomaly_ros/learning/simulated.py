"""Sequences of simulated places that are watched: spectra as the live node makes them, and truth.

The first frames of a sequence are not kept: in them what stands still is not known yet.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.scene_files import write_scene
from mmanomaly_ros.spectrum import LEARNED_FRAMES, WATCH_WAVEFORM, SpectrumMaker, quantised
from mmanomaly_ros.watch import CLOTHINGS, LINES, POSES, WALLS, watch_id
from mmwave.camera import RGBD_CAMERA
from mmwave.simulation.watch_camera import WatchCamera
from mmwave.simulation.watch_radar import WatchRadar
from mmwave.simulation.watched_drawing import (
    NEW_CLOTHES,
    NEW_WALLS,
    SEEN_CLOTHES,
    SEEN_WALLS,
    draw_place,
)
from mmwave.simulation.watched_place import WatchedPlace
from mmwave.spectrum import as_complex

FRAMES = {"weapon": 16, "intruder": 40, "fall": 60}
"""That are kept of a sequence, unless told otherwise: as many as a decision needs, and more."""
CONDITIONS = {
    "seen": (SEEN_CLOTHES, SEEN_WALLS),
    "new": (NEW_CLOTHES, NEW_WALLS),
    "new_clothes": (NEW_CLOTHES, SEEN_WALLS),
    "new_walls": (SEEN_CLOTHES, NEW_WALLS),
}
"""What people wear and walls are of, by name; places and people are new with every seed."""
_ACTIVITY_POSE = {"sit_down": "sit", "stand_up": "sit"}


@dataclass(frozen=True)
class Wanted:
    """Which sequence.

    Attributes:
        watch: weapon, intruder or fall.
        seed: of the place.
        anomalous: with what is not normal.
        conditions: a name from CONDITIONS.
        frames: that are kept; of a fall as many that it happens in them.

    Raises:
        ValueError: there are no such conditions, or no frames are wanted.
    """

    watch: str
    seed: int
    anomalous: bool
    conditions: str = "seen"
    frames: int = 8

    def __post_init__(self) -> None:
        if self.conditions not in CONDITIONS:
            raise ValueError(
                f"conditions must be one of {', '.join(CONDITIONS)}, got {self.conditions!r}"
            )
        if self.frames < 1:
            raise ValueError(f"frames must be at least 1, got {self.frames}")

    @property
    def file_name(self) -> str:
        """Of the sequence in a folder."""
        kind = "anomaly" if self.anomalous else "normal"
        return f"{self.watch}_{kind}_{self.conditions}_{self.seed:06d}_{self.frames}.npz"


def simulate_sequence(wanted: Wanted) -> dict[str, NDArray[Any]]:
    """A sequence and its truth, see :mod:`mmanomaly_ros.learning.samples` for the arrays.

    Raises:
        ValueError: there is no such watch, or the seed is negative.
    """
    period_s = WATCH_WAVEFORM.frame_period_s
    frames = LEARNED_FRAMES + wanted.frames
    place = draw_place(
        wanted.watch, wanted.seed, wanted.anomalous, frames * period_s,
        *CONDITIONS[wanted.conditions],
    )  # fmt: skip
    radar = WatchRadar(place, WATCH_WAVEFORM, wanted.seed, line=LINES[wanted.watch])
    camera = WatchCamera(place, RGBD_CAMERA, wanted.seed)
    make = SpectrumMaker()
    spectra, rgb, depth_mm = [], [], []
    for number in range(frames):
        spectrum = make(as_complex(radar.frame(number * period_s, number)), number * period_s)
        if number >= LEARNED_FRAMES:
            spectra.append(quantised(spectrum))
            colours, depths = camera.image(number * period_s, number)
            rgb.append(colours)
            depth_mm.append(depths)
    time_s = period_s * np.arange(LEARNED_FRAMES, frames, dtype=np.float64)
    return {
        "spectra": np.stack(spectra),
        "rgb": np.stack(rgb),
        "depth_mm": np.stack(depth_mm),
        "time_s": time_s,
        **_truth(place, time_s),
        "seed": np.array(wanted.seed),
        "meta": np.array(json.dumps(_about(place, wanted))),
    }


def _truth(place: WatchedPlace, time_s: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    position_m = np.array([place.anomaly_m(float(now_s)) for now_s in time_s])
    poses = [place.pose_at(float(now_s)) for now_s in time_s]
    worn = CLOTHINGS.index(place.garment.name) if place.person is not None else -1
    wall = WALLS.index(place.wall_name) if place.wall is not None else -1
    return {
        "anomalous": np.isfinite(position_m[:, 0]),
        "position_m": position_m.astype(np.float32),
        "task": np.array(watch_id(place.watch)),
        "clothing": np.array(worn),
        "wall": np.array(wall),
        "pose": np.array([POSES.index(_ACTIVITY_POSE.get(one, one)) for one in poses], np.int8),
    }


def _about(place: WatchedPlace, wanted: Wanted) -> dict[str, Any]:
    return {
        "simulated": True,
        **asdict(wanted),
        "clothing": place.garment.name if place.person is not None else None,
        "wall": place.wall_name,
        "wall_m": place.wall_m,
        "clutter": list(place.clutter),
        "person_in_front": place.person is not None,
        "hidden": None if place.hidden is None else place.hidden.kind,
        "worn_at": None if place.hidden is None else place.hidden.place,
    }


def simulate_into(root: Path, wanted: Wanted) -> Path:
    """A sequence on disk, unless it is there; one that is not complete is never there."""
    path = root / wanted.file_name
    if not path.exists():
        write_scene(path, simulate_sequence(wanted))
    return path
