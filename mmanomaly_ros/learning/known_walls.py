"""What the walls that networks learned from look like, see :mod:`mmanomaly_ros.looks`."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from mmanomaly_ros.learning.samples import SceneSequence, SceneSet, contexts_of
from mmanomaly_ros.looks import LEAST_SEQUENCES, WallLooks, wall_look
from mmanomaly_ros.watch import WALLS
from mmwave.camera import Camera

FRAMES = 3
"""Of a sequence, evenly spread."""


def known_walls(
    sequences: Sequence[SceneSequence], camera: Camera, learned: Collection[str]
) -> WallLooks:
    """Fit what walls look like.

    Args:
        sequences: of which those before a wall that was learned from count.
        camera: of all of them.
        learned: names of walls that the networks learned from.

    Raises:
        ValueError: a wall has too few sequences, or there is none.
    """
    own = [one for one in sequences if one.wall > 0 and WALLS[one.wall] in learned]
    looks = [
        (look, one.wall, one.name)
        for one in own
        for _, context in contexts_of(one, camera, FRAMES)
        if (look := wall_look(context)) is not None
    ]
    if not looks:
        raise ValueError("no wall that the networks learned from is seen in these sequences")
    values, walls, names = zip(*looks, strict=True)
    return WallLooks.fitted(np.array(values), np.array(walls), names)


def known_walls_card(samples: SceneSet, learned: Collection[str]) -> dict[str, Any]:
    """For the context network's card: looks, and which sequences they are of; why not, where there
    are too few.
    """
    own = [one for one in samples.sequences if one.wall > 0 and WALLS[one.wall] in learned]
    count = Counter(WALLS[one.wall] for one in own)
    few = {name: count[name] for name in learned if count[name] < LEAST_SEQUENCES}
    if few or not own:
        return {"wall_looks_missing": f"fewer than {LEAST_SEQUENCES} sequences a wall: {few}"}
    looks = known_walls(own, samples.camera, learned)
    of = SceneSet(own, samples.camera, samples.waveform).describe()
    return {"wall_looks": {**looks.as_json(), "of": {"frames_each": FRAMES, **of}}}
