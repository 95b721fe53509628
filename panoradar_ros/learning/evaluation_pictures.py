"""Pictures of evaluated frames: echoes, classical and learned ranges, truth, errors, normals."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmwave.inference import OnnxModel
from panoradar_ros.imaging import pictures
from panoradar_ros.learning.evaluation import FreshFrame, coloured_error
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.range_scores import FARTHEST_M

ROWS = 3


def drawn(frames: Iterable[FreshFrame], model: OnnxModel, folder: Path) -> Iterator[FreshFrame]:
    """The frames again, each drawn into a PNG file on its way.

    Args:
        frames: to draw.
        model: of the range network.
        folder: for the files; made if it is not there.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(frames):
        found = model.run(echo=one.frame.echo[None])
        picture = sheet(one.frame, found["range_m"], found["normal"])
        path = folder / f"{number:03d}_{one.style}_{one.seed}.png"
        if not cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
            raise OSError(f"{path} cannot be written")
        yield one


def sheet(
    frame: Frame, range_m: NDArray[np.floating], normal: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """One frame from top to bottom: classical, learned and true range; errors of the first two
    (red too near, blue too far, grey not counted); learned and true normals.

    Args:
        frame: with its truth.
        range_m: (row, column) learned.
        normal: (row, column, 3) learned; outward, left, up.

    Returns:
        (height, width, 3) rgb8; straight ahead in the middle.
    """

    def ranges(image: NDArray[np.floating]) -> NDArray[np.uint8]:
        return pictures.panorama(image.astype(np.float32), FARTHEST_M, ROWS)

    def errors(image: NDArray[np.floating]) -> NDArray[np.uint8]:
        centred = np.roll(coloured_error(image, frame), frame.range.shape[1] // 2, axis=1)
        return np.repeat(centred, ROWS, axis=0)

    true_normal = frame.normal.astype(np.float32) / 127
    learned_normal = np.where(np.isfinite(range_m)[..., None], normal, 0)
    panels = [
        ranges(frame.classical),
        ranges(range_m),
        ranges(np.where(frame.glass, np.nan, frame.range)),
        errors(frame.classical),
        errors(range_m),
        pictures.normals(learned_normal, ROWS),
        pictures.normals(true_normal, ROWS),
    ]
    gap = np.full((6, frame.range.shape[1], 3), 255, np.uint8)
    return np.concatenate([part for panel in panels for part in (panel, gap)][:-1])
