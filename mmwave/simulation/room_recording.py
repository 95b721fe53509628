"""What both fixed radars see of a simulated room for a while, on disk: made once and kept.

A folder of ``VIEW.npy``, int16 (frame, loop, antenna, sample, 2), and ``meta.json``; it is written
beside its place and renamed when it is complete.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.fixed_radar import LINES, fixed_radar
from mmwave.simulation.kept_folder import forget_old, is_kept, new_folder
from mmwave.simulation.recording import RecordingError, cache_folder
from mmwave.simulation.room import RADAR_HEIGHT_M, OccupiedRoom, generate_room
from mmwave.source_digest import source_digest
from mmwave.waveform import Waveform

FORMAT = 1
MODULES = ("mmwave.simulation.fixed_radar", "mmwave.simulation.room")
"""They, and what they import, determine what radars see of rooms."""

ROOMS_KEPT = 4
"""A room of half a minute takes about 160 MB."""


@dataclass(frozen=True)
class RoomRecording:
    """A recording that is open.

    Attributes:
        folder: of its files.
        room: with its people.
        waveform: of both radars.
        samples: int16 (frame, loop, antenna, sample, 2) by view.
    """

    folder: Path
    room: OccupiedRoom
    waveform: Waveform
    samples: dict[str, NDArray[np.int16]]

    @property
    def duration_s(self) -> float:
        """Until the recording begins anew."""
        return len(next(iter(self.samples.values()))) * self.waveform.frame_period_s


def record_room(
    seed: int,
    session: int,
    people: int | None,
    duration_s: float,
    waveform: Waveform,
    folder: Path | None = None,
    progress: Callable[..., Iterable[int]] | None = None,
) -> RoomRecording:
    """Simulate a room, or open it if that was done before.

    Args:
        seed: of the room.
        session: of the day.
        people: in it, see :func:`mmwave.simulation.room.generate_room`.
        duration_s: of the recording, in whole frames.
        waveform: of both radars.
        folder: that recordings are kept in, the user's cache by default.
        progress: wraps the numbers of the frames.

    Raises:
        ValueError: the duration holds no frame.
        RecordingError: the recording cannot be written, or is damaged.
    """
    frames = round(duration_s / waveform.frame_period_s)
    if frames < 1:
        raise ValueError(f"duration_s must hold a frame, got {duration_s}")
    room = generate_room(seed, session, people)
    root = folder or cache_folder() / "rooms"
    target = root / f"room_{seed}_{session}_{people}_{frames}"
    wanted = {
        "format": FORMAT,
        "frames": frames,
        "waveform": asdict(waveform),
        "simulator": source_digest(*MODULES),
    }
    if not is_kept(target, wanted):
        with new_folder(target, wanted) as partial:
            _fill(partial, room, waveform, frames, progress)
    os.utime(target)
    forget_old(root, ROOMS_KEPT)
    samples = {}
    for view in LINES:
        path = target / f"{view}.npy"
        try:
            samples[view] = np.load(path, mmap_mode="r")
            if len(samples[view]) != frames:
                raise ValueError(f"{len(samples[view])} frames instead of {frames}")
        except (OSError, ValueError) as error:
            raise RecordingError(f"{path} cannot be read ({error}): delete {target}") from error
    return RoomRecording(target, room, waveform, samples)


def _fill(
    folder: Path,
    room: OccupiedRoom,
    waveform: Waveform,
    frames: int,
    progress: Callable[..., Iterable[int]] | None,
) -> None:
    shape = (
        frames, waveform.loops_per_frame, waveform.virtual_antennas,
        waveform.samples_per_chirp, 2,
    )  # fmt: skip
    files = {
        view: np.lib.format.open_memmap(
            folder / f"{view}.npy", mode="w+", dtype=np.int16, shape=shape
        )
        for view in LINES
    }
    _simulate(room, waveform, files, progress)


def _simulate(
    room: OccupiedRoom,
    waveform: Waveform,
    files: dict[str, Any],
    progress: Callable[..., Iterable[int]] | None,
) -> None:
    """Fill the files; both radars at once."""
    frames = len(next(iter(files.values())))
    radars = [
        fixed_radar(room, room.radar, RADAR_HEIGHT_M, view, waveform, 2 * room.seed + number)
        for number, view in enumerate(LINES)
    ]
    sources = [radar.frames(frames) for radar in radars]
    numbers: Iterable[int] = range(frames)
    with ThreadPoolExecutor(len(radars)) as pool:
        for number in progress(numbers) if progress is not None else numbers:
            for view, frame in zip(LINES, pool.map(next, sources), strict=True):
                files[view][number] = frame
