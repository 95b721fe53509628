"""From what the network says of boxes to people: double boxes are dropped, metres, the image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.boxes import box_overlap
from rexo_ros.camera import Camera
from rexo_ros.diffusion import Answer
from rexo_ros.space import Space, low_and_high

OVERLAP = 0.5
"""Of two boxes that overlap more the less sure one is dropped (non-maximum suppression)."""

SURE = 0.5
"""Score from which a detection is somebody (table 6)."""

LIVE_OVERLAP, LIVE_SCORE, LIVE_SEEN = 0.1, 0.7, 6
"""As the node takes them, chosen on validation rooms: bodies do not overlap, a track is told once
it was seen six times, and bridges the frames in which somebody is not sure. Average precision is
counted with the paper's instead.
"""


@dataclass(frozen=True)
class Detections:
    """People of one frame, the surest first.

    Attributes:
        boxes_m: (N, 6) centre and size in the radars' axes.
        scores: (N,).
        image_px: (N, 4) left, top, right, bottom in the camera's image; None without a camera.
    """

    boxes_m: NDArray[np.float64]
    scores: NDArray[np.float64]
    image_px: NDArray[np.float64] | None

    def surer_than(self, score: float) -> "Detections":
        """Those of at least this score."""
        kept = self.scores >= score
        image = None if self.image_px is None else self.image_px[kept]
        return Detections(self.boxes_m[kept], self.scores[kept], image)

    def in_image(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(N, 4) boxes of those who are in the camera's image at all, and their (N,) scores.

        Raises:
            ValueError: there is no camera.
        """
        if self.image_px is None:
            raise ValueError("these detections have no boxes in an image: give a camera")
        inside = areas_px(self.image_px) > 0
        return self.image_px[inside], self.scores[inside]


def areas_px(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """(N,) of boxes (N, 4) in an image; 0 of one that ends before it begins."""
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)


def detections(
    answer: Answer, space: Space, camera: Camera | None = None, overlap: float = OVERLAP
) -> Detections:
    """People from what a network said of boxes.

    Args:
        answer: of all steps that count.
        space: the room.
        camera: whose image the boxes are wanted in too.
        overlap: see OVERLAP.
    """
    order = np.argsort(-answer.score, kind="stable")
    boxes_m = space.to_metres(answer.boxes[order])
    kept = apart(low_and_high(boxes_m), overlap)
    chosen = boxes_m[kept]
    image = None
    if camera is not None:
        image = camera.refined(chosen, answer.refinement[order][kept])
    return Detections(chosen, answer.score[order][kept], image)


def apart(corners: NDArray[np.floating], overlap: float) -> list[int]:
    """Numbers of the boxes that stay where of two that overlap the later is dropped.

    Args:
        corners: (N, 6) lowest corner, then highest; the surest first.
        overlap: more of it and the later box goes.
    """
    left = np.arange(len(corners))
    kept = []
    while len(left):
        best, rest = int(left[0]), left[1:]
        kept.append(best)
        left = rest[box_overlap(corners[best], corners[rest]) <= overlap]
    return kept
