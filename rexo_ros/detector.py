"""People in the heatmaps of one or more radars: the exported networks, and what is around them.

Two graphs: the backbone looks at the heatmaps once, the other takes noise out of boxes as often as
there are steps. Both cards say for which room, views and powers the networks were trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.inference import ModelCard, ModelError, OnnxModel
from rexo_ros.camera import Camera
from rexo_ros.detections import OVERLAP, Detections, detections
from rexo_ros.diffusion import BOXES, Answer, Denoise, Sampler, Schedule
from rexo_ros.normalisation import Normalisation
from rexo_ros.space import Mount, Space


@dataclass(frozen=True)
class Trained:
    """What networks were trained for, as their cards hold it.

    Attributes:
        space: the room; its views are those that the networks take.
        frames: of a heatmap.
        normalisation: of powers.
        times: of the diffusion.
    """

    space: Space
    frames: int
    normalisation: Normalisation
    times: int

    def as_json(self) -> dict[str, Any]:
        """For a card."""
        space = self.space
        return {
            "low_m": list(space.low_m),
            "high_m": list(space.high_m),
            "rows": space.rows,
            "columns": space.columns,
            "views": list(space.views),
            "mounts": [[one.right_m, one.ahead_m, one.turned_rad] for one in space.mounts],
            "floor_m": space.floor_m,
            "frames": self.frames,
            "mean": self.normalisation.mean and list(self.normalisation.mean),
            "deviation": self.normalisation.deviation and list(self.normalisation.deviation),
            "times": self.times,
        }

    @staticmethod
    def of(card: ModelCard) -> "Trained":
        """What a card says.

        Raises:
            ModelError: it does not say it.
        """
        try:
            told: Mapping[str, Any] = card.about["trained_for"]
            low, high = (tuple(float(one) for one in told[name]) for name in ("low_m", "high_m"))
            space = Space(
                (low[0], low[1], low[2]),
                (high[0], high[1], high[2]),
                int(told["rows"]),
                int(told["columns"]),
                tuple(told["views"]),
                float(told["floor_m"]),
                tuple(Mount(*map(float, one)) for one in told.get("mounts", ())),
            )
            mean, deviation = (
                None if told[name] is None else tuple(told[name]) for name in ("mean", "deviation")
            )
            return Trained(
                space,
                int(told["frames"]),
                Normalisation(mean, deviation),
                int(told["times"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelError(
                f"the card of {card.name} does not say what it was trained for ({error!r}): is it "
                "a model of REXO? Export it anew"
            ) from error


class Detector:
    """Finds people.

    Args:
        backbone: exported features of heatmaps.
        step: exported taking away of noise.
        sampler: boxes and steps; one step, and as many boxes as :data:`rexo_ros.diffusion.BOXES`,
            by default.
        overlap: of two boxes that overlap more the less sure one is dropped.

    Attributes:
        trained: what the networks were trained for.
        boxes: the one number of boxes that the networks find, as those by queries do; None: any.
        sampler: how boxes are found.

    Raises:
        ModelError: a model is none of REXO, or they do not belong together.
    """

    def __init__(
        self,
        backbone: OnnxModel,
        step: OnnxModel,
        sampler: Sampler | None = None,
        overlap: float = OVERLAP,
    ) -> None:
        self._backbone, self._step, self._overlap = backbone, step, overlap
        self.trained = Trained.of(backbone.card)
        if step.card.about.get("backbone_sha256") != backbone.card.sha256:
            raise ModelError(
                f"{step.path.name} was not exported with {backbone.path.name}: give the two of one "
                "export"
            )
        space = self.trained.space
        views, frames = len(space.views), self.trained.frames
        pair = f"{views} views of {frames} heatmaps"
        shape = ("batch", views, frames, space.rows, space.columns)
        backbone.require({"heatmaps": ("float32", shape)}, {"features": (None,) * 5}, pair)
        self.boxes = _fixed_boxes(step)
        boxes = ("float32", ("batch", self.boxes or "boxes", 6))
        numbers = ("int64", ("batch",))
        step.require(
            {"features": ("float32", ("batch", views, None, None, None)), "noisy": boxes,
             "time": numbers},
            {"boxes": (None, None, 6), "score": (None, None), "refinement": (None, None, 4)},
            "noisy boxes",
        )  # fmt: skip
        self.sampler = sampler or Sampler(self.boxes or BOXES, schedule=self.schedule)

    @property
    def schedule(self) -> Schedule:
        """That the networks were trained with."""
        return Schedule(self.trained.times)

    @property
    def space(self) -> Space:
        """The room and the views that the networks see."""
        return self.trained.space

    def __call__(
        self,
        power: NDArray[np.floating],
        generator: np.random.Generator,
        camera: Camera | None = None,
        sampler: Sampler | None = None,
    ) -> Detections:
        """People of one frame, sure and not so sure, the surest first.

        Args:
            power: (view, frame, row, column) linear, the last frame the newest; NaN where it is
                not known, as everywhere in a view whose radar is silent.
            generator: of the noise.
            camera: whose image boxes are wanted in too.
            sampler: instead of the detector's own.

        Raises:
            ValueError: the shape is another than what the networks were trained for, or no view
                holds anything.
        """
        return self.batch(power[None], [generator], camera, sampler)[0]

    def batch(
        self,
        power: NDArray[np.floating],
        generators: Sequence[np.random.Generator],
        camera: Camera | None = None,
        sampler: Sampler | None = None,
    ) -> list[Detections]:
        """People of several frames at once, the same as one by one.

        Args:
            power: (N, view, frame, row, column), see :meth:`__call__`.
            generators: of the noise, one for each.
            camera: whose image boxes are wanted in too.
            sampler: instead of the detector's own.

        Raises:
            ValueError: see :meth:`__call__`; there are not as many generators.
        """
        space = self.space
        shape = (len(space.views), self.trained.frames, space.rows, space.columns)
        if power.shape[1:] != shape:
            raise ValueError(f"heatmaps must be {shape}, got {power.shape[1:]}")
        if len(generators) != len(power):
            raise ValueError(f"{len(power)} frames need as many generators: {len(generators)}")
        if not np.isfinite(power).any(axis=(1, 2, 3, 4)).all():
            raise ValueError("no view holds anything: both radars are silent")
        heatmaps = np.stack([self.trained.normalisation(one) for one in power])
        features = self._backbone.run(heatmaps=heatmaps)["features"]
        sampler = self._fitting(sampler or self.sampler)
        answers = sampler.batch(self._denoise(features), generators)
        return [detections(one, space, camera, self._overlap) for one in answers]

    def _fitting(self, sampler: Sampler) -> Sampler:
        if self.boxes not in (None, sampler.boxes):
            raise ValueError(
                f"{self._step.path.name} finds {self.boxes} boxes, not {sampler.boxes}: ask for as "
                "many"
            )
        return sampler

    def _denoise(self, features: NDArray[np.float32]) -> Denoise:
        def denoise(noisy: NDArray[np.float64], time: int) -> Answer:
            found = self._step.run(
                features=features,
                noisy=noisy.astype(np.float32),
                time=np.full(len(noisy), time, np.int64),
            )
            parts = (found[name] for name in ("boxes", "score", "refinement"))
            return Answer(*(part.astype(np.float64) for part in parts))

        return denoise


def _fixed_boxes(step: OnnxModel) -> int | None:
    """The one number of boxes that a graph takes; None: any."""
    shape = step.input_shapes.get("noisy", ())
    return shape[1] if len(shape) == 3 and isinstance(shape[1], int) else None
