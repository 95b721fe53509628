"""Pictures of evaluated frames: echoes, classical and learned ranges, truth, errors, normals."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging import pictures
from panoradar_ros.learning.evaluation import Answer, FreshFrame, coloured_error
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.range_scores import FARTHEST_M
from panoradar_ros.recognition.semantics import coloured

ROWS = 3
GAP_ROWS, NAME_ROWS = 6, 18


def save_sheet(folder: Path, number: int, one: FreshFrame, answer: Answer) -> None:
    """Draw a frame into a PNG file.

    Args:
        folder: for the file; made if it is not there.
        number: of the frame.
        one: to draw.
        answer: of the networks.

    Raises:
        OSError: the file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number:03d}_{one.style}_{one.seed}.png"
    picture = cv2.cvtColor(sheet(one.frame, answer), cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path} cannot be written")


def sheet(frame: Frame, answer: Answer, named: bool = False) -> NDArray[np.uint8]:
    """One frame, what :func:`panels` gives from top to bottom.

    Args:
        frame: with its truth.
        answer: of the networks.
        named: with the name above every panel.

    Returns:
        (height, width, 3) rgb8; straight ahead in the middle.
    """
    parts = []
    for number, (name, panel) in enumerate(panels(frame, answer)):
        if named:
            strip = np.full((NAME_ROWS, panel.shape[1], 3), 255, np.uint8)
            cv2.putText(
                strip, name, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (30, 30, 30), 1, cv2.LINE_AA
            )
            parts.append(strip)
        elif number:
            parts.append(np.full((GAP_ROWS, panel.shape[1], 3), 255, np.uint8))
        parts.append(panel)
    return np.concatenate(parts)


def panels(frame: Frame, answer: Answer) -> list[tuple[str, NDArray[np.uint8]]]:
    """Classical, learned and true range; errors of the first two (red too near, blue too far, grey
    not counted); learned and true normals; learned and true classes if there are learned ones.

    Args:
        frame: with its truth.
        answer: of the networks.

    Returns:
        Names and pictures, (height, width, 3) rgb8; straight ahead in the middle.
    """

    def ranges(image: NDArray[np.floating]) -> NDArray[np.uint8]:
        return pictures.panorama(image.astype(np.float32), FARTHEST_M, ROWS)

    def errors(image: NDArray[np.floating]) -> NDArray[np.uint8]:
        return pictures.repeated(coloured_error(image, frame), ROWS)

    true_normal = frame.normal.astype(np.float32) / 127
    learned_normal = np.where(np.isfinite(answer.range_m)[..., None], answer.normal, 0)
    result = [
        ("CFAR range", ranges(frame.classical)),
        ("learned range", ranges(answer.range_m)),
        ("true range", ranges(np.where(frame.glass, np.nan, frame.range))),
        ("error of CFAR to 1 m", errors(frame.classical)),
        ("error of the learned range to 1 m", errors(answer.range_m)),
        ("learned normals", pictures.normals(learned_normal, ROWS)),
        ("true normals", pictures.normals(true_normal, ROWS)),
    ]
    if answer.label is not None:
        result += [
            ("learned classes", pictures.repeated(coloured(answer.label), ROWS)),
            ("true classes", pictures.repeated(coloured(frame.label), ROWS)),
        ]
    return result
