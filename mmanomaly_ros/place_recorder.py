"""Frames of a real place on disk, for ``panoradar adapt``: what the node saw while it watched."""

import json
import threading
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.context import shrunk
from mmanomaly_ros.live import GAP_S, Judged
from mmanomaly_ros.scene_files import alike, write_scene, write_sensors
from mmanomaly_ros.spectrum import WATCH_WAVEFORM, quantised
from mmanomaly_ros.watch import TASKS
from mmwave.camera import Camera
from mmwave.waveform import Waveform

PIECE_FRAMES = 300
"""Frames of a file: half a minute at ten a second, 25 MB."""
LEAST_FRAMES = 30
"""A shorter sequence is thrown away: the longest window does not fit into it."""


class PlaceRecorder:
    """Writes sequences of normal frames. A sequence ends where the live decision forgets, too.

    Nobody but who records knows that nothing was wrong meanwhile; it is written down as normal.

    Args:
        folder: to write into; made if it is not there.
        watch: number of the watch.
        waveform: of the radar.

    Attributes:
        frames: on disk.
        thrown_away: frames of sequences shorter than LEAST_FRAMES.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path, watch: int, waveform: Waveform = WATCH_WAVEFORM) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._watch, self._waveform = folder, watch, waveform
        self._camera: Camera | None = None
        self._kept: list[tuple[float, NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint16]]]
        self._kept = []
        self._lock = threading.Lock()
        self.frames = self.thrown_away = 0

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
        levels = quantised(np.asarray(spectrum_db, np.float32))
        depth_mm = np.rint(1000 * np.nan_to_num(depth_m, nan=0.0))
        depth_mm = np.clip(depth_mm, 0, np.iinfo(np.uint16).max).astype(np.uint16)
        with self._lock:
            if self._camera is None or not alike(asdict(camera), asdict(self._camera)):
                self._write()
                write_sensors(self._folder, camera, self._waveform)
                self._camera = camera
            if self._kept and not 0 < time_s - self._kept[-1][0] <= GAP_S[TASKS[self._watch]]:
                self._write()
            self._kept.append((time_s, levels, rgb, depth_mm))
            if len(self._kept) == PIECE_FRAMES:
                self._write()

    def close(self) -> None:
        """Write what is left.

        Raises:
            OSError: see :meth:`add`.
        """
        with self._lock:
            self._write()

    def _write(self) -> None:
        """Write the sequence so far and begin another."""
        kept, self._kept = self._kept, []
        count = len(kept)
        if count < LEAST_FRAMES:
            self.thrown_away += count
            return
        stamps, spectra, rgb, depth_mm = zip(*kept, strict=True)
        time_s = np.array(stamps)
        arrays = {
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
        }
        # the next frame does not wait for a second
        write_scene(self._free_name(time_s[0]), arrays, compressed=False)
        self.frames += count

    def _free_name(self, began_s: float) -> Path:
        """A file that is not there: a bag that is played again has the same stamps."""
        name = f"{TASKS[self._watch]}_place_{round(began_s * 1000):d}"
        path, again = self._folder / f"{name}.npz", 1
        while path.exists():
            again += 1
            path = self._folder / f"{name}_{again}.npz"
        return path


class JudgedRecorder:
    """Records what a live watch judges until something fails; the watch goes on.

    Args:
        folder: see :class:`PlaceRecorder`.
        watch: likewise.

    Attributes:
        ended: why nothing is recorded any more; empty while it is.

    Raises:
        OSError: see :class:`PlaceRecorder`.
    """

    def __init__(self, folder: Path, watch: int) -> None:
        self._recorder = PlaceRecorder(folder, watch)
        self.ended = ""

    @property
    def frames(self) -> int:
        """On disk."""
        return self._recorder.frames

    def add(self, one: Judged) -> bool:
        """Take a frame in, if it was judged.

        Returns:
            False if that failed just now: ``ended`` says why.
        """
        if self.ended or one.found is None:
            return True
        spectrum_db, rgb, depth_m, camera = one.measured_db, one.rgb, one.depth_m, one.camera
        if spectrum_db is None or rgb is None or depth_m is None or camera is None:
            return True
        try:
            self._recorder.add(one.time_s, spectrum_db, rgb, depth_m, camera)
        except (OSError, ValueError) as error:
            self.ended = str(error)
        return not self.ended

    def close(self) -> bool:
        """Write what is left.

        Returns:
            False if that failed just now: ``ended`` says why.
        """
        if self.ended:
            return True
        try:
            self._recorder.close()
        except OSError as error:
            self.ended = str(error)
            return False
        self.ended = "the node is not active"
        return True

    def as_values(self) -> dict[str, str | int]:
        """For diagnostics."""
        ended = {"recording_ended": self.ended} if self.ended else {}
        return {
            "frames_recorded": self.frames,
            "frames_thrown_away": self._recorder.thrown_away,
            **ended,
        }
