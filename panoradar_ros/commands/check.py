"""``panoradar check``: whether a data set on disk is what the loaders take it for."""

import argparse
import json
from pathlib import Path
from typing import Any

from panoradar_ros.commands.errors import require_torch
from panoradar_ros.commands.rexo_data import read_camera


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("data_set", choices=("mmvr", "hiber"), help="which")
    parser.add_argument(
        "folder",
        type=Path,
        help="of mmvr the folder that holds P1, P2, or a segment; of hiber that of one split",
    )
    parser.add_argument(
        "--camera", type=Path, metavar="JSON", help="of hiber, whose boxes are projected then"
    )
    parser.add_argument("--limit", type=int, default=200, help="frames, evenly spread (200)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Read frames, say what is in them, and project boxes."""
    require_torch("the loaders")
    if arguments.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {arguments.limit}")
    if not arguments.folder.is_dir():
        raise ValueError(f"there is no folder {arguments.folder}")
    if arguments.camera is not None and arguments.data_set != "hiber":
        raise ValueError("--camera is of hiber: mmvr's is known")
    result = _mmvr(arguments) if arguments.data_set == "mmvr" else _hiber(arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"  {name:24} {value}")
    return 0


def _mmvr(arguments: argparse.Namespace) -> dict[str, Any]:
    """Both directions of the extrinsics too."""
    from rexo_ros.camera import MMVR_CAMERA
    from rexo_ros.learning.extrinsics import directions
    from rexo_ros.learning.mmvr import MmvrSet
    from rexo_ros.learning.samples import spread

    folder: Path = arguments.folder
    segments = sorted({path.parent for path in folder.rglob("*_radar.npz")})
    if not segments:
        raise ValueError(f"{folder} holds no frame of MMVR (P?/d*s*/NNN/XXXXX_radar.npz)")
    samples = MmvrSet(segments)
    chosen = [samples[number] for number in spread(len(samples), arguments.limit)]
    there = any(len(sample.boxes_m) for sample in chosen)
    told = directions(chosen, MMVR_CAMERA).as_json() if there else {"better": "nobody is there"}
    return {"segments": len(segments), **_contents(chosen), **told}


def _hiber(arguments: argparse.Namespace) -> dict[str, Any]:
    from rexo_ros.learning.extrinsics import directions
    from rexo_ros.learning.hiber import HiberSet, sequences
    from rexo_ros.learning.samples import spread

    found = sequences(arguments.folder)
    samples = HiberSet(found)
    chosen = [samples[number] for number in spread(len(samples), arguments.limit)]
    told = {}
    if arguments.camera is not None and any(len(sample.boxes_m) for sample in chosen):
        told = directions(chosen, read_camera(arguments.camera)).as_json()
    return {"sequences": len(found), **_contents(chosen), **told}


def _floor(lower_m: float) -> str:
    """What the floor of these frames should be said to be."""
    from rexo_ros.learning.samples import FLOOR_OFF_M
    from rexo_ros.space import Space

    usual_m = Space().floor_m
    if abs(lower_m - usual_m) <= FLOOR_OFF_M:
        return f"{usual_m} fits"
    return f"{usual_m} does not fit: give --floor {lower_m:.2f}"


def _contents(samples: list[Any]) -> dict[str, Any]:
    import numpy as np

    power = np.stack([sample.power[:, -1] for sample in samples])
    boxes = np.concatenate([sample.boxes_m for sample in samples]).astype(np.float64)
    known = [float(np.isfinite(power[:, view]).mean()) for view in range(power.shape[1])]
    result: dict[str, Any] = {
        "frames": len(samples),
        "known_share_by_view": [round(one, 4) for one in known],
        "people_per_frame": round(len(boxes) / len(samples), 2),
    }
    if len(boxes):
        lower = boxes[:, 1] - boxes[:, 4] / 2
        result["lower_faces_m"] = np.quantile(lower, [0.05, 0.5, 0.95]).round(2).tolist()
        result["floor_m"] = _floor(float(np.median(lower)))
        result["median_size_m"] = np.median(boxes[:, 3:], axis=0).round(2).tolist()
        result["places_m"] = [
            np.quantile(boxes[:, axis], [0.05, 0.95]).round(2).tolist() for axis in range(3)
        ]
    return result
