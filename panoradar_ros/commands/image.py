"""``panoradar image``: files in; pictures, points and a report out."""

import argparse
import json
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from mmwave.waveform import Waveform
from panoradar_ros.calibration.file import Calibration, CalibrationError, read_calibration
from panoradar_ros.commands.progress import progress
from panoradar_ros.commands.source_arguments import (
    add_source_arguments,
    check_source_arguments,
    rotations_of,
    waveform_of,
)

PROFILE_FRAMES = 64
"""So many frames at most are shown where there is no whole rotation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_source_arguments(parser)
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (out)")
    parser.add_argument("--limit", type=int, help="image so many rotations at most")
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="what panoradar calibrate wrote, of this radar: offset, rate and gains are taken off",
    )
    parser.add_argument("--decimation", type=int, default=1, help="use every n-th position (1)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Image every rotation of a file; without one, show what the radar received."""
    from panoradar_ros.bags import BagError
    from panoradar_ros.commands.sources import NoRotationError

    _check(arguments)
    waveform = waveform_of(arguments)
    calibration = arguments.calibration and read_calibration(arguments.calibration)
    report: dict[str, object] = {"source": str(arguments.source), "rotations": []}
    if calibration is not None:
        report["calibration"] = str(arguments.calibration)
    try:
        report["rotations"] = rows = _image_all(arguments, calibration)
        note = f"{len(rows)} rotations imaged into {arguments.output}"
    except (NoRotationError, BagError) as reason:
        # a bag without turntable angles may still hold positions
        report["profile"] = profile = _write_profile(arguments, waveform, reason)
        report["note"] = note = (
            f"{reason}. Instead {arguments.output / 'profile.png'} shows range, up to "
            f"{profile['maximum_range_m']} m at the top, over {profile['positions']} positions "
            f"({profile['lost_positions']} lost, black){_assumed(arguments, waveform)}"
        )
    (arguments.output / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report) if arguments.json else note)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    check_source_arguments(arguments)
    if arguments.limit is not None and arguments.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {arguments.limit}")


def _assumed(arguments: argparse.Namespace, waveform: Waveform) -> str:
    """What had to be assumed of a file that does not say with which chirps it was taken."""
    if arguments.source.suffix not in (".pcap", ".bin"):
        return ""
    return (
        f"; the file does not say its chirps, {waveform.samples_per_chirp} samples each were "
        "assumed (--samples-per-chirp)"
    )


def _image_all(
    arguments: argparse.Namespace, calibration: Calibration | None
) -> list[dict[str, object]]:
    """Image every rotation; one row of the report for each."""
    from panoradar_ros.imaging.pipeline import Imager, ImagingSettings

    imager = Imager(settings=ImagingSettings(decimation=arguments.decimation))
    rotations = rotations_of(arguments, arguments.source, calibration)
    bar = progress(
        islice(rotations, arguments.limit),
        desc="imaging",
        unit="rotation",
        leave=False,
    )
    rows = []
    try:
        for number, rotation in enumerate(bar):
            arguments.output.mkdir(parents=True, exist_ok=True)
            rows.append(_write(arguments.output, number, imager.image(rotation), imager, rotation))
    except CalibrationError as error:  # only the first frame says how many antennas there are
        raise CalibrationError(f"{arguments.calibration}: {error}") from error
    return rows


def _write_profile(
    arguments: argparse.Namespace, waveform: Waveform, reason: Exception
) -> dict[str, object]:
    """Picture range over position; raises the reason again if there are no positions either."""
    from mmwave.spectrum import as_complex, range_spectrum
    from panoradar_ros.commands.sources import positions_from
    from panoradar_ros.imaging import pictures

    rows = []
    for block in islice(positions_from(arguments.source, waveform), PROFILE_FRAMES):
        waveform = block.waveform
        power = np.abs(range_spectrum(as_complex(block.samples))) ** 2
        received = block.valid.sum(axis=1)
        mean = (power * block.valid[..., None]).sum(axis=1) / np.maximum(received, 1)[:, None]
        rows.append(np.where(received[:, None] > 0, mean, np.nan))
    received_rows = [np.isfinite(one[:, 0]) for one in rows]
    if not any(one.any() for one in received_rows):
        raise reason
    arguments.output.mkdir(parents=True, exist_ok=True)
    picture = pictures.range_profile(np.concatenate(rows))
    cv2.imwrite(str(arguments.output / "profile.png"), picture[..., ::-1])
    present = np.concatenate(received_rows)
    return {
        "positions": len(present),
        "lost_positions": int((~present).sum()),
        "maximum_range_m": round(waveform.max_range_m, 2),
    }


def _write(folder: Path, number: int, panorama, imager, rotation) -> dict[str, object]:
    from panoradar_ros.imaging import pictures
    from panoradar_ros.ply import write_ply

    grid = imager.settings.grid
    waveform = rotation.waveform
    radius_m = imager.array.radius_m
    images = {
        "panorama": pictures.panorama(panorama.image.range_m, waveform.max_range_m),
        "heatmap": pictures.heatmap(panorama.power, grid),
        "bird_eye": pictures.bird_eye(panorama.power, grid, waveform.range_bin_m, radius_m),
    }
    for name, picture in images.items():
        cv2.imwrite(str(folder / f"{number:03d}_{name}.png"), picture[..., ::-1])
    points = write_ply(
        folder / f"{number:03d}_points.ply", panorama.points_m, panorama.image.intensity_db
    )
    motion = panorama.motion
    return {
        "rotation": number,
        "start_ns": panorama.start_ns,
        "points": points,
        "speed_mps": round(motion.motion.speed_mps, 5),
        "heading_deg": round(float(np.rad2deg(motion.motion.heading_rad)), 3),
        "motion_reliable": motion.reliable,
        "lost_fraction": panorama.lost_fraction,
        "scan_rays": int(np.isfinite(panorama.scan.range_m).sum()),
    }
