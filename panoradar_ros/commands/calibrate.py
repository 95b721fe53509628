"""``panoradar calibrate``: turns of a standing radar in, a calibration for the nodes out."""

import argparse
import json
from itertools import islice
from pathlib import Path

import numpy as np

from panoradar_ros.commands.progress import progress
from panoradar_ros.commands.source_arguments import (
    add_source_arguments,
    check_source_arguments,
    rotations_of,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_source_arguments(parser)
    parser.add_argument(
        "--output", type=Path, default=Path("calibration.yaml"), help="file (calibration.yaml)"
    )
    parser.add_argument("--limit", type=int, default=20, help="use so many turns at most (20)")
    parser.add_argument(
        "--antennas",
        action="store_true",
        help="calibrate the antennas with the strongest reflector (implied by the next options)",
    )
    for name, what in (
        ("range-m", "distance of the reflector from the turntable's axis"),
        ("azimuth-deg", "true azimuth of the reflector in base_link; gives the azimuth offset"),
        ("elevation-deg", "elevation of the reflector above the antennas"),
        ("search-deg", "where the reflector is as the turntable's angles say, 8 deg around it"),
    ):
        parser.add_argument(f"--reflector-{name}", type=float, help=what)
    parser.add_argument(
        "--reference",
        type=Path,
        help="a recording from the same place whose azimuths are right; gives the azimuth offset",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure, write, and say what to do with it."""
    from mmwave.waveform import AntennaArray
    from panoradar_ros.calibration.file import write_calibration
    from panoradar_ros.calibration.measurement import calibrate
    from panoradar_ros.calibration.panorama import panorama_of

    check_source_arguments(arguments)
    if arguments.limit < 2:
        raise ValueError(f"--limit must be at least 2, got {arguments.limit}")
    if not arguments.output.parent.is_dir():
        raise ValueError(f"{arguments.output.parent} is not a folder")
    reference = None
    if arguments.reference is not None:
        reference = panorama_of(
            next(iter(rotations_of(arguments, arguments.reference))), AntennaArray()
        )
    bar = progress(
        islice(rotations_of(arguments, arguments.source), arguments.limit),
        desc="calibrating",
        unit="turn",
        leave=False,
    )
    calibration = calibrate(bar, target=_target(arguments), reference=reference)
    write_calibration(arguments.output, calibration)
    offset = calibration.azimuth_offset_rad
    result = {
        "output": str(arguments.output),
        "azimuth_offset_deg": None if offset is None else float(np.rad2deg(offset)),
        "rate_ratio": calibration.rate_ratio,
        "antennas": None if calibration.antenna_gain is None else len(calibration.antenna_gain),
        **dict(calibration.measured or {}),
        # after what was measured: the value that is used, 1 if the difference is not significant
        "rate_ratio_used": calibration.rate_ratio,
    }
    print(json.dumps(result) if arguments.json else _text(result))
    return 0


def _target(arguments: argparse.Namespace):
    """What the options say of the reflector; None if they do not ask for the antennas."""
    from panoradar_ros.calibration.measurement import Target

    def radians(name: str) -> float | None:
        value = getattr(arguments, f"reflector_{name}_deg")
        return None if value is None else float(np.deg2rad(value))

    target = Target(
        arguments.reflector_range_m, radians("azimuth"), radians("elevation"), radians("search")
    )
    return target if arguments.antennas or target != Target() else None


def _text(result: dict) -> str:
    lines = [f"{result['turns']} turns, correlation {result['similarity']:.3f}"]
    ratio = result["rate_ratio_used"]
    lines.append(
        f"turntable: {result['revolutions_per_s']:.6f} rev/s, {ratio:.6f} of what its angles say"
    )
    if ratio != 1:
        lines.append(
            "  a stepper should be exact: if this stays, divide gear_ratio in config/motor.yaml "
            f"by {ratio:.6f}"
        )
    offset = result["azimuth_offset_deg"]
    lines.append("azimuth offset: " + ("not measured" if offset is None else f"{offset:.3f} deg"))
    if result["antennas"]:
        lines.append(
            f"antennas: {result['antennas']} gains from a reflector at "
            f"{result['reflector_range_m']:.2f} m, {result['reflector_over_median_db']} dB over "
            f"the median; phases repeat within {result['phase_scatter_deg']:.2f} deg"
        )
    else:
        lines.append("antennas: not measured (--antennas)")
    lines.append(f"written to {result['output']}; next: set calibration_file of the imaging node")
    return "\n".join(lines)
