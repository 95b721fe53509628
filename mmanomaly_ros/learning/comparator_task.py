"""Learning to tell anomalies from what normal frames do: normal ones, half of them with a paste."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mmanomaly_ros.expectation import DB_PER_UNIT, LEAST_SPREAD_DB
from mmanomaly_ros.learning.augmentation import clean_context, flipped_spectrum, symmetric
from mmanomaly_ros.learning.expectations import Expectations
from mmanomaly_ros.learning.networks import comparator
from mmanomaly_ros.learning.networks.comparator import Comparator
from mmanomaly_ros.learning.networks.sizes import sized
from mmanomaly_ros.learning.pastes import Scene, pasted
from mmanomaly_ros.learning.samples import SceneSet
from mmanomaly_ros.learning.scores import auroc
from mmanomaly_ros.learning.settings import AnomalyTraining
from mmanomaly_ros.spectrum import dequantised, to_unit
from mmanomaly_ros.watch import ANGLES, RANGES, TASKS, is_upright, watch_one_hot

VALIDATED = 300
"""Frames of a validation, at most."""
_BATCH = 32
_GAIN_DB = 0.5
"""Standard deviation of a drift of the whole radar."""


@dataclass(frozen=True)
class ComparatorItem:
    """One frame to learn from, in unit scale.

    Attributes:
        measured: (channel, range, column).
        expected: likewise.
        spread: likewise.
        watch: its number.
        mask: (range, column) where the anomaly is.
        anomalous: there is one that stands out.
    """

    measured: NDArray[np.float32]
    expected: NDArray[np.float32]
    spread: NDArray[np.float32]
    watch: int
    mask: NDArray[np.bool_]
    anomalous: bool


class ComparatorTask:
    """Anomalies from what is measured and what was expected.

    Args:
        samples: to learn from, that the networks before did not learn from; only normal frames
            are used.
        expectations: of their normal frames, see :meth:`SceneSet.normal`.
        validation: of other scenes; real anomalies in them are judged by, too.
        validated: expectations of ``validation``.
        spread_scale: of the spreads; None: that of the expectations.
    """

    settings_type = AnomalyTraining

    def __init__(
        self,
        samples: SceneSet,
        expectations: Expectations,
        validation: SceneSet,
        validated: Expectations,
        spread_scale: float | None = None,
    ) -> None:
        self._samples, self._expectations = samples.normal(), expectations
        self._validation, self._validated = validation, validated
        self.spread_scale = spread_scale or expectations.spread_scale(self._samples)
        self._mirrors = symmetric(samples.camera)

    def network(self, settings: AnomalyTraining) -> Comparator:
        """The network, untrained.

        Raises:
            ValueError: there is no such size.
        """
        return Comparator(sized(comparator.SIZES, settings.size))

    def batches(self, settings: AnomalyTraining, steps: range) -> Iterator[list[ComparatorItem]]:
        """Frames at random, changed; those of a step are the same wherever the run was begun."""
        for step in steps:
            generator = np.random.default_rng([settings.seed, step])
            yield [
                self._item(int(number), settings, generator)
                for number in generator.integers(len(self._samples), size=settings.batch)
            ]

    def _item(
        self, number: int, settings: AnomalyTraining, generator: np.random.Generator
    ) -> ComparatorItem:
        changed = generator.random() >= settings.normal_share
        drift_db = generator.normal(0, _GAIN_DB)
        item = self._pasted(self._samples, self._expectations, number, changed, drift_db, generator)
        flipped = bool(generator.random() < 0.5) and settings.flips and self._mirrors
        return _flipped(item) if flipped else item

    def _pasted(
        self,
        samples: SceneSet,
        expectations: Expectations,
        number: int,
        changed: bool,
        drift_db: float,
        generator: np.random.Generator,
    ) -> ComparatorItem:
        scene = scene_of(samples, number)
        measured_db, mask, visible = scene.measured_db, np.zeros((RANGES, ANGLES), bool), False
        if changed:
            other = scene_of(self._samples, int(generator.integers(len(self._samples))))
            found = pasted(scene, other, generator)
            measured_db, mask, visible = found.measured_db, found.mask, found.visible
        mean, spread = expectations[number]
        return ComparatorItem(
            to_unit(measured_db + np.float32(drift_db)),
            mean,
            self._scaled(spread),
            scene.context.watch,
            mask,
            visible,
        )

    def _scaled(self, spread: NDArray[np.float32]) -> NDArray[np.float32]:
        least = LEAST_SPREAD_DB / DB_PER_UNIT
        return np.maximum(spread * self.spread_scale, least).astype(np.float32)

    def loss(
        self, net: nn.Module, batch: list[ComparatorItem], settings: AnomalyTraining
    ) -> dict[str, Tensor]:
        """Cross-entropy and overlap of the places, cross-entropy of the frames."""
        with settings.autocast():
            heatmap, frame = compare(net, batch, settings.device)
        mask = torch.from_numpy(np.stack([one.mask for one in batch])).to(heatmap)[:, None]
        anomalous = torch.tensor([[one.anomalous] for one in batch]).to(heatmap)
        parts = {
            "places": functional.binary_cross_entropy_with_logits(
                heatmap, mask, pos_weight=heatmap.new_tensor(4.0)
            ),
            "overlap": dice_loss(heatmap, mask),
            "frame": functional.binary_cross_entropy_with_logits(frame, anomalous),
        }
        places = 2 * parts["places"] + parts["overlap"]
        parts["sum"] = settings.heatmap_weight * places + parts["frame"]
        return parts

    def validate(self, net: nn.Module, settings: AnomalyTraining) -> dict[str, Any]:
        """How well the frame's logit tells pastes, and real anomalies, from normal frames."""
        chosen = np.linspace(0, len(self._validation) - 1, VALIDATED).round().astype(int)
        numbers = list(dict.fromkeys(chosen.tolist()))
        normal = [n for n in numbers if not self._validation[n].anomalous]
        real = [n for n in numbers if self._validation[n].anomalous]
        generator = np.random.default_rng(0)
        logits, watches = self._judge(net, settings, normal, False, generator)
        changed, _ = self._judge(net, settings, normal, True, generator)
        found, found_watches = self._judge(net, settings, real, False, generator)
        scores: dict[str, Any] = {"frames": len(numbers), "spread_scale": self.spread_scale}
        for number, name in enumerate(TASKS):
            own, others = watches == number, found_watches == number
            seen = own & np.isfinite(changed)
            scores[f"{name}_pasted_auroc"] = _known(auroc(logits[own], changed[seen]))
            scores[f"{name}_auroc"] = _known(auroc(logits[own], found[others]))
        return scores

    def _judge(
        self,
        net: nn.Module,
        settings: AnomalyTraining,
        numbers: list[int],
        changed: bool,
        generator: np.random.Generator,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Logits of frames, NaN where a paste does not stand out, and their watches."""
        logits, watches = np.full(len(numbers), np.nan), np.zeros(len(numbers), np.int64)
        for start in range(0, len(numbers), _BATCH):
            batch = [
                self._pasted(self._validation, self._validated, number, changed, 0.0, generator)
                for number in numbers[start : start + _BATCH]
            ]
            with torch.no_grad():
                said = compare(net, batch, settings.device)[1][:, 0].cpu().numpy()
            shown = np.array([one.anomalous or not changed for one in batch])
            logits[start : start + len(batch)] = np.where(shown, said, np.nan)
            watches[start : start + len(batch)] = [one.watch for one in batch]
        return logits, watches

    def describe(self) -> dict[str, Any]:
        """Where the frames come from, and how spreads are scaled."""
        return {
            **self._samples.describe(),
            "validation": self._validation.describe(),
            "spread_scale": self.spread_scale,
        }


def compare(
    net: nn.Module, batch: list[ComparatorItem], device: str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Logits of places and frames."""
    spectra = [
        torch.from_numpy(np.stack([getattr(one, name) for one in batch])).to(device)
        for name in ("measured", "expected", "spread")
    ]
    watch = torch.from_numpy(watch_one_hot([one.watch for one in batch])).to(device)
    heatmap, frame = net(*spectra, watch)
    return heatmap, frame


def scene_of(samples: SceneSet, number: int) -> Scene:
    """A frame as pastes need it."""
    frame = samples[number]
    context = clean_context(frame, samples)
    wall_m = frame.meta.get("wall_m")
    return Scene(
        dequantised(frame.spectrum),
        context,
        float(wall_m) if frame.wall > 0 and wall_m is not None else np.nan,
        samples.range_bin_m,
        frame.pose,
    )


def dice_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """1 - overlap of a heatmap with a mask, over the frames that have one (Milletari et al. 2016).

    Args:
        logits: (N, 1, range, column).
        mask: likewise, 0 or 1.
    """
    dimensions = (1, 2, 3)
    believed, size = logits.sigmoid(), mask.sum(dim=dimensions)
    both = (believed * mask).sum(dim=dimensions)
    share = (2 * both + 1) / (believed.sum(dim=dimensions) + size + 1)
    there = size > 0
    return (1 - share)[there].mean() if there.any() else 0 * logits.sum()


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _flipped(item: ComparatorItem) -> ComparatorItem:
    return replace(
        item,
        measured=flipped_spectrum(item.measured, item.watch),
        expected=flipped_spectrum(item.expected, item.watch),
        spread=flipped_spectrum(item.spread, item.watch),
        mask=item.mask if is_upright(item.watch) else np.ascontiguousarray(item.mask[:, ::-1]),
    )
