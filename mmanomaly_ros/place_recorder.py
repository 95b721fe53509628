"""Frames of a real place on disk, for ``panoradar adapt``: what the node saw while it watched."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.context import shrunk
from mmanomaly_ros.scene_files import write_scene, write_sensors
from mmanomaly_ros.spectrum import WATCH_WAVEFORM, quantised
from mmanomaly_ros.watch import TASKS
from mmwave.camera import Camera
from mmwave.waveform import Waveform

PIECE_FRAMES = 300
"""Frames of a file: half a minute at ten a second, 25 MB."""
GAP_S = 1.0
"""Frames farther apart are not of one sequence."""
LEAST_FRAMES = 30
"""A shorter sequence is not kept: the longest window does not fit into it."""


class PlaceRecorder:
    """Writes sequences of normal frames.

    Nobody but who records knows that nothing was wrong meanwhile; it is written down as normal.

    Args:
        folder: to write into; made if it is not there.
        watch: number of the watch.
        waveform: of the radar.

    Attributes:
        frames: written or kept so far.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path, watch: int, waveform: Waveform = WATCH_WAVEFORM) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._watch, self._waveform = folder, watch, waveform
        self._camera: Camera | None = None
        self._spectra: list[NDArray[np.uint8]] = []
        self._rgb: list[NDArray[np.uint8]] = []
        self._depth_mm: list[NDArray[np.uint16]] = []
        self._time_s: list[float] = []
        self.frames = 0

    def add(
        self,
        time_s: float,
        spectrum_db: NDArray[np.floating],
        rgb: NDArray[np.uint8],
        depth_m: NDArray[np.floating],
        camera: Camera,
    ) -> None:
        """Take one frame in.

        Args:
            time_s: of the frame.
            spectrum_db: (channel, range, column) as measured.
            rgb: (row, column, 3) of the same time.
            depth_m: (row, column), NaN at holes.
            camera: calibrated, in the radar's axes.

        Raises:
            ValueError: the camera is another than before, or shapes do not belong together.
            OSError: the disk is full, or the like; what was written before stays.
        """
        rgb, depth_m, camera = shrunk(rgb, depth_m, camera)
        if camera != self._camera:
            self._write()
            write_sensors(self._folder, camera, self._waveform)
            self._camera = camera
        if self._time_s and not 0 < time_s - self._time_s[-1] <= GAP_S:
            self._write()
        self._spectra.append(quantised(np.asarray(spectrum_db, np.float32)))
        self._rgb.append(rgb)
        depth_mm = np.rint(1000 * np.nan_to_num(depth_m, nan=0.0))
        self._depth_mm.append(np.clip(depth_mm, 0, np.iinfo(np.uint16).max).astype(np.uint16))
        self._time_s.append(time_s)
        self.frames += 1
        if len(self._time_s) == PIECE_FRAMES:
            self._write()

    def close(self) -> None:
        """Write what is left.

        Raises:
            OSError: see :meth:`add`.
        """
        self._write()

    def _write(self) -> None:
        """Write the sequence so far and begin another."""
        time_s = np.array(self._time_s)
        arrays = (self._spectra, self._rgb, self._depth_mm)
        spectra, rgb, depth_mm = ([*one] for one in arrays)
        for one in (*arrays, self._time_s):
            one.clear()
        count = len(time_s)
        if count < LEAST_FRAMES:
            self.frames -= count
            return
        name = f"{TASKS[self._watch]}_place_{round(time_s[0] * 1000):d}"
        write_scene(
            self._folder / f"{name}.npz",
            {
                "spectra": np.stack(spectra),
                "rgb": np.stack(rgb),
                "depth_mm": np.stack(depth_mm),
                "time_s": time_s - time_s[0],
                "anomalous": np.zeros(count, bool),
                "position_m": np.full((count, 2), np.nan, np.float32),
                "pose": np.zeros(count, np.int8),
                "task": np.array(self._watch),
                "clothing": np.array(-1),
                "wall": np.array(-1),
                "seed": np.array(0),
                "meta": np.array(json.dumps({"simulated": False, "began_s": time_s[0]})),
            },
            small=False,  # the next frame does not wait for a second
        )
