"""What is different at one place from what the networks expect, learned from its normal frames.

A wall that nobody trained with returns more or less than it looks like; furniture behind it returns
what no camera can see. Both stay as they are. An adaptation adds to the expected spectrum what was
measured in excess of it, as far as there were frames enough to tell, and scales its spread by how
far normal frames really lay from it then. How it is learned: ``mmanomaly_ros.learning.adaptation``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.context import Context
from mmanomaly_ros.expectation import LEAST_SPREAD_DB, Expectation, Expecter
from mmanomaly_ros.spectrum import CEILING_DB, CHANNELS, FLOOR_DB
from mmanomaly_ros.watch import ANGLES, RANGES, TASKS
from mmwave.inference import ModelError
from mmwave.whole_file import whole_file

ADAPTATION = "mmanomaly_adaptation.npz"
"""In a folder of models: of the place that they are used at."""
LEVELS_DB = np.array([0.0, 8.0, 16.0, 24.0, 32.0, 40.0, 50.0])
"""Expected levels between which the shift by level runs linearly."""
_SPECTRUM = (len(CHANNELS), RANGES, ANGLES)
_SHAPES = {
    "level_shift_db": (len(CHANNELS), len(LEVELS_DB)),
    "cell_shift_db": _SPECTRUM,
    "spread_scale": _SPECTRUM,
}


@dataclass(frozen=True)
class Adaptation:
    """Of one watch at one place.

    Attributes:
        level_shift_db: (channel, level) what is measured in excess of what is expected, by the
            expected level (LEVELS_DB): it goes with people and their clothes.
        cell_shift_db: (channel, range, column) what is left of it, by cell: it stays.
        spread_scale: likewise, that the spread is multiplied with.
        frames: that it was learned from.

    Raises:
        ValueError: a shape is another, a number not finite, or a scale not positive.
    """

    level_shift_db: NDArray[np.float32]
    cell_shift_db: NDArray[np.float32]
    spread_scale: NDArray[np.float32]
    frames: int

    def __post_init__(self) -> None:
        for name, shape in _SHAPES.items():
            array = getattr(self, name)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite {shape}, got {array.shape}")
        if not (self.spread_scale > 0).all():
            raise ValueError(f"spread_scale must be positive, got {self.spread_scale.min()}")

    @staticmethod
    def none() -> "Adaptation":
        """One that changes nothing."""
        arrays = {name: np.zeros(shape, np.float32) for name, shape in _SHAPES.items()}
        return Adaptation(**{**arrays, "spread_scale": np.ones(_SPECTRUM, np.float32)}, frames=0)

    def by_level_db(self, mean_db: NDArray[np.floating]) -> NDArray[np.float32]:
        """(channel, range, column) shift of an expected spectrum by its levels."""
        return np.stack(
            [
                np.interp(one, LEVELS_DB, shift)
                for one, shift in zip(mean_db, self.level_shift_db, strict=True)
            ]
        ).astype(np.float32)

    def __call__(self, expectation: Expectation) -> Expectation:
        """What is to be expected at this place."""
        shift = self.by_level_db(expectation.mean_db) + self.cell_shift_db
        spread = np.maximum(expectation.spread_db * self.spread_scale, LEAST_SPREAD_DB)
        return replace(
            expectation,
            mean_db=np.clip(expectation.mean_db + shift, FLOOR_DB, CEILING_DB),
            spread_db=spread.astype(np.float32),
            samples_db=np.clip(expectation.samples_db + shift, FLOOR_DB, CEILING_DB),
            wall_novelty=np.nan,  # the place is known; its spread was fitted to the wider one
        )


class AdaptedExpecter(Expecter):
    """Draws what should be seen at one place.

    Args:
        expecter: that draws what should be seen anywhere.
        adaptation: of the place.
    """

    def __init__(self, expecter: Expecter, adaptation: Adaptation) -> None:
        # not Expecter's: the models are those of the other one
        self._expecter, self.adaptation = expecter, adaptation
        self.samples, self.steps = expecter.samples, expecter.steps
        self.schedule, self.spread_scale = expecter.schedule, expecter.spread_scale

    def __call__(self, context: Context, generator: np.random.Generator) -> Expectation:
        """What should be seen of a scene."""
        return self.adaptation(self._expecter(context, generator))


def write_adaptations(
    path: Path, adaptations: Mapping[str, Adaptation], denoiser_sha256: str
) -> None:
    """Write those of the watches of a place.

    Args:
        path: of the file.
        adaptations: by the watch's name.
        denoiser_sha256: which networks they are for.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    arrays = {
        f"{watch}_{name}": np.asarray(getattr(one, name), np.float16)
        for watch, one in adaptations.items()
        for name in _SHAPES
    }
    frames = {f"{watch}_frames": np.array(one.frames) for watch, one in adaptations.items()}
    told = {**arrays, **frames, "denoiser_sha256": np.array(denoiser_sha256)}
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **told)  # type: ignore[arg-type]


def read_adaptation(path: Path, watch: str, denoiser_sha256: str) -> Adaptation | None:
    """That of a watch; None where the place was adapted to for other watches only.

    Args:
        path: of the file.
        watch: its name.
        denoiser_sha256: of the networks that it is to be used with.

    Raises:
        ModelError: the file is damaged, or of other networks.
    """
    try:
        with np.load(path) as file:
            of_networks = str(file["denoiser_sha256"])
            if watch not in {task for task in TASKS if f"{task}_frames" in file}:
                found = None
            else:
                arrays = {name: file[f"{watch}_{name}"].astype(np.float32) for name in _SHAPES}
                found = Adaptation(**arrays, frames=int(file[f"{watch}_frames"]))
    except Exception as error:  # of the zip reader, of NumPy's, of ours
        raise ModelError(f"{path} is no adaptation ({error!r}): adapt to the place anew") from error
    if of_networks != denoiser_sha256:
        raise ModelError(f"{path} was made with other networks: adapt to the place anew")
    return found
