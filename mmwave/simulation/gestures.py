"""How people who stay in one place move their limbs: an arm is lifted now and then, a shank swings.

Bouts of a few seconds, with rests between them; nobody knows of a measured statistic that would fit
a radar's rooms, so that rates and angles are a choice. Everything repeats after the simulator's
round, see :data:`mmwave.simulation.trajectory.DRIVE_DURATION_S`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.trajectory import DRIVE_DURATION_S

LIMBS = ("left arm", "right arm", "left shank")

_LARGEST = np.array([1.0, 1.0, 0.5])  # of every limb, as a share of the angles below
_UPPER_ARM_RAD, _FOREARM_RAD, _SHANK_RAD = 0.5, 1.1, 0.7


@dataclass(frozen=True)
class Gestures:
    """Of one person.

    Attributes:
        sizes: of the limbs of LIMBS, 0 for one at rest to 1.
        bouts: in a round; between them the limb rests as long as it moves.
        swings: in a round, if it were all one bout.
        phases_rad: of bouts and of swings, each for every limb.

    Raises:
        ValueError: a size beyond 0..1, or no whole, positive number of bouts or swings.
    """

    sizes: tuple[float, float, float]
    bouts: tuple[int, int, int]
    swings: tuple[int, int, int]
    phases_rad: tuple[tuple[float, float, float], tuple[float, float, float]]

    def __post_init__(self) -> None:
        if not all(0 <= size <= 1 for size in self.sizes):
            raise ValueError(f"sizes must be from 0 to 1, got {self.sizes}")
        for name in ("bouts", "swings"):
            numbers = getattr(self, name)
            if not all(number == int(number) > 0 for number in numbers):
                raise ValueError(f"{name} must be whole and positive, got {numbers}")

    @staticmethod
    def draw(generator: np.random.Generator) -> "Gestures":
        """Somebody's."""
        sizes = generator.uniform(0.15, 1.0, 3) * _LARGEST
        bouts, swings = generator.integers(1, 4, 3), generator.integers(5, 13, 3)
        first, second = generator.uniform(0, 2 * np.pi, (2, 3))
        return Gestures(
            _three(sizes), _three(bouts), _three(swings), (_three(first), _three(second))
        )

    def lifted(self, time_s: float) -> NDArray[np.float64]:
        """(3,) how far every limb is from its rest, 0 to 1; without a leap in place or speed."""
        turn = 2 * np.pi * time_s / DRIVE_DURATION_S
        bout, swing = np.asarray(self.phases_rad)
        moving = np.maximum(np.sin(np.asarray(self.bouts) * turn + bout), 0.0) ** 2
        back_and_forth = (1 - np.cos(np.asarray(self.swings) * turn + swing)) / 2
        return np.asarray(self.sizes) * moving * back_and_forth

    def angles_rad(self, time_s: float) -> NDArray[np.float64]:
        """What is added to somebody's posture at a time.

        Returns:
            (3, 2) of upper arms, forearms and shanks, left and right, forward positive.
        """
        left, right, shank = self.lifted(time_s)
        return np.array(
            [
                [_UPPER_ARM_RAD * left, _UPPER_ARM_RAD * right],
                [_FOREARM_RAD * left, _FOREARM_RAD * right],
                [_SHANK_RAD * shank, 0.0],
            ]
        )


def _three(values: NDArray[np.generic]) -> tuple:
    first, second, third = values.tolist()
    return first, second, third
