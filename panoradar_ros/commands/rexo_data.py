"""Which samples a command of REXO reads: simulated sequences, MMVR or HIBER."""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rexo_ros.camera import Camera
    from rexo_ros.learning.samples import SampleSet

KINDS = ("simulated", "mmvr", "hiber")
DIRECTIONS = ("forward", "inverse")
SPLITS = ("P1S1", "P1S2", "P2S1", "P2S2")


def add_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare the options."""
    group.add_argument(
        "--data-set",
        choices=KINDS,
        default="simulated",
        help="what is in the folders: sequences of panoradar simulate rooms; MMVR, data_split.npz "
        "in it; one split of HIBER (simulated)",
    )
    group.add_argument(
        "--split",
        choices=SPLITS,
        help="of the sequences, or of MMVR, which needs it: --data is divided by it",
    )
    group.add_argument("--stride", type=int, default=1, help="frames between two samples (1)")
    group.add_argument(
        "--extrinsics",
        choices=DIRECTIONS,
        default="forward",
        help="of MMVR: which way its camera's go, see panoradar check mmvr (forward)",
    )
    group.add_argument(
        "--camera",
        type=Path,
        metavar="JSON",
        help="of HIBER, whose calibration is not public: focal_px, centre_px, size_px, rotation, "
        "translation_m, inverse and lens, see rexo_ros.camera.Camera; without it boxes are learned "
        "and judged in space alone",
    )
    group.add_argument(
        "--floor", type=float, help="of MMVR and HIBER: vertical place of the floor in metres (-1)"
    )


def refuse_options_of_data(arguments: argparse.Namespace) -> None:
    """See to it that nothing is asked of frames on disk where frames are simulated.

    Raises:
        ValueError: something is.
    """
    usual = {"data_set": KINDS[0], "split": None, "stride": 1, "extrinsics": DIRECTIONS[0],
             "camera": None, "floor": None}  # fmt: skip
    for name, value in usual.items():
        if getattr(arguments, name) != value:
            raise ValueError(f"--{name.replace('_', '-')} is of frames on disk: give --data too")


def sample_set(
    arguments: argparse.Namespace, folder: Path, part: str, bar: Callable[..., Any]
) -> "SampleSet":
    """Samples of a folder.

    Args:
        arguments: see :func:`add_arguments`.
        folder: of the data set.
        part: ``train``, ``val`` or ``test``, of a split.
        bar: wraps what is read.

    Raises:
        ValueError: an option does not belong to the data set, or the folder does not hold it.
    """
    if arguments.stride < 1:
        raise ValueError(f"--stride must be at least 1, got {arguments.stride}")
    if arguments.floor is not None and arguments.data_set == "simulated":
        raise ValueError("--floor is of MMVR and HIBER: simulated rooms know their floor")
    if arguments.extrinsics != DIRECTIONS[0] and arguments.data_set != "mmvr":
        raise ValueError("--extrinsics is of MMVR")
    if arguments.camera is not None and arguments.data_set != "hiber":
        raise ValueError("--camera is of HIBER: the others bring theirs along")
    read = {"simulated": _simulated, "mmvr": _mmvr, "hiber": _hiber}[arguments.data_set]
    return read(arguments, folder, part, bar)


def _simulated(
    arguments: argparse.Namespace, folder: Path, part: str, bar: Callable[..., Any]
) -> "SampleSet":
    from rexo_ros.learning.samples import SimulatedSet
    from rexo_ros.learning.splits import split

    samples = SimulatedSet.under(folder, arguments.stride, bar)
    if not arguments.split:
        return samples
    numbers = split(samples.sequences, arguments.split).part(part)
    return SimulatedSet([samples.sequences[one] for one in numbers], arguments.stride)


def _mmvr(
    arguments: argparse.Namespace, folder: Path, part: str, bar: Callable[..., Any]
) -> "SampleSet":
    from rexo_ros.camera import MMVR_CAMERA
    from rexo_ros.learning.mmvr import MmvrSet

    if not arguments.split:
        raise ValueError("--data-set mmvr needs --split, one of P1S1, P1S2, P2S1, P2S2")
    camera = replace(MMVR_CAMERA, inverse=arguments.extrinsics == "inverse")
    samples = MmvrSet.of_split(folder, arguments.split, part, camera)
    samples = replace(samples, stride=arguments.stride)
    if arguments.floor is None:
        return samples
    return replace(samples, space=replace(samples.space, floor_m=arguments.floor))


def _hiber(
    arguments: argparse.Namespace, folder: Path, part: str, bar: Callable[..., Any]
) -> "SampleSet":
    from rexo_ros.learning.hiber import HiberSet, sequences

    if arguments.split:
        raise ValueError("HIBER has its splits in folders: give one of them, without --split")
    camera = None if arguments.camera is None else read_camera(arguments.camera)
    samples = HiberSet(sequences(folder), camera, stride=arguments.stride)
    if arguments.floor is None:
        return samples
    return replace(samples, space=replace(samples.space, floor_m=arguments.floor))


def read_camera(path: Path) -> "Camera":
    """A camera that a JSON file tells of.

    Raises:
        ValueError: the file cannot be read, or tells of none.
    """
    from rexo_ros.learning.samples import camera_of

    wanted = "focal_px, centre_px, size_px, rotation and translation_m"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError(f"it is no object with {wanted}")
        return camera_of(values)
    except KeyError as error:
        raise ValueError(f"--camera {path} lacks {error}: {wanted} are wanted") from error
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"--camera {path} tells of no camera: {error}") from error
