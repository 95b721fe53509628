"""PanoRadar's raw layout: a folder of arrays, as its authors publish their recordings.

``radar_data.npy`` holds complex samples (frame, chirp, receiver, sample), ``radar_ts.txt`` times in
seconds and ``data_params.npz`` the position at which every turn starts (``radar_sep``). What these
files leave open, and what is assumed here, no source confirms:

* *Antenna order*: the chirps of a loop are taken as transmitter 0, then transmitter 1, so that
  virtual antenna = transmitter * receivers + receiver, index 0 at the bottom.
* *Direction of the turntable*: unknown. The columns of the authors' images run clockwise, which is
  the image's order and need not be the motor's. The caller says which.
* *Stamps*: one per frame is taken as the time of its first position, the positions evenly spread
  until the next frame; one per position is taken as it is.
* *Scale*: ADC counts, or counts / 32768 if no value exceeds 1.
* *Chirps*: sweep and sampling rate are the given waveform's, the timing is the data's.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000 import PositionBlock
from mmwave.waveform import Waveform
from panoradar_ros.commands.errors import SourceError

FULL_SCALE = 32768
"""Counts of an amplitude of 1 in scaled files."""


@dataclass(frozen=True)
class _Timing:
    """When the positions were taken.

    Attributes:
        position_s: (frame, loop) strictly increasing in the order of memory.
        frame_period_s: median distance of the frames.
        loop_interval_s: median distance of the positions of a frame.
    """

    position_s: NDArray[np.float64]
    frame_period_s: float
    loop_interval_s: float


def raw_array_items(
    folder: Path, waveform: Waveform, direction: int = 1
) -> Iterator[PositionBlock | tuple[int, float]]:
    """Positions and turntable angles (time_ns, rad) of a folder, in the order of time.

    Between two starts of a turn the angle grows evenly by a full turn; before the first and after
    the last start the neighbouring rate goes on.

    Args:
        folder: holds the three files of the module's description.
        waveform: sweep, sampling and number of antennas; its timing is replaced by the data's.
        direction: +1 counter-clockwise, -1 clockwise.

    Raises:
        SourceError: a file is missing or does not fit the others; the message names the file, what
            it holds and what is expected.
    """
    data = _samples(folder / "radar_data.npy", waveform)
    frames, loops = len(data), data.shape[1] // waveform.transmitters
    starts = _turn_starts(folder / "data_params.npz", frames * loops)
    timing = _timing(folder / "radar_ts.txt", frames, loops)
    fitted = _fitted(folder / "radar_ts.txt", waveform, loops, timing)
    scale = _scale(folder / "radar_data.npy", data)
    angles = direction * 2 * np.pi * _turns(timing.position_s.ravel(), starts, timing)
    first_s = timing.position_s[:, :1]
    since_ns = np.rint((timing.position_s - first_s) * 1e9).astype(np.int64)
    time_ns = np.rint(first_s * 1e9).astype(np.int64) + since_ns
    for number, frame in enumerate(data):
        times = time_ns[number]
        turned = angles[number * loops : (number + 1) * loops]
        yield from zip(times.tolist(), turned.tolist(), strict=True)
        yield _block_of(np.asarray(frame), number, times, fitted, scale)


def _read(path: Path, load: Any) -> Any:
    """What ``load`` makes of a file; every failure names the file."""
    if not path.exists():
        raise SourceError(f"{path} is missing")
    try:
        return load(path)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error


def _samples(path: Path, waveform: Waveform) -> NDArray[np.complexfloating]:
    data = _read(path, lambda name: np.load(name, mmap_mode="r"))
    wanted = f"(frame, chirp, {waveform.receivers}, {waveform.samples_per_chirp})"
    if data.ndim != 4 or data.shape[2:] != (waveform.receivers, waveform.samples_per_chirp):
        raise SourceError(f"{path} must be {wanted}, got {data.shape}")
    if not np.iscomplexobj(data):
        raise SourceError(f"{path} must hold complex samples, got {data.dtype}")
    if not data.shape[0] or not data.shape[1] or data.shape[1] % waveform.transmitters:
        raise SourceError(
            f"{path} must be {wanted} with frames and a multiple of {waveform.transmitters} "
            f"chirps, one for each transmitter; got {data.shape}"
        )
    return data


def _turn_starts(path: Path, positions: int) -> NDArray[np.float64]:
    def load(name: Path) -> NDArray[np.float64]:
        with np.load(name) as parameters:
            if "radar_sep" not in parameters:
                held = ", ".join(parameters) or "nothing"
                raise ValueError(f"it needs radar_sep, the starts of the turns; it has {held}")
            return np.asarray(parameters["radar_sep"], float)

    starts = _read(path, load)
    if starts.ndim != 1 or len(starts) < 2:
        raise SourceError(f"{path}: radar_sep needs two turns or more, got shape {starts.shape}")
    if not np.all(np.diff(starts) > 0) or starts[0] < 0 or starts[-1] > positions:
        raise SourceError(
            f"{path}: radar_sep must increase within 0 to {positions}, the positions in "
            f"radar_data.npy; got {starts[0]:g} to {starts[-1]:g}"
        )
    return starts


def _timing(path: Path, frames: int, loops: int) -> _Timing:
    stamps = _read(path, np.loadtxt).reshape(-1)
    if len(stamps) not in (frames, frames * loops):
        raise SourceError(
            f"{path} must hold {frames} times (one a frame) or {frames * loops} (one a position, "
            f"that is a pair of chirps), got {len(stamps)}"
        )
    if len(stamps) < 2:
        raise SourceError(f"{path}: one time says nothing about the rate; two or more are needed")
    if not np.all(np.isfinite(stamps)) or not np.all(np.diff(stamps) > 0):
        where = int(np.argmin(np.diff(stamps) > 0)) + 1
        raise SourceError(
            f"{path}: times must be finite and increase, line {where + 1} does not "
            f"({stamps[where - 1]:.6f} s, then {stamps[where]:.6f} s)"
        )
    if len(stamps) == frames * loops:
        position_s = stamps.reshape(frames, loops)
        inside = np.diff(position_s, axis=1)
        interval_s = float(np.median(inside if loops > 1 else np.diff(stamps)))
        starts = np.diff(position_s[:, 0])
        return _Timing(
            position_s, float(np.median(starts)) if frames > 1 else interval_s * loops, interval_s
        )
    distance_s = np.diff(stamps)
    period_s = float(np.median(distance_s))
    # early frames are squeezed so that nothing overlaps, late ones leave a gap
    length_s = np.minimum(np.append(distance_s, period_s), period_s)
    position_s = stamps[:, None] + length_s[:, None] * np.arange(loops) / loops
    return _Timing(position_s, period_s, period_s / loops)


def _fitted(path: Path, waveform: Waveform, loops: int, timing: _Timing) -> Waveform:
    """The waveform with the data's timing."""
    fits_s = timing.frame_period_s / loops * (1 - 1e-9)
    chirp_s = min(timing.loop_interval_s, fits_s) / waveform.transmitters
    if chirp_s < waveform.ramp_end_s:
        raise SourceError(
            f"{path}: {loops} positions a frame are {chirp_s * waveform.transmitters * 1e6:.1f} us "
            f"apart, but their {waveform.transmitters} chirps take "
            f"{waveform.transmitters * waveform.ramp_end_s * 1e6:.1f} us; are the times seconds?"
        )
    return replace(
        waveform,
        loops_per_frame=loops,
        frame_period_s=timing.frame_period_s,
        idle_s=chirp_s - waveform.ramp_end_s,
    )


