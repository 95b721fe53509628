"""Somebody behind a wall stays about where they are; what glints and flickers does not.

Who moves before the wall hides them now and then, so that frame by frame they are easily missed:
evidence is added up place by place, over the last frames.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST = -6.0
"""Logit of a frame that says least: one in which somebody is hidden must not outweigh others."""
_ABOUT = 5
"""Rows and columns in which somebody is in the same place."""
_EVERY = 2
"""Row and column that is kept of a map: the ones beside it are nearly the same."""
_PLACES = 3
"""Kept cells whose mean counts."""


def lasting_cells(logits: NDArray[np.floating]) -> NDArray[np.float16]:
    """What a frame adds to the evidence of each place.

    Args:
        logits: (range, column) of a heatmap.

    Returns:
        (range / 2, column / 2) the highest logit about each place, LEAST where that is less.
    """
    raised = np.maximum(np.asarray(logits, np.float32), LEAST)
    highest = cv2.dilate(raised, np.ones((_ABOUT, _ABOUT), np.uint8))
    return np.asarray(highest[::_EVERY, ::_EVERY], np.float16)


def lasting_score(cells: Sequence[NDArray[np.floating]]) -> float:
    """The mean over frames of the place that has most.

    Args:
        cells: of each frame, see :func:`lasting_cells`; at least one.
    """
    mean = np.mean(np.stack(cells), axis=0, dtype=np.float64).ravel()
    return float(np.partition(mean, -_PLACES)[-_PLACES:].mean())
