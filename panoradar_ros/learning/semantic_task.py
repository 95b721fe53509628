"""Learning classes and boxes from what the range network says of frames."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from mmwave.inference import OnnxModel
from mmwave.simulation.scene import IGNORED_CLASS
from mmwave.simulation.truth import NO_INSTANCE
from panoradar_ros.learning.dataset import FrameSet
from panoradar_ros.learning.frames import NAMES, Frame
from panoradar_ros.learning.networks.semantic_net import SIZES, SemanticNet
from panoradar_ros.learning.semantic_scores import SemanticScores
from panoradar_ros.learning.semantic_targets import semantic_loss, semantic_target
from panoradar_ros.learning.settings import PanoramaTraining
from panoradar_ros.recognition.features import CHANNELS, CLASSES, semantic_features

_LEFT = CHANNELS.index("left")
"""Channel of the normal's left component: it changes its sign in a mirror."""

_WEIGHT_POWER = 0.3
LOST_SHARE = 0.2
MOST_LOST_COLUMNS = 60
COMMON_SHARE = 0.5
"""Frames with a class that fewer frames have than this are drawn more often."""


@dataclass(frozen=True)
class SeenFrame:
    """A frame without its echoes, and what the second network sees of it.

    Attributes:
        features: (channel, row, column) float16.
        frame: the truth; its echoes are empty.
        range_m: (row, column) learned.
    """

    features: NDArray[np.float16]
    frame: Frame
    range_m: NDArray[np.float32]


def seen(
    frames: FrameSet, model: OnnxModel, progress: Callable[..., Any] = tqdm
) -> list[SeenFrame]:
    """Let the range network look at frames.

    Args:
        frames: all that are wanted.
        model: exported range network.
        progress: wraps the frames.
    """
    result = []
    for number in progress(range(len(frames)), desc="range images", unit="frame"):
        frame = frames[number]
        answer = model.run(echo=frame.echo[None])
        features = features_of(frame.echo, answer)
        bare = replace(frame, echo=np.empty((*frame.range.shape, 0), np.uint8))
        copied = {name: np.array(getattr(bare, name)) for name in NAMES}
        range_m = answer["range_m"]
        result.append(SeenFrame(features.astype(np.float16), Frame(**copied), range_m))
    return result


