"""What a radar and an RGB-D camera see of a watched place for a while, on disk: made once and kept.

A folder of ``samples.npy``, int16 (frame, loop, antenna, sample, 2), ``rgb.npy``, uint8 (frame,
row, column, 3), ``depth_mm.npy``, uint16 (frame, row, column) with 0 for a hole, and ``truth.npz``;
it is written beside its place and renamed when it is complete.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.camera import RGBD_CAMERA
from mmwave.simulation.kept_folder import forget_old, is_kept, new_folder
from mmwave.simulation.recording import RecordingError, cache_folder
from mmwave.simulation.watch_camera import WatchCamera
from mmwave.simulation.watch_radar import WatchRadar
from mmwave.simulation.watched_drawing import NEW_CLOTHES, NEW_WALLS, draw_place
from mmwave.simulation.watched_place import WatchedPlace
from mmwave.source_digest import source_digest
from mmwave.waveform import Waveform

FORMAT = 1
RECORDINGS_KEPT = 6
_FILES = ("samples", "rgb", "depth_mm")


@dataclass(frozen=True)
class WatchRecording:
    """A recording that is open.

    Attributes:
        folder: of its files.
        place: what is watched.
        waveform: of the radar.
        samples: int16 (frame, loop, antenna, sample, 2).
        rgb: uint8 (frame, row, column, 3).
        depth_mm: uint16 (frame, row, column), 0 where there is a hole.
        time_s: (frame,) of the place.
        anomalous: (frame,) bool.
        position_m: (frame, 2) of the anomaly, to the right and ahead; NaN without one.
    """

    folder: Path
    place: WatchedPlace
    waveform: Waveform
    samples: NDArray[np.int16]
    rgb: NDArray[np.uint8]
    depth_mm: NDArray[np.uint16]
    time_s: NDArray[np.float64]
    anomalous: NDArray[np.bool_]
    position_m: NDArray[np.float64]

    @property
    def duration_s(self) -> float:
        """Until the recording begins anew."""
        return len(self.samples) * self.waveform.frame_period_s


def record_watch(
    watch: str,
    seed: int,
    anomalous: bool,
    seconds: float,
    waveform: Waveform,
    line: str = "horizontal",
    folder: Path | None = None,
    progress: Callable[..., Iterable[int]] | None = None,
) -> WatchRecording:
    """Simulate a place that is watched, or open it if that was done before.

    People wear, and walls are of, what the models were not trained with. What is hidden, or the
    intruder, comes in the middle of the time.

    Args:
        watch: weapon, intruder or fall.
        seed: of the place.
        anomalous: what is not normal comes in the middle; or never.
        seconds: of the recording, in whole frames.
        waveform: of the radar.
        line: of its antennas, ``horizontal`` or ``vertical``.
        folder: that recordings are kept in, the user's cache by default.
        progress: wraps the numbers of the frames.

    Raises:
        ValueError: there is no such watch, or the time holds no frame.
        RecordingError: the recording cannot be written, or is damaged.
    """
    frames = round(seconds / waveform.frame_period_s)
    if frames < 1:
        raise ValueError(f"seconds must hold a frame, got {seconds}")
    place = draw_place(
        watch, seed, anomalous, seconds, NEW_CLOTHES, NEW_WALLS, anomaly_from_s=seconds / 2
    )
    root = folder or cache_folder() / "watches"
    target = root / f"{watch}_{seed}_{int(anomalous)}_{frames}"
    wanted = {
        "format": FORMAT,
        "frames": frames,
        "waveform": asdict(waveform),
        "line": line,
        "simulator": source_digest(__name__),
    }
    if not is_kept(target, wanted):
        with new_folder(target, wanted) as partial:
            _simulate(partial, place, waveform, line, frames, progress)
    os.utime(target)
    forget_old(root, RECORDINGS_KEPT)
    try:
        arrays = {name: np.load(target / f"{name}.npy", mmap_mode="r") for name in _FILES}
        with np.load(target / "truth.npz") as truth:
            arrays |= {name: truth[name] for name in ("time_s", "anomalous", "position_m")}
        short = [name for name, array in arrays.items() if len(array) != frames]
        if short:
            raise ValueError(f"{short[0]} does not have {frames} frames")
    except (OSError, ValueError, KeyError) as error:
        raise RecordingError(f"{target} cannot be read ({error}): delete it") from error
    return WatchRecording(target, place, waveform, **arrays)


def _simulate(
    folder: Path,
    place: WatchedPlace,
    waveform: Waveform,
    line: str,
    frames: int,
    progress: Callable[..., Iterable[int]] | None,
) -> None:
    """Fill a folder."""
    columns, rows = RGBD_CAMERA.size_px
    raw = (waveform.loops_per_frame, waveform.virtual_antennas, waveform.samples_per_chirp, 2)
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {
        "samples": (raw, np.int16),
        "rgb": ((rows, columns, 3), np.uint8),
        "depth_mm": ((rows, columns), np.uint16),
    }
    files = {
        name: np.lib.format.open_memmap(
            folder / f"{name}.npy", mode="w+", dtype=kind, shape=(frames, *shape)
        )
        for name, (shape, kind) in shapes.items()
    }
    radar = WatchRadar(place, waveform, place.seed, line=line)
    camera = WatchCamera(place, RGBD_CAMERA, place.seed)
    time_s = np.arange(frames) * waveform.frame_period_s
    numbers: Iterable[int] = range(frames)
    for number in progress(numbers) if progress is not None else numbers:
        files["samples"][number] = radar.frame(float(time_s[number]), number)
        files["rgb"][number], files["depth_mm"][number] = camera.image(
            float(time_s[number]), number
        )
    position_m = np.array([place.anomaly_m(float(at)) for at in time_s])
    np.savez(
        folder / "truth.npz",
        time_s=time_s,
        anomalous=np.isfinite(position_m[:, 0]),
        position_m=position_m,
    )
