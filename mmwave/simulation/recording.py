"""A simulated drive on disk: made once, checked when it is opened, kept in the user's cache.

A recording is a folder::

    meta.json       key, waveform, antennas, levels, sizes and checksums of the other files
    samples.npy     int16 (frame, loop, antenna, sample, 2)
    prelude.npy     int16 (position, antenna, sample, 2): a turn at the first pose, standing still
    drive.npz       poses and velocities at drive times, the static scene

It is written beside its final place and renamed when it is complete.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline
from tqdm import tqdm

from mmwave.simulation.building import RADAR_HEIGHT_M, Building, generate_building
from mmwave.simulation.receiver import LinkBudget
from mmwave.simulation.rotation import (
    REVOLUTIONS_PER_S,
    VISIBILITY_INTERVAL_S,
    DriveSimulator,
    StaticWorld,
    World,
)
from mmwave.simulation.scene import Scene
from mmwave.simulation.trajectory import Pose, Trajectory, Velocity
from mmwave.source_digest import source_digest
from mmwave.waveform import AntennaArray, Waveform

PRELUDE_POSITIONS = 1250
TRUTH_INTERVAL_S = 0.005
FORMAT = 1
_PARTIAL = ".partial"
_ABANDONED_S = 3600.0
_SCENE_FIELDS = ("vertices_m", "faces", "class_id", "instance_id", "material_id")
_LOG = logging.getLogger(__name__)


class RecordingError(RuntimeError):
    """A recording is missing, damaged or cannot be written; the message says what to do."""


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/panoradar_ros``, by default ``~/.cache/panoradar_ros``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "panoradar_ros"


@dataclass(frozen=True)
class SampledTrajectory:
    """Poses and velocities at times, cubic in between.

    Attributes:
        time_s: (K,) increasing times.
        poses: (K, 3) x (m), y (m), yaw (rad, unwrapped).
        velocities: (K, 3) their derivatives.
        loop: repeats after the last time; otherwise it stands still outside its times.
    """

    time_s: NDArray[np.float64]
    poses: NDArray[np.float64]
    velocities: NDArray[np.float64]
    loop: bool

    def __post_init__(self) -> None:
        count = len(self.time_s)
        if count < 2 or self.poses.shape != (count, 3) or self.velocities.shape != (count, 3):
            raise ValueError(
                f"a trajectory needs at least 2 samples of 3 values, got {self.poses.shape} poses "
                f"and {self.velocities.shape} velocities at {count} times"
            )
        spline = CubicHermiteSpline(self.time_s, self.poses, self.velocities)
        object.__setattr__(self, "_spline", spline)

    def _inside(self, time_s: ArrayLike) -> NDArray[np.float64]:
        time = np.asarray(time_s, np.float64)
        begin, end = self.time_s[0], self.time_s[-1]
        return begin + np.mod(time - begin, end - begin) if self.loop else np.clip(time, begin, end)

    def pose(self, time_s: ArrayLike) -> Pose:
        """Pose at ``time_s`` (any shape)."""
        spline: Any = self.__dict__["_spline"]
        return Pose(*np.moveaxis(spline(self._inside(time_s)), -1, 0))

    def velocity(self, time_s: ArrayLike) -> Velocity:
        """Velocity at ``time_s`` (any shape)."""
        spline: Any = self.__dict__["_spline"]
        time = np.asarray(time_s, np.float64)
        inside = self._inside(time)
        moving = self.loop | ((time >= self.time_s[0]) & (time <= self.time_s[-1]))
        return Velocity(*np.moveaxis(spline(inside, 1) * np.asarray(moving)[..., None], -1, 0))


@dataclass(frozen=True)
class Recording:
    """A simulated drive.

    Attributes:
        folder: where it lies.
        waveform: chirp and frame timing.
        array: antennas.
        budget: levels.
        samples: int16 (frame, loop, antenna, sample, 2), mapped from disk.
        prelude: int16 (position, antenna, sample, 2): a turn at the first pose at azimuths
            2 pi k / position with the turntable stopped, mapped from disk.
        duration_s: frames times the frame period.
        loop: the end fits the beginning.
        trajectory: pose of base_link at any drive time.
        scene: everything that stands still.
        height_m: of the antenna array's middle.
        revolutions_per_s: of the turntable, whose angle is 0 at the drive's start.
        style: style of the building, empty for a bare scene.
        building_seed: seed of the building.
        seed: of surfaces, leakage and noise.
    """

    folder: Path
    waveform: Waveform
    array: AntennaArray
    budget: LinkBudget
    samples: NDArray[np.int16]
    prelude: NDArray[np.int16]
    duration_s: float
    loop: bool
    trajectory: SampledTrajectory
    scene: Scene
    height_m: float
    revolutions_per_s: float
    style: str
    building_seed: int
    seed: int

    def azimuth_rad(self, time_s: ArrayLike) -> NDArray[np.float64]:
        """Turntable angle at drive times, unwrapped."""
        return 2 * np.pi * self.revolutions_per_s * np.asarray(time_s, np.float64)

    def building(self) -> Building:
        """The building with its people, drawn again.

        Raises:
            RecordingError: the drive was simulated in a bare scene.
        """
        if not self.style:
            raise RecordingError(f"{self.folder} was simulated in a bare scene without a building")
        return generate_building(self.building_seed, self.style)

    @staticmethod
    def open(path: str | Path, *, verify: bool = True) -> "Recording":
        """Open a recording.

        Args:
            path: its folder.
            verify: read everything once and compare checksums.

        Raises:
            RecordingError: it is not there, not complete, or damaged.
        """
        folder = Path(path)
        remedy = "delete the folder and simulate the drive again"
        try:
            meta = json.loads((folder / "meta.json").read_text())
            if meta["format"] != FORMAT:
                raise RecordingError(f"{folder}: format {meta['format']} is not {FORMAT}: {remedy}")
            for name, expected in meta["files"].items():
                size = (folder / name).stat().st_size
                if size != expected["bytes"]:
                    raise RecordingError(
                        f"{folder / name} has {size} bytes instead of {expected['bytes']}: {remedy}"
                    )
                if verify and _checksum(folder / name) != expected["crc32"]:
                    raise RecordingError(f"{folder / name} is damaged (checksum): {remedy}")
            budget = dict(meta["budget"])
            budget["leakage_path_m"] = tuple(budget["leakage_path_m"])
            with np.load(folder / "drive.npz") as drive:
                trajectory = SampledTrajectory(
                    drive["time_s"], drive["poses"], drive["velocities"], meta["loop"]
                )
                scene = Scene(*(drive[name] for name in _SCENE_FIELDS))
            return Recording(
                folder,
                Waveform(**meta["waveform"]),
                AntennaArray(**meta["array"]),
                LinkBudget(**budget),
                np.load(folder / "samples.npy", mmap_mode="r"),
                np.load(folder / "prelude.npy", mmap_mode="r"),
                meta["duration_s"],
                meta["loop"],
                trajectory,
                scene,
                meta["height_m"],
                meta["revolutions_per_s"],
                meta["style"],
                meta["building_seed"],
                meta["seed"],
            )
        except FileNotFoundError as error:
            raise RecordingError(f"{error.filename} is missing: {remedy}") from error
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise RecordingError(f"{folder} cannot be read ({error}): {remedy}") from error


def simulate_drive(
    building: World | Scene,
    trajectory: Trajectory,
    duration_s: float,
    waveform: Waveform | None = None,
    array: AntennaArray | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    progress: Callable[..., Any] | None = tqdm,
    *,
    budget: LinkBudget | None = None,
    loop: bool = True,
    height_m: float = RADAR_HEIGHT_M,
    revolutions_per_s: float = REVOLUTIONS_PER_S,
    visibility_interval_s: float = VISIBILITY_INTERVAL_S,
    prelude_positions: int = PRELUDE_POSITIONS,
) -> Recording:
    """Simulate a drive, or open it if the same one was simulated before.

    Args:
        building: what surrounds the radar.
        trajectory: pose of base_link; with ``loop`` it must repeat after ``duration_s``.
        duration_s: whole frames.
        waveform: chirp; the default is the rotating radar's.
        array: antennas.
        seed: of surfaces, leakage and noise.
        folder: recordings are kept in here, each in a folder named by its key;
            :func:`cache_folder` / "drives" by default.
        progress: called like tqdm(iterable, total=..., desc=..., unit=...); None shows nothing.
        budget: levels.
        loop: the drive is played round and round: it must be whole turns of the turntable.
        height_m: of the antenna array's middle.
        revolutions_per_s: of the turntable.
        visibility_interval_s: how often visibility is found.
        prelude_positions: azimuths of the prelude.

    Raises:
        ValueError: the duration does not fit frames or turns, or the loop does not close.
        RecordingError: the folder cannot be written (disk full, rights).
    """
    waveform, array = waveform or Waveform(), array or AntennaArray()
    world = StaticWorld(building) if isinstance(building, Scene) else building
    frames = _whole("duration_s", duration_s, waveform.frame_period_s, "frames")
    if loop:
        _whole("duration_s", duration_s, 1 / revolutions_per_s, "turns of the turntable")
        _check_closed(trajectory, duration_s)
    simulator = DriveSimulator(
        world, trajectory, waveform, array, seed, budget or LinkBudget(), height_m,
        revolutions_per_s, visibility_interval_s, duration_s if loop else 60.0,
    )  # fmt: skip
    drive = _drive_arrays(simulator, duration_s)
    meta = {
        "format": FORMAT,
        "waveform": asdict(waveform),
        "array": asdict(array),
        "budget": asdict(simulator.budget),
        "frames": frames,
        "duration_s": duration_s,
        "loop": loop,
        "height_m": height_m,
        "revolutions_per_s": revolutions_per_s,
        "visibility_interval_s": visibility_interval_s,
        "prelude_positions": prelude_positions,
        "style": getattr(building, "style", ""),
        "building_seed": getattr(building, "seed", 0),
        "seed": seed,
    }
    key = _key(meta, drive, world, duration_s)
    target = Path(folder or cache_folder() / "drives") / key
    if target.exists():
        try:
            return Recording.open(target)
        except RecordingError as error:
            _LOG.warning("%s; simulating it again", error)
            shutil.rmtree(target)
    _write(target, simulator, meta, drive, progress)
    return Recording.open(target, verify=False)


def _whole(name: str, value: float, unit: float, units: str) -> int:
    count = round(value / unit)
    if count < 1 or abs(value / unit - count) > 1e-6:
        raise ValueError(f"{name} must be whole {units} of {unit:.6g} s, got {value} s")
    return count


def _check_closed(trajectory: Trajectory, duration_s: float) -> None:
    begin, end = (np.array(trajectory.pose(np.float64(t))) for t in (0.0, duration_s))
    gap_m = float(np.hypot(*(end - begin)[:2]))
    turn = float(np.abs(np.angle(np.exp(1j * (end - begin)[2]))))
    if gap_m > 1e-4 or turn > 1e-4:
        raise ValueError(
            f"the drive does not close after {duration_s} s (gap {gap_m:.4f} m, {turn:.4f} rad): "
            "give a periodic trajectory or loop=False"
        )


def _drive_arrays(simulator: DriveSimulator, duration_s: float) -> dict[str, NDArray[Any]]:
    steps = max(2, int(np.ceil(duration_s / TRUTH_INTERVAL_S)))
    time_s = np.linspace(0.0, duration_s, steps + 1)
    poses = np.stack(simulator.trajectory.pose(time_s), axis=1)
    poses[:, 2] = np.unwrap(poses[:, 2])
    velocities = np.stack(simulator.trajectory.velocity(time_s), axis=1)
    scene = simulator.world.scene
    arrays: dict[str, NDArray[Any]] = {"time_s": time_s, "poses": poses, "velocities": velocities}
    return arrays | {name: getattr(scene, name) for name in _SCENE_FIELDS}


def _key(
    meta: dict[str, Any], drive: dict[str, NDArray[Any]], world: World, duration_s: float
) -> str:
    """Hash of everything that determines the samples, the simulator's own text included."""
    digest = hashlib.sha256(json.dumps(meta, sort_keys=True).encode())
    for name, values in drive.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    for time_s in np.linspace(0, duration_s, 8):
        digest.update(world.scene_at(float(time_s)).vertices_m.tobytes())
    digest.update(source_digest(__name__).encode())
    return digest.hexdigest()[:24]


