"""Boxes from noise: the schedule, and the way back in a few steps (NumPy).

Diffusion variables are boxes as shares of the room, stretched from 0..1 to -2..2 and, where the
network sees them, cut there (Chen et al. 2023, DiffusionDet: signal scale 2). The way back is
DDIM's (Song et al. 2021; equations 13 and 28 of Yataka et al. 2026) with eta 1.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

BOXES = 20
"""Random boxes that a search begins with: twice as many as the network learns from, since a
box finds who is near it. Chosen on validation rooms."""

LIVE_BOXES = 10
"""As the node begins with, which has 50 ms for a frame and sees everybody again in the next."""

SCALE = 2.0
LEAST_SIZE = 0.01
"""Of a box, as a share of the room: corrections of its place are in units of its size."""


@dataclass(frozen=True)
class Schedule:
    """How much of a box is left at every time (cosine, Nichol and Dhariwal 2021).

    Attributes:
        times: T; time 0 is nearly clean, time T - 1 nearly noise.

    Raises:
        ValueError: there are less than two times.
    """

    times: int = 100

    def __post_init__(self) -> None:
        if self.times < 2:
            raise ValueError(f"times must be at least 2, got {self.times}")

    @property
    def kept(self) -> NDArray[np.float64]:
        """(time,) alpha bar: share of the signal's power, from nearly 1 to nearly 0."""
        part = np.arange(self.times + 1) / self.times
        curve = np.cos((part + 0.008) / 1.008 * np.pi / 2) ** 2
        beta = np.minimum(1 - curve[1:] / curve[:-1], 0.999)
        return np.cumprod(1 - beta)

    def way_back(self, steps: int) -> Iterator[tuple[int, int]]:
        """Pairs of a time and the one after it, the last of them -1, which is clean.

        Raises:
            ValueError: there are fewer times than steps, or no steps.
        """
        if not 1 <= steps <= self.times:
            raise ValueError(f"steps must be from 1 to {self.times}, got {steps}")
        times = np.linspace(self.times - 1, -1, steps + 1).round().astype(int).tolist()
        return pairwise(times)


def to_variables(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Unit boxes (..., 6) as diffusion variables, within -SCALE and SCALE."""
    return np.clip((np.asarray(boxes, np.float64) * 2 - 1) * SCALE, -SCALE, SCALE)


def to_boxes(variables: NDArray[np.floating]) -> NDArray[np.float64]:
    """Diffusion variables (..., 6) as unit boxes with sizes of at least LEAST_SIZE."""
    boxes = (np.clip(variables, -SCALE, SCALE) / SCALE + 1) / 2
    boxes[..., 3:] = np.maximum(boxes[..., 3:], LEAST_SIZE)
    return np.asarray(boxes)


@dataclass(frozen=True)
class Answer:
    """What a network says of noisy boxes, of one frame or of several along a first axis.

    Attributes:
        boxes: (N, 6) unit boxes without noise.
        score: (N,) probability of a person.
        refinement: (N, 4) of the image boxes, see :meth:`rexo_ros.camera.Camera.refined`.
    """

    boxes: NDArray[np.float64]
    score: NDArray[np.float64]
    refinement: NDArray[np.float64]

    @staticmethod
    def join(parts: "list[Answer]") -> "Answer":
        """All boxes of several answers about the same frames."""
        return Answer(
            np.concatenate([part.boxes for part in parts], axis=-2),
            np.concatenate([part.score for part in parts], axis=-1),
            np.concatenate([part.refinement for part in parts], axis=-2),
        )

    def frames(self) -> "list[Answer]":
        """Of several frames one by one."""
        parts = zip(self.boxes, self.score, self.refinement, strict=True)
        return [Answer(*part) for part in parts]


Denoise = Callable[[NDArray[np.float64], int], Answer]
"""From (N, 6) or (frame, N, 6) noisy unit boxes and their time to an answer."""


@dataclass(frozen=True)
class Sampler:
    """How boxes are found.

    Attributes:
        boxes: N, random at the beginning.
        steps: of the way back.
        schedule: the network was trained with.
        eta: share of DDPM's noise that is added on the way; 0 adds none.
        renewed_below: boxes with less score are replaced by random ones after each step.
        ensemble: answers of all steps count, not only the last one's.

    Raises:
        ValueError: there are no boxes, or no steps, or more than times.
    """

    boxes: int = BOXES
    steps: int = 1
    schedule: Schedule = Schedule()
    eta: float = 1.0
    renewed_below: float = 0.5
    ensemble: bool = True

    def __post_init__(self) -> None:
        if self.boxes < 1:
            raise ValueError(f"boxes must be at least 1, got {self.boxes}")
        self.schedule.way_back(self.steps)

    def __call__(self, denoise: Denoise, generator: np.random.Generator) -> Answer:
        """Boxes of one frame, before double ones are taken out.

        Args:
            denoise: the network, for one pair of heatmaps.
            generator: of all that is random.
        """

        def of_frames(noisy: NDArray[np.float64], time: int) -> Answer:
            answer = denoise(noisy[0], time)
            return Answer(answer.boxes[None], answer.score[None], answer.refinement[None])

        return self.batch(of_frames, [generator])[0]

    def batch(self, denoise: Denoise, generators: Sequence[np.random.Generator]) -> list[Answer]:
        """Boxes of several frames at once, the same as one by one.

        Args:
            denoise: the network, for as many frames as there are generators.
            generators: of all that is random, one for each frame.
        """
        kept = self.schedule.kept
        variables = np.stack([one.standard_normal((self.boxes, 6)) for one in generators])
        answers: list[Answer] = []
        for time, after in self.schedule.way_back(self.steps):
            answer = denoise(to_boxes(variables), time)
            answers.append(answer)
            if after < 0:
                break
            clean = to_variables(answer.boxes)
            noise = (variables - np.sqrt(kept[time]) * clean) / np.sqrt(1 - kept[time])
            spread = self.eta * np.sqrt(
                (1 - kept[time] / kept[after]) * (1 - kept[after]) / (1 - kept[time])
            )
            straight = np.sqrt(np.maximum(1 - kept[after] - spread**2, 0.0))
            fresh = np.stack(
                [one.standard_normal((2, self.boxes, 6)) for one in generators], axis=1
            )
            variables = np.sqrt(kept[after]) * clean + straight * noise + spread * fresh[0]
            weak = answer.score < self.renewed_below
            variables = np.where(weak[..., None], fresh[1], variables)
        return (Answer.join(answers) if self.ensemble else answers[-1]).frames()
