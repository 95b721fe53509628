"""Which evaluated frames are worth a look: the best, middle and worst, and those that hold much."""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from mmwave.simulation.scene import SemanticClass
from panoradar_ros.learning.boxes import LEAST_PIXELS, boxes_of
from panoradar_ros.learning.evaluation import Answer, FreshFrame
from panoradar_ros.learning.evaluation_pictures import sheet
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.range_scores import FARTHEST_M, absolute_error_m

FAR_M = 7.0
JPEG_QUALITY = 88


def far_pixels(frame: Frame) -> int:
    """Pixels whose true range is above FAR_M and within reach."""
    return int(((frame.range > FAR_M) & (frame.range <= FARTHEST_M)).sum())


def seam_pixels(frame: Frame) -> int:
    """Area of the largest box of a person or thing that goes across the seam; 0 without one."""
    columns = frame.range.shape[1]
    areas = [
        (one.right - one.left) * (one.bottom - one.top)
        for one in boxes_of(frame)
        if one.right > columns
    ]
    return max(areas, default=0)


SUBJECTS: dict[str, Callable[[Frame], int]] = {
    "most glass": lambda frame: int(frame.glass.sum()),
    "most stairs": lambda frame: int((frame.label == SemanticClass.STAIRS).sum()),
    "most people": lambda frame: int((frame.label == SemanticClass.PERSON).sum()),
    f"most beyond {FAR_M:g} m": far_pixels,
    "a person or thing across the seam, in the middle of the picture": seam_pixels,
}
"""Pixels of what a frame may hold."""


@dataclass(frozen=True)
class Sheet:
    """A frame as a picture.

    Attributes:
        jpeg: the file.
        style: of its building.
        seed: of its building.
        range_mae_m: mean absolute error of its learned ranges; NaN where none counts.
        pixels: by SUBJECTS.
    """

    jpeg: bytes
    style: str
    seed: int
    range_mae_m: float
    pixels: dict[str, int]


@dataclass
class Gallery:
    """Keeps a picture of every frame, compressed.

    Attributes:
        sheets: in the order of the frames.
    """

    sheets: list[Sheet] = field(default_factory=list)

    def add(self, one: FreshFrame, answer: Answer) -> None:
        """Draw a frame.

        Args:
            one: with its truth.
            answer: of the networks.
        """
        error_m = absolute_error_m(answer.range_m, one.frame)
        known_m = error_m[np.isfinite(error_m)]
        picture = cv2.cvtColor(sheet(one.frame, answer, named=True), cv2.COLOR_RGB2BGR)
        _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        mean_m = float(known_m.mean()) if known_m.size else float("nan")
        pixels = {name: count(one.frame) for name, count in SUBJECTS.items()}
        self.sheets.append(Sheet(jpeg.tobytes(), one.style, one.seed, mean_m, pixels))

    def chosen(self) -> list[tuple[list[str], Sheet]]:
        """The frames that are shown, each once, and what each is shown for.

        The best, the middle and the worst by the mean range error, then of every subject the frame
        with the most pixels, if it has at least LEAST_PIXELS.
        """
        reasons: dict[int, list[str]] = {}
        known = [n for n, one in enumerate(self.sheets) if np.isfinite(one.range_mae_m)]
        order = sorted(known, key=lambda number: self.sheets[number].range_mae_m)
        if order:
            places = {"best": 0, "middle": len(order) // 2, "worst": -1}
            for name, place in places.items():
                reasons.setdefault(order[place], []).append(name)
        for name in SUBJECTS:
            most = max(
                range(len(self.sheets)), key=lambda n: self.sheets[n].pixels[name], default=None
            )
            if most is not None and self.sheets[most].pixels[name] >= LEAST_PIXELS:
                reasons.setdefault(most, []).append(name)
        return [(names, self.sheets[number]) for number, names in reasons.items()]