def features_of(echo: NDArray[np.uint8], answer: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Features of a range network's answer, see :func:`semantic_features`."""
    there = np.isfinite(answer["range_m"])
    normal = np.where(there[..., None], answer["normal"], np.float32(0))
    return semantic_features(
        echo, answer["range_m"], answer["spread_m"], answer["confidence"], normal, answer["hint"]
    )


def changed(one: SeenFrame, generator: np.random.Generator) -> SeenFrame:
    """The frame rolled by any number of columns, mirrored half of the time, and with a sector that
    was not received in LOST_SHARE of the cases.
    """
    shift, mirrored = int(generator.integers(one.frame.range.shape[1])), generator.random() < 0.5

    def turned(array: NDArray[Any], axis: int) -> NDArray[Any]:
        rolled = np.roll(array, shift, axis)
        return np.ascontiguousarray(np.flip(rolled, axis) if mirrored else rolled)

    features = turned(one.features, 2)
    if mirrored:
        features[_LEFT] *= -1
    arrays = {name: turned(getattr(one.frame, name), 1) for name in NAMES}
    if mirrored:
        arrays["normal"] = arrays["normal"] * np.array([1, -1, 1], np.int8)
    result = SeenFrame(features, Frame(**arrays), turned(one.range_m, 1))
    return without_sector(result, generator) if generator.random() < LOST_SHARE else result


def without_sector(one: SeenFrame, generator: np.random.Generator) -> SeenFrame:
    """The frame as if some columns had not been received: their features are those of
    :func:`semantic_features` for rays that are not known, their classes do not count, and what
    stands there ends at them.

    Args:
        one: frame; changed and handed back.
        generator: chooses the columns.
    """
    columns = one.frame.range.shape[1]
    width = int(generator.integers(1, min(MOST_LOST_COLUMNS, columns) + 1))
    lost = (int(generator.integers(columns)) + np.arange(width)) % columns
    row = CHANNELS.index("row")
    told = one.features[row, :, lost]
    one.features[:, :, lost] = 0
    one.features[row, :, lost] = told
    one.frame.label[:, lost] = IGNORED_CLASS
    one.frame.instance[:, lost] = NO_INSTANCE
    one.frame.range[:, lost] = one.range_m[:, lost] = np.nan
    return one


class SemanticTask:
    """Classes of pixels, boxes of people and things.

    Args:
        frames: to learn from.
        validation: of other buildings.
        about: where they come from, JSON-able.
    """

    settings_type = PanoramaTraining

    def __init__(
        self, frames: Sequence[SeenFrame], validation: Sequence[SeenFrame], about: dict[str, Any]
    ) -> None:
        self._frames, self._validation, self._about = frames, validation, about
        self._class_weight = class_weights([one.frame for one in frames])
        self._often = drawing_shares([one.frame for one in frames])

    def network(self, settings: PanoramaTraining) -> SemanticNet:
        """The network that the settings ask for.

        Raises:
            ValueError: there is no such size.
        """
        if settings.size not in SIZES:
            raise ValueError(f"size must be one of {', '.join(SIZES)}, got {settings.size!r}")
        net = SemanticNet(SIZES[settings.size], settings.wraps)
        return net.to(memory_format=_layout(settings))  # type: ignore[call-overload]

    def batches(self, settings: PanoramaTraining, steps: range) -> Iterator[list[SeenFrame]]:
        """Frames at random, changed; those of a step are the same wherever the run was begun."""
        for step in steps:
            generator = np.random.default_rng([settings.seed, step])
            chosen = generator.choice(len(self._frames), settings.batch, p=self._often)
            yield [changed(self._frames[number], generator) for number in chosen]

    def loss(
        self, net: nn.Module, batch: list[SeenFrame], settings: PanoramaTraining
    ) -> dict[str, Tensor]:
        """See :func:`panoradar_ros.learning.semantic_targets.semantic_loss`."""
        features = torch.from_numpy(np.stack([one.features for one in batch]).astype(np.float32))
        target = semantic_target([one.frame for one in batch], settings.device)
        weight = self._class_weight.to(settings.device)
        features = features.to(settings.device, memory_format=_layout(settings))
        with settings.autocast():
            output = net(features)
        return semantic_loss(output, target, weight)

    def validate(self, net: nn.Module, settings: PanoramaTraining) -> dict[str, Any]:
        """Scores on the validation's frames."""
        scores = SemanticScores()
        for one in self._validation:
            features = torch.from_numpy(one.features.astype(np.float32))[None]
            with torch.no_grad():
                output = net(features.to(settings.device))
            logits, objects, edges = (part[0].cpu().numpy() for part in output)
            scores.add(logits, objects, edges, one.frame, one.range_m)
        return scores.as_json()

    def describe(self) -> dict[str, Any]:
        """Buildings that it learns from."""
        return self._about


def _layout(settings: PanoramaTraining) -> torch.memory_format:
    """Channels last is faster with products in bfloat16, and slower with single ones."""
    half = settings.precision == "bfloat16"
    return torch.channels_last if half else torch.contiguous_format


def drawing_shares(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """(frame,) how often each is to be drawn, one together: those with rare classes more often.

    A class that a share s of the frames has makes them count sqrt(COMMON_SHARE / s) times, a frame
    counts as its rarest class (Gupta et al. 2019, repeat factors).
    """
    there = np.zeros((len(frames), 256), bool)
    for number, frame in enumerate(frames):
        there[number, np.unique(frame.label)] = True
    share = np.maximum(there[:, :CLASSES].mean(axis=0), 1e-9)
    factor = np.maximum(1.0, np.sqrt(COMMON_SHARE / share))
    often = np.where(there[:, :CLASSES], factor, 1.0).max(axis=1)
    return np.asarray(often / often.sum())


def class_weights(frames: Sequence[Frame]) -> Tensor:
    """(class,) weights that fall with a class's share of the pixels, one on average over those
    that occur; one for a class that never does.
    """
    counts = np.zeros(256)
    for frame in frames:
        counts += np.bincount(frame.label.ravel(), minlength=256)
    there = counts[:CLASSES] > 0
    weight = np.where(there, np.maximum(counts[:CLASSES], 1) ** -_WEIGHT_POWER, 0.0)
    weight = np.where(there, weight / max(weight.sum(), 1e-12) * there.sum(), 1.0)
    return torch.from_numpy(weight).float()
