"""Options of the commands that read recordings: where they are and what they do not say."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mmwave.waveform import Waveform
from panoradar_ros.calibration.file import Calibration
from panoradar_ros.imaging.rotation import Rotation

DIRECTIONS = {"ccw": 1, "cw": -1}


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the source and what has to be assumed of files that do not say."""
    parser.add_argument(
        "source", type=Path, help="bag, .pcap, .bin, folder with radar_data.npy, simulated drive"
    )
    parser.add_argument(
        "--revolutions-per-s",
        type=float,
        default=2.0,
        help="turntable rate of .pcap and .bin files, which hold no angles (2)",
    )
    parser.add_argument(
        "--direction",
        choices=tuple(DIRECTIONS),
        default="ccw",
        help="how the turntable turned, seen from above, in files that do not say (.pcap, .bin, "
        "radar_data.npy); for PanoRadar's recordings it is not known: a mirrored picture means "
        "the other one (ccw)",
    )
    parser.add_argument(
        "--samples-per-chirp",
        type=int,
        default=Waveform().samples_per_chirp,
        help="complex samples of a chirp, over the same sweep, in .pcap, .bin and radar_data.npy "
        "files, which do not say (256)",
    )


def check_source_arguments(arguments: argparse.Namespace) -> None:
    """Look at the values before any file is opened.

    Raises:
        ValueError: a value is out of its range; the message names the option.
    """
    if not arguments.revolutions_per_s > 0:
        raise ValueError(f"--revolutions-per-s must be positive, got {arguments.revolutions_per_s}")
    if not 16 <= arguments.samples_per_chirp <= 4096:
        raise ValueError(
            f"--samples-per-chirp must be from 16 to 4096, got {arguments.samples_per_chirp}"
        )


def waveform_of(arguments: argparse.Namespace) -> Waveform:
    """The rotating radar's sweep, sampled as often as the options say."""
    default, count = Waveform(), arguments.samples_per_chirp
    rate_hz = default.sample_rate_hz * count / default.samples_per_chirp
    return replace(default, samples_per_chirp=count, sample_rate_hz=rate_hz)


def rotations_of(
    arguments: argparse.Namespace, source: Path, calibration: Calibration | None = None
) -> Iterator[Rotation]:
    """Rotations of a recording, read as the options say.

    Args:
        arguments: of :func:`add_source_arguments`.
        source: the source of the arguments, or another one like it.
        calibration: taken off the samples and the angles; None for none.

    Raises:
        SourceError: the path is missing or of no known kind.
        NoRotationError: it holds no whole rotation.
        CalibrationError: the calibration is of another number of antennas.
    """
    from panoradar_ros.commands.sources import rotations_from

    return rotations_from(
        source,
        waveform_of(arguments),
        arguments.revolutions_per_s,
        direction=DIRECTIONS[arguments.direction],
        calibration=calibration,
    )