def _checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            value = zlib.crc32(block, value)
    return value


def _write(
    target: Path,
    simulator: DriveSimulator,
    meta: dict[str, Any],
    drive: dict[str, NDArray[Any]],
    progress: Callable[..., Any] | None,
) -> None:
    """Write a recording beside its place and rename it."""
    frames = meta["frames"]
    needed = (frames + meta["prelude_positions"] / simulator.waveform.loops_per_frame + 8) * (
        simulator.waveform.bytes_per_frame
    )
    partial: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        _require_space(target, needed)
        partial = Path(
            tempfile.mkdtemp(prefix=f".{target.name}.", suffix=_PARTIAL, dir=target.parent)
        )
        prelude = simulator.still_turn(meta["prelude_positions"])
        _write_array(partial / "prelude.npy", prelude.shape, [prelude])
        np.savez(partial / "drive.npz", allow_pickle=False, **drive)
        made: Iterable[NDArray[np.int16]] = simulator.frames(frames)
        if progress is not None:
            made = progress(made, total=frames, desc="simulating the drive", unit="frame")
        shape = (frames, simulator.waveform.loops_per_frame, *prelude.shape[1:])
        _write_array(partial / "samples.npy", shape, made)
        files = {
            path.name: {"bytes": path.stat().st_size, "crc32": _checksum(path)}
            for path in sorted(partial.iterdir())
        }
        (partial / "meta.json").write_text(json.dumps(meta | {"files": files}, indent=2))
        _rename(partial, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_space(target, needed) from error
        raise RecordingError(
            f"cannot write the recording {target}: {error.strerror or error}; "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left half written."""
    for leftover in folder.glob(f".*{_PARTIAL}"):
        if time.time() - leftover.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(leftover, ignore_errors=True)


def _rename(partial: Path, target: Path) -> None:
    """Put a complete recording in its place, unless another process was faster."""
    partial.chmod(0o755)
    try:
        partial.rename(target)
    except OSError:
        if not (target / "meta.json").exists():
            raise


def _write_array(path: Path, shape: tuple[int, ...], parts: Iterable[NDArray[np.int16]]) -> None:
    """Write int16 parts one after the other as one .npy file (a map would crash on a full disk)."""
    header = {"descr": "<i2", "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype="<i2").data)


def _require_space(target: Path, needed: float) -> None:
    if shutil.disk_usage(target.parent).free < needed:
        raise _no_space(target, needed)


def _no_space(target: Path, needed: float) -> RecordingError:
    free = shutil.disk_usage(target.parent).free
    return RecordingError(
        f"the recording needs {needed / 1e6:.0f} MB in {target.parent}, {free / 1e6:.0f} MB are "
        "free: free some space or set XDG_CACHE_HOME to a folder on another disk"
    )
