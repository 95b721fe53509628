"""Parameters of the imaging node."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mmwave.cfar import CellAveragingCfar, Cfar, OrderedStatisticCfar
from mmwave.ros.parameters import Parameter
from mmwave.waveform import AntennaArray
from panoradar_ros.calibration.file import Calibration, CalibrationError, read_calibration

PARAMETERS = (
    Parameter("frame_id", "radar_base", "Frame of points, scan and pictures", read_only=True),
    Parameter("base_frame_id", "base_link", "Frame of the robot", read_only=True),
    Parameter("odom_frame_id", "odom", "Frame of the odometry", read_only=True),
    Parameter(
        "publish_tf",
        True,
        "Broadcast odom -> base_link; false where something else owns that transform",
        read_only=True,
    ),
    Parameter("turntable_joint", "turntable_joint", "Joint in joint_states that turns the radar"),
    Parameter(
        "mounting_offset_deg",
        0.0,
        "Azimuth of the boresight in base_link where the turntable's angle is zero",
        minimum=-180.0,
        maximum=180.0,
        read_only=True,
    ),
    Parameter(
        "calibration_file",
        "",
        "What panoradar calibrate wrote: azimuth offset and rate of the turntable, gains of the "
        "antennas; empty for none",
        read_only=True,
    ),
    Parameter(
        "window_deg",
        60.0,
        "Azimuth window of a beam",
        minimum=20.0,
        maximum=120.0,
        read_only=True,
    ),
    Parameter(
        "decimation",
        2,
        "1 forms beams on a grid of azimuth as fine as the positions (error 1e-5), more on one "
        "half as fine (2e-3) in half the time",
        minimum=1,
        maximum=3,
        read_only=True,
    ),
    Parameter(
        "estimate_motion",
        True,
        "Estimate and compensate the robot's motion; false images as if it stood still",
        read_only=True,
    ),
    Parameter(
        "motion_method",
        "moments",
        "moments: votes of all pixels; hough: the published estimator, which knows no rate of turn",
        choices=("moments", "hough"),
        read_only=True,
    ),
    Parameter(
        "beamforming",
        "auto",
        "banded, static (as if the robot stood still), or auto: static where it costs no accuracy",
        choices=("auto", "banded", "static"),
        read_only=True,
    ),
    Parameter(
        "use_imu",
        False,
        "Take the rate of turn from the topic imu (z axis up) beside the radar's own",
        read_only=True,
    ),
    Parameter(
        "minimum_range_m",
        0.4,
        "Nearer echoes are ignored (leakage)",
        minimum=0.0,
        maximum=5.0,
        read_only=True,
    ),
    Parameter(
        "maximum_range_m",
        9.5,
        "Farther echoes become +inf in the scan",
        minimum=0.5,
        maximum=100.0,
    ),
    Parameter(
        "detection_over_noise_db",
        9.0,
        "A detection exceeds the panorama's median power by this much",
        minimum=0.0,
        maximum=60.0,
        read_only=True,
    ),
    Parameter(
        "cfar_kind",
        "cell_averaging",
        "How training cells set the threshold: by their mean, or by one of them in rising order, "
        "which other reflectors among them do not raise",
        choices=("cell_averaging", "ordered_statistic"),
        read_only=True,
    ),
    Parameter(
        "cfar_false_alarm_probability",
        1e-4,
        "False alarms per range cell in independent noise; the range window makes them 2.6 to 3.2 "
        "times as many",
        minimum=1e-12,
        maximum=0.5,
        read_only=True,
    ),
    Parameter(
        "cfar_guard_bins",
        3,
        "Cells left out on each side of the one under test",
        minimum=0,
        maximum=32,
        read_only=True,
    ),
    Parameter(
        "cfar_training_bins",
        10,
        "Training cells on each side",
        minimum=1,
        maximum=64,
        read_only=True,
    ),
    Parameter(
        "cfar_azimuth_guard_columns",
        4,
        "Columns left out on each side, where azimuth trains as well",
        minimum=0,
        maximum=64,
        read_only=True,
    ),
    Parameter(
        "cfar_azimuth_training_columns",
        0,
        "Training columns on each side; 0 detects along range alone",
        minimum=0,
        maximum=64,
        read_only=True,
    ),
    Parameter(
        "cfar_rank_share",
        0.75,
        "Of the ordered statistic: place of the cell that sets the threshold, as a share of the "
        "training cells",
        minimum=0.05,
        maximum=1.0,
        read_only=True,
    ),
    Parameter(
        "leakage_memory_rotations",
        6.0,
        "Time constant of the running mean that removes TX-RX leakage",
        minimum=1.0,
        maximum=100.0,
        read_only=True,
    ),
    Parameter(
        "rolling",
        True,
        "Image a sector with every radar frame where someone listens; false whole turns only",
        read_only=True,
    ),
    Parameter(
        "frames_per_sector",
        3,
        "Frames that share a sector where they came at once, as they do on a busy machine; 1 makes "
        "the sectors of a recording the same every time",
        minimum=1,
        maximum=8,
        read_only=True,
    ),
    Parameter("workers", 2, "Threads that form beams", minimum=1, maximum=64, read_only=True),
    Parameter(
        "device",
        "cpu",
        "Where the beams of whole turns are formed; gpu needs CuPy and is refused where none "
        "answers, auto takes the CPU then. Sectors and motion are made on the CPU",
        choices=("cpu", "gpu", "auto"),
        read_only=True,
    ),
)


def detector(values: Mapping[str, Any]) -> Cfar:
    """The detector that the parameters ask for.

    Raises:
        ValueError: a value is out of its range.
    """
    window = (
        values["cfar_guard_bins"],
        values["cfar_training_bins"],
        values["cfar_false_alarm_probability"],
        values["cfar_azimuth_guard_columns"],
        values["cfar_azimuth_training_columns"],
    )
    if values["cfar_kind"] == "ordered_statistic":
        return OrderedStatisticCfar(*window, values["cfar_rank_share"])
    return CellAveragingCfar(*window)


def calibration(values: Mapping[str, Any]) -> Calibration:
    """The calibration that the parameters ask for, its azimuth offset always given.

    Raises:
        CalibrationError: the file is not what it should be or of another number of antennas, or the
            offset is given twice.
    """
    path, mounting_deg = values["calibration_file"], values["mounting_offset_deg"]
    found = read_calibration(Path(path).expanduser()) if path else Calibration()
    try:
        found.correction(len(AntennaArray().heights_m))
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error
    if found.azimuth_offset_rad is None:
        return replace(found, azimuth_offset_rad=float(np.deg2rad(mounting_deg)))
    if mounting_deg:
        raise CalibrationError(
            f"mounting_offset_deg is {mounting_deg:g}, but {path} gives the azimuth offset: leave "
            "one of them out"
        )
    return found
