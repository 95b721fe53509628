"""Frames changed so that others can be learned from: right and left exchanged, people of two rooms
in one.
"""

from itertools import product

import numpy as np

from rexo_ros.learning.samples import Sample
from rexo_ros.space import AT_ORIGIN, DEPTH, HORIZONTAL, Space

APART_M = 0.75
"""Between the middles of two people; nobody stands in another."""

MOST_PEOPLE = 5
"""In one frame."""


def mirrored(sample: Sample, space: Space) -> Sample:
    """The sample as if right were left, its camera too; only for a space that is the same then.

    Args:
        sample: see there.
        space: of it; see :func:`symmetric`.
    """
    power = sample.power.copy()
    if "horizontal" in space.views:
        view = space.views.index("horizontal")
        power[view] = power[view, :, :, ::-1]
    boxes = sample.boxes_m.copy()
    boxes[:, HORIZONTAL] *= -1
    image = sample.image_px.copy()
    camera = None
    if sample.camera is not None:  # without one nobody asks for boxes in the image
        camera = sample.camera.mirrored()
        image[:, [0, 2]] = camera.size_px[0] - image[:, [2, 0]]
    return Sample(power, boxes, image, sample.about, camera=camera)


def symmetric(space: Space) -> bool:
    """Whether right and left can be exchanged: the radars are where the axes begin, and see as far
    to either side.
    """
    middle = space.low_m[HORIZONTAL] + space.high_m[HORIZONTAL]
    return all(mount == AT_ORIGIN for mount in space.mounts) and bool(abs(middle) < 1e-6)


def together(one: Sample, other: Sample) -> Sample | None:
    """The people of two frames in one.

    What moves is all that heatmaps show, and echoes of people who are apart do not disturb each
    other much: of every pixel the louder of the two is what is seen, so that noise stays what it
    is. Who hides whom, and echoes by way of both, are left out. Not in the paper.

    Args:
        one: of a room.
        other: of the same or another one, in the same axes.

    Returns:
        None where they are too many, two of them would stand in each other, or their images are
        not of the same camera.
    """
    if one.camera != other.camera:
        return None
    count = len(one.boxes_m) + len(other.boxes_m)
    floor = [HORIZONTAL, DEPTH]
    own, added = (np.concatenate([each.boxes_m, each.unseen_m])[:, floor] for each in (one, other))
    near = any(np.hypot(*(first - second)) < APART_M for first, second in product(own, added))
    if near or count > MOST_PEOPLE:
        return None
    return Sample(
        np.maximum(one.power, other.power),
        np.concatenate([one.boxes_m, other.boxes_m]),
        np.concatenate([one.image_px, other.image_px]),
        {**one.about, "people": count},
        np.concatenate([one.unseen_m, other.unseen_m]),
        np.concatenate([one.unseen_px, other.unseen_px]),
        one.camera,
    )
