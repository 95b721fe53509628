"""What an exported detector is worth in simulated rooms that it never saw, and on other days in
rooms that it was trained in.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmwave.metrics import ImageBoxes, average_precision
from rexo_ros.detections import Detections
from rexo_ros.detector import Detector
from rexo_ros.diffusion import Sampler
from rexo_ros.learning.samples import Sample, SimulatedSet
from rexo_ros.learning.scores import DetectionScores, overlap
from rexo_ros.learning.simulated import simulate_sequence

STRIDE = 4
FRAMES_OF_A_SEQUENCE = 16
"""Four samples, 0.2 s apart."""

FIRST_SESSION = 100
"""Sessions from here on are never trained on."""

STEPS = (1, 3, 5, 10)
TIMED_STEPS = (1, 5, 10)
TIMED_RUNS = 15
SPLITS = {
    ("seen", 1): "P1S1", ("unseen", 1): "P1S2", ("seen", 2): "P2S1", ("unseen", 2): "P2S2",
}  # fmt: skip
"""The paper's names: one person or several; on other days in rooms trained in, or in new ones."""

RESAMPLES = 40


@dataclass(frozen=True)
class Fresh:
    """A frame to be judged.

    Attributes:
        kind: ``seen`` or ``unseen`` room.
        samples: it is one of; gives space and camera.
        number: in them.
    """

    kind: str
    samples: SimulatedSet
    number: int

    @property
    def sample(self) -> Sample:
        """The frame."""
        return self.samples[self.number]

    @property
    def split(self) -> str:
        """The paper's name of where it belongs."""
        people = int(self.samples.sequences[0].about["people"])
        return SPLITS[self.kind, min(max(people, 1), 2)]

    @property
    def room(self) -> int:
        """Seed of its room."""
        return int(self.samples.sequences[0].about["room"])


def fresh_frames(
    kind: str, rooms: Sequence[int], first_session: int, count: int, space_name: str = "room"
) -> Iterator[Fresh]:
    """Simulate frames, some of each room: a day with one person and one with several in turn.

    Args:
        kind: ``seen`` or ``unseen``, of the rooms.
        rooms: seeds, used in turn.
        first_session: an even number.
        count: of frames.
        space_name: of the heatmaps.
    """
    each = FRAMES_OF_A_SEQUENCE // STRIDE
    for number in range(-(-count // each)):
        room = rooms[number // 2 % len(rooms)]
        session = first_session + number % 2 + 2 * (number // 2 // len(rooms))
        sequence = simulate_sequence(room, session, FRAMES_OF_A_SEQUENCE, space_name)
        samples = SimulatedSet([sequence], STRIDE)
        for one in range(min(each, count - number * each)):
            yield Fresh(kind, samples, one)


@dataclass
class Evaluation:
    """Collects figures of a detector.

    Attributes:
        detector: exported.
        seed: of the noise that boxes begin as.
    """

    detector: Detector
    seed: int = 0
    _kinds: dict[str, DetectionScores] = field(default_factory=dict)
    _splits: dict[str, DetectionScores] = field(default_factory=dict)
    _steps: dict[int, DetectionScores] = field(default_factory=dict)
    _lone: dict[str, DetectionScores] = field(default_factory=dict)
    _rooms: dict[tuple[str, int], DetectionScores] = field(default_factory=dict)
    _count: int = 0

    def add(self, one: Fresh) -> Detections:
        """Judge a frame; hands back what was found in it in one step."""
        sample = one.sample
        self._count += 1
        found = self._found(one, 1)
        self._kinds.setdefault(one.kind, DetectionScores()).add(found, sample)
        self._splits.setdefault(one.split, DetectionScores()).add(found, sample)
        self._rooms.setdefault((one.kind, one.room), DetectionScores()).add(found, sample)
        if one.kind == "unseen":
            for steps in STEPS:
                again = found if steps == 1 else self._found(one, steps)
                self._steps.setdefault(steps, DetectionScores()).add(again, sample)
            for view in self.detector.space.views:
                alone = self._found(one, 1, view)
                self._lone.setdefault(view, DetectionScores()).add(alone, sample)
        return found

    def _found(self, one: Fresh, steps: int, alone: str = "") -> Detections:
        """Detections in some steps; with one radar silent but ``alone`` if that is given."""
        power = one.sample.power
        views = self.detector.space.views
        if alone and len(views) > 1:
            power[[place for place, view in enumerate(views) if view != alone]] = np.nan
        self.detector.sampler = Sampler(steps=steps, schedule=self.detector.schedule)
        generator = np.random.default_rng([self.seed, self._count])
        return self.detector(power, generator, one.samples.camera)

    def as_json(self) -> dict[str, Any]:
        """All figures."""
        kinds = {kind: scores.as_json() for kind, scores in self._kinds.items()}
        for kind, figures in kinds.items():
            figures["ap_90"] = self._interval(kind)
        unseen = self._kinds.get("unseen")
        result: dict[str, Any] = {
            "simulated": True,
            "frames": self._count,
            **kinds,
            "by_split": {name: _short(scores) for name, scores in sorted(self._splits.items())},
            "by_steps": {str(steps): _short(scores) for steps, scores in self._steps.items()},
            "one_radar": {view: _short(scores) for view, scores in self._lone.items()},
        }
        if unseen is not None:
            edges = np.linspace(0, 1, 11)
            counts, _ = np.histogram(unseen.overlaps, edges)
            result["overlap_histogram"] = counts.tolist()
            result["by_depth_difference"] = unseen.by_depth_difference()
        return result

    def _interval(self, kind: str) -> list[float] | None:
        """Where AP lies in 90 % of draws of as many rooms from these (Efron 1979)."""
        rooms = [scores for (own, _), scores in self._rooms.items() if own == kind]
        generator = np.random.default_rng(0)
        drawn = []
        for _ in range(RESAMPLES):
            chosen = generator.integers(len(rooms), size=len(rooms))
            images = [image for number in chosen for image in rooms[number].image]
            drawn.append(mean_precision(images))
        if np.isnan(drawn).any():
            return None
        return [round(100 * float(one), 2) for one in np.quantile(drawn, [0.05, 0.95])]


def mean_precision(images: Sequence[ImageBoxes]) -> float:
    """AP of boxes in images, 0 to 1."""
    return float(average_precision(images, overlap).mean())


def latency_ms(detector: Detector, sample: Sample) -> dict[str, float]:
    """Median time of a frame by steps, heatmaps to detections, on this machine.

    Args:
        detector: exported.
        sample: a frame.
    """
    result = {}
    generator = np.random.default_rng(0)
    for steps in TIMED_STEPS:
        detector.sampler = Sampler(steps=steps, schedule=detector.schedule)
        times = []
        for _ in range(TIMED_RUNS):
            begin_s = time.perf_counter()
            detector(sample.power, generator)
            times.append(time.perf_counter() - begin_s)
        result[str(steps)] = round(1e3 * float(np.median(times)), 1)
    return result


def _short(scores: DetectionScores) -> dict[str, Any]:
    wanted = ("frames", "ap", "ap50", "ap75", "ar10", "ap_3d", "place_median_m")
    figures = scores.as_json()
    return {name: figures[name] for name in wanted}
