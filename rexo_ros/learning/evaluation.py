"""What an exported detector is worth in simulated rooms that it never saw, and on other days in
rooms that it was trained in.
"""

import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from mmwave.metrics import ImageBoxes, average_precision
from rexo_ros.detections import Detections
from rexo_ros.detector import Detector
from rexo_ros.learning.samples import Sample, SampleSet, SimulatedSet, spread
from rexo_ros.learning.scores import DetectionScores, overlap
from rexo_ros.learning.simulated import pose_of_day, simulate_sequence
from rexo_ros.space import Space

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

RESAMPLES = 200


@dataclass(frozen=True)
class Fresh:
    """A frame to be judged.

    Attributes:
        kind: ``seen`` or ``unseen`` room of a simulation, ``data`` of frames on disk.
        sample: the frame.
        space: of its heatmaps.
    """

    kind: str
    sample: Sample
    space: Space

    @property
    def split(self) -> str:
        """The paper's name of where it belongs; empty of frames on disk."""
        people = min(max(int(self.sample.about["people"]), 1), 2)
        return SPLITS.get((self.kind, people), "")

    @property
    def room(self) -> str:
        """Its room, as the data set calls it."""
        return str(self.sample.about["room"])


def fresh_frames(
    kind: str,
    rooms: Sequence[int],
    first_session: int,
    count: int,
    space_name: str = "room",
    camera_poses: int = 1,
) -> Iterator[Fresh]:
    """Simulate frames, some of each room: a day with one person and one with several in turn.

    Args:
        kind: ``seen`` or ``unseen``, of the rooms.
        rooms: seeds, used in turn.
        first_session: an even number.
        count: of frames.
        space_name: of the heatmaps.
        camera_poses: that days have one of, see :func:`pose_of_day`.
    """
    each = FRAMES_OF_A_SEQUENCE // STRIDE
    for number in range(-(-count // each)):
        room = rooms[number // 2 % len(rooms)]
        session = first_session + number % 2 + 2 * (number // 2 // len(rooms))
        pose = pose_of_day(room, session, camera_poses)
        sequence = simulate_sequence(room, session, FRAMES_OF_A_SEQUENCE, space_name, pose)
        samples = SimulatedSet([sequence], STRIDE)
        for one in range(min(each, count - number * each)):
            yield Fresh(kind, samples[one], samples.space)


def frames_on_disk(samples: SampleSet, count: int) -> Iterator[Fresh]:
    """Frames of a data set, evenly spread.

    Args:
        samples: of the data set.
        count: of frames, at most.
    """
    for number in spread(len(samples), count):
        yield Fresh("data", samples[number], samples.space)


@dataclass
class Evaluation:
    """Collects figures of a detector.

    Attributes:
        detector: exported.
        seed: of the noise that boxes begin as.
        others: exported detectors to compare it with, on the same frames.
    """

    detector: Detector
    seed: int = 0
    others: Mapping[str, Detector] = field(default_factory=dict)
    _kinds: dict[str, DetectionScores] = field(default_factory=dict)
    _splits: dict[str, DetectionScores] = field(default_factory=dict)
    _steps: dict[int, DetectionScores] = field(default_factory=dict)
    _lone: dict[str, DetectionScores] = field(default_factory=dict)
    _poses: dict[int, DetectionScores] = field(default_factory=dict)
    _rooms: dict[tuple[str, str], DetectionScores] = field(default_factory=dict)
    _others: dict[tuple[str, str], DetectionScores] = field(default_factory=dict)
    _count: int = 0

    def add(self, one: Fresh) -> Detections:
        """Judge a frame; hands back what was found in it in one step.

        Raises:
            ValueError: its heatmaps are of another space than the detector's.
        """
        sample = one.sample
        self._count += 1
        found = self._found(self.detector, one, 1)
        _add(self._kinds, one.kind, found, sample)
        _add(self._rooms, (one.kind, one.room), found, sample)
        if one.split:
            _add(self._splits, one.split, found, sample)
        for name, other in self.others.items():
            _add(self._others, (name, one.kind), self._found(other, one, 1), sample)
        if one.kind != "seen":
            if (pose := sample.about.get("camera_pose")) is not None:
                _add(self._poses, int(pose), found, sample)
            for steps in STEPS:
                again = found if steps == 1 else self._found(self.detector, one, steps)
                _add(self._steps, steps, again, sample)
            for view in self.detector.space.views:
                _add(self._lone, view, self._found(self.detector, one, 1, view), sample)
        return found

    def _found(self, detector: Detector, one: Fresh, steps: int, alone: str = "") -> Detections:
        """Detections in some steps; with one radar silent but ``alone`` if that is given."""
        views = detector.space.views
        if not set(views) <= set(one.space.views) or one.space.seen_by(*views) != detector.space:
            raise ValueError(f"heatmaps are of {one.space}, the network is for {detector.space}")
        power = one.sample.power[[one.space.views.index(view) for view in views]]
        if alone and len(views) > 1:
            power[[place for place, view in enumerate(views) if view != alone]] = np.nan
        sampler = replace(detector.sampler, steps=steps)
        generator = np.random.default_rng([self.seed, self._count])
        return detector(power, generator, one.sample.camera, sampler)

    def as_json(self) -> dict[str, Any]:
        """All figures."""
        kinds = {kind: scores.as_json() for kind, scores in self._kinds.items()}
        for kind, figures in kinds.items():
            figures["ap_90"] = self._interval(kind)
        result: dict[str, Any] = {
            "simulated": True,
            "frames": self._count,
            **kinds,
            "by_split": {name: _short(scores) for name, scores in sorted(self._splits.items())},
            "by_steps": {str(steps): _short(scores) for steps, scores in self._steps.items()},
            "one_radar": {view: _short(scores) for view, scores in self._lone.items()},
        }
        if len(self._poses) > 1:
            result["by_camera_pose"] = {
                str(pose): _short(scores) for pose, scores in sorted(self._poses.items())
            }
        if self._others:
            result["baselines"] = {
                f"{name}, {kind}": _short(scores) for (name, kind), scores in self._others.items()
            }
        edges = np.linspace(0, 1, 11)
        result["overlap_histogram"] = {
            kind: np.histogram(scores.overlaps, edges)[0].tolist()
            for kind, scores in self._kinds.items()
        }
        result["by_depth_difference"] = {
            kind: scores.by_depth_difference() for kind, scores in self._kinds.items()
        }
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
        known = np.array(drawn)[np.isfinite(drawn)]  # a draw of rooms without anybody says nothing
        if not len(known):
            return None
        return [round(100 * float(one), 2) for one in np.quantile(known, [0.05, 0.95])]


Key = TypeVar("Key", bound=Hashable)


def _add(scores: dict[Key, DetectionScores], key: Key, found: Detections, sample: Sample) -> None:
    scores.setdefault(key, DetectionScores()).add(found, sample)


def mean_precision(images: Sequence[ImageBoxes]) -> float:
    """AP of boxes in images, 0 to 1."""
    return float(average_precision(images, overlap).mean())


def latency_ms(detector: Detector, one: Fresh) -> dict[str, float]:
    """Median time of a frame by steps, from heatmaps to detections, on this machine.

    Args:
        detector: exported.
        one: a frame.
    """
    result = {}
    generator = np.random.default_rng(0)
    power = one.sample.power[[one.space.views.index(view) for view in detector.space.views]]
    for steps in TIMED_STEPS:
        sampler = replace(detector.sampler, steps=steps)
        times = []
        for _ in range(TIMED_RUNS):
            begin_s = time.perf_counter()
            detector(power, generator, one.sample.camera, sampler)
            times.append(time.perf_counter() - begin_s)
        result[str(steps)] = round(1e3 * float(np.median(times)), 1)
    return result


def _short(scores: DetectionScores) -> dict[str, Any]:
    wanted = ("frames", "ap", "ap50", "ap75", "ar10", "ap_3d", "missed_share", "false_per_frame",
              "place_median_m")  # fmt: skip
    figures = scores.as_json()
    return {name: figures[name] for name in wanted}
