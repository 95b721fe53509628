"""What a camera that is not where it is thought to be does to what is expected.

Verdicts hardly move with it, for a score is one number; decibels about the surfaces do.
"""

from collections.abc import Iterable

import numpy as np

from mmanomaly_ros.context import context_of
from mmanomaly_ros.expectation import Expecter
from mmanomaly_ros.learning.evaluation import misaligned
from mmanomaly_ros.learning.material_spread import surface
from mmanomaly_ros.learning.samples import SceneSequence
from mmanomaly_ros.spectrum import WATCH_WAVEFORM, dequantised
from mmanomaly_ros.watch import TASKS
from mmwave.camera import Camera

TIMES = (0.0, 0.5, 1.0, 2.0, 4.0)
"""How far off, in 2 cm and 2 degrees."""
FRAMES = 2
"""Of a sequence, evenly spread."""


def misalignment_errors(
    expecter: Expecter,
    sequences: Iterable[SceneSequence],
    camera: Camera,
    seed: int = 0,
    range_bin_m: float = WATCH_WAVEFORM.range_bin_m,
) -> dict[str, dict[str, float]]:
    """Root mean square of what was measured less what was expected, in dB.

    Args:
        expecter: of the camera.
        sequences: the normal ones count.
        camera: as it is.
        seed: of directions and draws, the same however far off.
        range_bin_m: of the radar.

    Returns:
        By watch and by how far off, over the azimuth channels' cells about the nearest surfaces.
    """
    squares: dict[str, dict[str, list[float]]] = {}
    for one in sequences:
        if one.anomalous.any():
            continue
        own = squares.setdefault(TASKS[one.task], {f"{times:g}": [] for times in TIMES})
        for frame in np.linspace(0, len(one) - 1, FRAMES).round().astype(int).tolist():
            depth_m = one.depth_mm[frame].astype(np.float32) / 1000
            measured = dequantised(one.spectra[frame])
            true = context_of(one.rgb[frame], depth_m, camera, one.task, range_bin_m)
            cells = surface(true)
            for times in TIMES:
                directions = np.random.default_rng([seed, 8, one.task, one.seed])
                moved = misaligned(camera, directions, times)
                context = context_of(one.rgb[frame], depth_m, moved, one.task, range_bin_m)
                draws = np.random.default_rng([seed, one.seed, frame])
                error = (measured - expecter(context, draws).mean_db)[:2, cells]
                own[f"{times:g}"].append(float(np.square(error).mean()))
    return {
        name: {times: round(float(np.sqrt(np.mean(every))), 3) for times, every in own.items()}
        for name, own in squares.items()
    }
