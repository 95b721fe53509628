"""Which way the extrinsics of a data set go: boxes in space, projected either way, against those in
the image.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmwave.boxes import box_overlap
from rexo_ros.camera import Camera
from rexo_ros.learning.samples import Sample

LEAST_OVERLAP = 0.2
"""Of boxes that were projected rightly: those of any two people overlap by 0.1 (drawn)."""


@dataclass(frozen=True)
class Directions:
    """Mean overlap of projected boxes with those in the image, before any refinement.

    Attributes:
        people: that were compared.
        forward: camera = R p + t (equation 9 of Yataka et al. 2026).
        inverse: camera = R^-1 (p - t).
    """

    people: int
    forward: float
    inverse: float

    @property
    def better(self) -> str:
        """Which of them fits better; neither where both overlap by less than LEAST_OVERLAP."""
        if max(self.forward, self.inverse) < LEAST_OVERLAP:
            return "neither"
        return "forward" if self.forward >= self.inverse else "inverse"

    def as_json(self) -> dict[str, Any]:
        """For a command."""
        return {
            "people": self.people,
            "forward_iou": round(self.forward, 4),
            "inverse_iou": round(self.inverse, 4),
            "better": self.better,
        }


def directions(samples: Iterable[Sample], camera: Camera) -> Directions:
    """Compare both.

    Args:
        samples: with boxes in space and in the image, in the same order.
        camera: with the extrinsics in question.

    Raises:
        ValueError: nobody is in the samples.
    """
    found: dict[bool, list[float]] = {False: [], True: []}
    for sample in samples:
        for inverse, overlaps in found.items():
            boxes = replace(camera, inverse=inverse).around(sample.boxes_m)
            for own, true in zip(boxes, sample.image_px.astype(np.float64), strict=True):
                cut = np.clip(own, 0, np.tile(camera.size_px, 2))
                overlaps.append(float(box_overlap(cut, true[None])[0]))
    if not found[False]:
        raise ValueError("nobody is in these frames: nothing can be compared")
    return Directions(len(found[False]), float(np.mean(found[False])), float(np.mean(found[True])))