def _turns(
    position_s: NDArray[np.float64], starts: NDArray[np.float64], timing: _Timing
) -> NDArray[np.float64]:
    """Turns since the first start at every position."""
    times_s = np.append(position_s, position_s[-1] + timing.loop_interval_s)
    start_s = np.interp(starts, np.arange(len(times_s)), times_s)
    turns = np.interp(position_s, start_s, np.arange(len(starts)))
    first_s, last_s = np.diff(start_s)[[0, -1]]
    early, late = position_s < start_s[0], position_s > start_s[-1]
    turns[early] = (position_s[early] - start_s[0]) / first_s
    turns[late] = len(starts) - 1 + (position_s[late] - start_s[-1]) / last_s
    return turns


def _components(frame: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    """(..., sample, 2), the last axis (I, Q)."""
    return np.stack([frame.real, frame.imag], axis=-1)


def _scale(path: Path, data: NDArray[np.complexfloating]) -> int:
    """Counts of an amplitude of 1 in the file."""
    low, high = 0.0, 0.0
    for frame in data:
        parts = _components(np.asarray(frame))
        smallest, largest = float(parts.min()), float(parts.max())
        if not np.isfinite(smallest) or not np.isfinite(largest):
            raise SourceError(f"{path} must hold finite samples; some are not (NaN or infinite)")
        low, high = min(low, smallest), max(high, largest)
    if low >= -1 and high <= 1:
        return FULL_SCALE
    if low < -FULL_SCALE or high >= FULL_SCALE:
        raise SourceError(
            f"{path} must hold ADC counts (-32768 to 32767) or counts / 32768 (-1 to 1); "
            f"its samples go from {low:g} to {high:g}"
        )
    return 1


def _block_of(
    frame: NDArray[np.complexfloating],
    number: int,
    time_ns: NDArray[np.int64],
    waveform: Waveform,
    scale: int,
) -> PositionBlock:
    shape = (len(time_ns), waveform.virtual_antennas, waveform.samples_per_chirp)
    counts = np.rint(_components(frame) * scale).reshape(*shape, 2)
    return PositionBlock(
        frame_index=number,
        samples=np.clip(counts, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16),
        time_ns=time_ns,
        valid=np.ones(shape[:2], bool),
        waveform=waveform,
    )
