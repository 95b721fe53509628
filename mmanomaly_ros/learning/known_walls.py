"""What the walls that networks learned from look like, see :mod:`mmanomaly_ros.looks`."""

from collections.abc import Sequence

import numpy as np

from mmanomaly_ros.context import context_of
from mmanomaly_ros.learning.samples import SceneSequence
from mmanomaly_ros.looks import WallLooks, wall_look
from mmwave.camera import Camera

FRAMES = 3
"""Of a sequence, evenly spread."""


def known_walls(sequences: Sequence[SceneSequence], camera: Camera) -> WallLooks | None:
    """Fit what walls look like.

    Args:
        sequences: of which those before a wall count; of materials that networks learned from.
        camera: of all of them.

    Returns:
        None where they are too few to tell.
    """
    looks, walls, names = [], [], []
    for one in (one for one in sequences if one.wall > 0):
        for frame in np.unique(np.linspace(0, len(one) - 1, FRAMES).round().astype(int)).tolist():
            depth_m = one.depth_mm[frame].astype(np.float32) / 1000
            look = wall_look(context_of(one.rgb[frame], depth_m, camera, one.task))
            if look is not None:
                looks.append(look)
                walls.append(one.wall)
                names.append(one.name)
    try:
        return WallLooks.fitted(np.array(looks), np.array(walls), names)
    except ValueError:
        return None
