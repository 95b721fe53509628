"""Rotations from files: bags, DCA1000 captures, PanoRadar's raw arrays, simulated drives."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmwave.dca1000 import PositionBlock, read_bin, read_pcap
from mmwave.waveform import Waveform
from panoradar_ros.calibration.file import Calibration
from panoradar_ros.commands.errors import NoRotationError, SourceError
from panoradar_ros.commands.raw_arrays import raw_array_items
from panoradar_ros.imaging.rotation import Rotation
from panoradar_ros.imaging.turntable import AssemblySettings, RotationAssembler

ANGLE_STEP_NS = 10_000_000


__all__ = ["NoRotationError", "SourceError", "positions_from", "rotations_from"]


def rotations_from(
    path: Path,
    waveform: Waveform | None = None,
    revolutions_per_s: float = 2.0,
    settings: AssemblySettings | None = None,
    direction: int = 1,
    calibration: Calibration | None = None,
) -> Iterator[Rotation]:
    """Rotations of whatever lies at a path.

    Args:
        path: a bag (folder with metadata.yaml), a folder with radar_data.npy (PanoRadar's raw
            layout), what panoradar simulate made, or a DCA1000 file (.pcap, .bin).
        waveform: of files that do not say; by default the rotating radar's.
        revolutions_per_s: of DCA1000 files, which hold no turntable angles: a constant rate.
        settings: margins of the rotations.
        direction: +1 counter-clockwise, -1 clockwise; of DCA1000 files and PanoRadar's raw layout,
            which do not say.
        calibration: gains and rate are taken off, its azimuth offset replaces that of the settings;
            None for none.

    Raises:
        SourceError: the path is missing or of no known kind.
        NoRotationError: it holds no whole rotation.
        CalibrationError: the calibration is of another number of antennas.
    """
    settings = settings or AssemblySettings()
    items: Iterable[PositionBlock | tuple[int, float]]
    items = _items(path, waveform or Waveform(), revolutions_per_s, direction)
    if calibration is not None:
        from panoradar_ros.calibration.stream import calibrated_items

        items = calibrated_items(items, calibration)
        if calibration.azimuth_offset_rad is not None:
            settings = replace(settings, mounting_offset_rad=calibration.azimuth_offset_rad)
    assembler = RotationAssembler(settings)
    found = False
    for item in items:
        if isinstance(item, PositionBlock):
            assembler.add_block(item)
        else:
            assembler.add_angle(*item)
        for rotation in assembler.rotations():
            found = True
            yield rotation
    if not found:
        reason = assembler.statistics.last_restart_reason
        because = f" ({reason})" if reason else ""
        raise NoRotationError(
            f"{path} holds no whole rotation with its margins{because}; about 1.2 turns of "
            "contiguous positions and turntable angles are needed"
        )


def positions_from(path: Path, waveform: Waveform | None = None) -> Iterator[PositionBlock]:
    """Positions of whatever lies at a path, whether or not they make a rotation.

    Args:
        path: as for :func:`rotations_from`.
        waveform: of files that do not say; by default the rotating radar's.

    Raises:
        SourceError: the path is missing or of no known kind.
    """
    if _is_bag(path):
        from panoradar_ros.bag_contents import raw_blocks

        yield from raw_blocks(path)
        return
    for item in _items(path, waveform or Waveform(), 1.0, 1):
        if isinstance(item, PositionBlock):
            yield item


def _is_bag(path: Path) -> bool:
    return (path / "metadata.yaml").exists() or (path.suffix == ".mcap" and path.exists())


def _items(
    path: Path, waveform: Waveform, revolutions_per_s: float, direction: int
) -> Iterator[PositionBlock | tuple[int, float]]:
    if not path.exists():
        raise SourceError(f"{path} does not exist")
    if direction not in (-1, 1):
        raise ValueError(f"direction must be 1 (counter-clockwise) or -1, got {direction}")
    rate = direction * revolutions_per_s
    if _is_bag(path):
        return _bag_items(path)
    if (path / "radar_data.npy").exists():
        return raw_array_items(path, waveform, direction)
    drives = [path, *sorted(path.glob("drive/*"))]  # what panoradar simulate made has it inside
    for drive in drives:
        if (drive / "meta.json").exists():
            return _drive_items(drive)
    if path.suffix == ".pcap":
        return _turning(read_pcap(path, waveform), rate)
    if path.suffix == ".bin":
        return _turning(read_bin(path, waveform), rate)
    raise SourceError(
        f"{path} is neither a bag, nor a folder with radar_data.npy, nor a simulated drive, "
        "nor a .pcap or .bin file"
    )


def _turning(
    blocks: Iterator[PositionBlock], revolutions_per_s: float
) -> Iterator[PositionBlock | tuple[int, float]]:
    """Angles of a constant rate, zero at the first position, before the blocks they cover."""
    rate_rad_s = 2 * np.pi * revolutions_per_s
    first_ns: int | None = None
    angle_ns = 0
    for block in blocks:
        if first_ns is None:
            first_ns = angle_ns = int(block.time_ns[0])
        while angle_ns <= block.time_ns[-1] + ANGLE_STEP_NS:
            yield angle_ns, rate_rad_s * (angle_ns - first_ns) * 1e-9
            angle_ns += ANGLE_STEP_NS
        yield block


def _bag_items(path: Path) -> Iterator[PositionBlock | tuple[int, float]]:
    from panoradar_ros.bag_contents import raw_and_angles

    yield from raw_and_angles(path)


def _drive_items(path: Path) -> Iterator[PositionBlock | tuple[int, float]]:
    from mmwave.simulation.recording import Recording

    recording = Recording.open(path)
    waveform = recording.waveform

    def blocks() -> Iterator[PositionBlock]:
        for index, samples in enumerate(recording.samples):
            time_s = index * waveform.frame_period_s + waveform.position_offsets_s
            yield PositionBlock(
                frame_index=index,
                samples=np.asarray(samples),
                time_ns=np.rint(time_s * 1e9).astype(np.int64),
                valid=np.ones(samples.shape[:2], bool),
                waveform=waveform,
            )

    offset_rad = 2 * np.pi * recording.revolutions_per_s * waveform.position_offsets_s[0]
    for item in _turning(blocks(), recording.revolutions_per_s):
        if isinstance(item, PositionBlock):
            yield item
        else:
            yield item[0], item[1] + offset_rad
