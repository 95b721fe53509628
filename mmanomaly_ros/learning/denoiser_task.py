"""Learning to take noise from latents of normal spectra, told what the camera sees.

Context network and autoencoder stay as they are: what they say of every frame is worked out once.
"""

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from mmanomaly_ros.expectation import DB_PER_UNIT, Schedule
from mmanomaly_ros.learning.augmentation import (
    Misalignment,
    changed_context,
    clean_context,
    flipped_spectrum,
    symmetric,
)
from mmanomaly_ros.learning.context_task import look
from mmanomaly_ros.learning.expectations import SAMPLES, STEPS, Generator
from mmanomaly_ros.learning.frame_store import FrameStore, weights_key
from mmanomaly_ros.learning.networks import denoiser
from mmanomaly_ros.learning.networks.context import ContextNet, Seen
from mmanomaly_ros.learning.networks.denoiser import Denoiser
from mmanomaly_ros.learning.networks.sizes import LATENT_MAP, LATENTS, SPECTRUM, TOKENS, sized
from mmanomaly_ros.learning.networks.vae import SpectrumVae
from mmanomaly_ros.learning.samples import SceneSet
from mmanomaly_ros.learning.schedule import TIMES, kept_shares, noisy, schedule_with, v_of
from mmanomaly_ros.learning.settings import AnomalyTraining
from mmanomaly_ros.learning.vae_task import units

VALIDATED = 64
"""Frames of a validation, at most."""
_BATCH = 16
_VARIANTS = 2
"""Of every frame: as it is; and mirrored, in another light and with a camera moved."""
_BLUR = 0.05
"""Noise on the condition, in units of its deviation: the context network knows the frames that it
learned from better than others."""
_LEAST_SCALE = 1e-3


@dataclass(frozen=True)
class DenoiserItem:
    """One frame to learn from: clean latents, normalised, and what is told."""

    latents: NDArray[np.float32]
    tokens: NDArray[np.float32]
    latent_map: NDArray[np.float32]
    noise: NDArray[np.float32]
    time: int


class DenoiserTask:
    """Latents from noise.

    Args:
        samples: to learn from.
        validation: of other scenes.
        context: trained.
        vae: trained.
        folder: of the data, beside which is kept what they say.
        schedule: with the latents' normalisation; None: that of the samples.
        progress: wraps the work.
    """

    settings_type = AnomalyTraining

    def __init__(
        self,
        samples: SceneSet,
        validation: SceneSet,
        context: ContextNet,
        vae: SpectrumVae,
        folder: Path,
        schedule: Schedule | None = None,
        progress: Callable[..., Iterable[Any]] = tqdm,
    ) -> None:
        self._samples, self._validation = samples, validation
        self._context, self._vae = context, vae
        self._told = None if schedule else _told(samples, context, vae, folder, progress)
        self.schedule = schedule or self._own_schedule()
        self._kept = kept_shares()

    def _own_schedule(self) -> Schedule:
        assert self._told is not None
        latents = np.asarray(self._told["latents"][:, 0], np.float32)
        shift = latents.mean(axis=(0, 2, 3), dtype=np.float64)
        scale = latents.std(axis=(0, 2, 3), dtype=np.float64)
        return schedule_with(shift, np.maximum(scale, _LEAST_SCALE))

    def network(self, settings: AnomalyTraining) -> Denoiser:
        """The network, untrained.

        Raises:
            ValueError: there is no such size.
        """
        return Denoiser(sized(denoiser.SIZES, settings.size))

    def batches(self, settings: AnomalyTraining, steps: range) -> Iterator[list[DenoiserItem]]:
        """Latents at random; those of a step are the same wherever the run was begun.

        Raises:
            ValueError: the task was made to judge only, with a schedule.
        """
        if self._told is None:
            raise ValueError("a task with another's schedule is not trained on")
        for step in steps:
            generator = np.random.default_rng([settings.seed, step])
            yield [
                self._item(self._told, int(number), settings.flips, generator)
                for number in generator.integers(len(self._samples), size=settings.batch)
            ]

    def _item(
        self, told: FrameStore, number: int, flips: bool, generator: np.random.Generator
    ) -> DenoiserItem:
        variant = int(generator.integers(_VARIANTS)) if flips else 0
        tokens, latent_map = (
            _blurred(told[name][number, variant].astype(np.float32), generator)
            for name in ("tokens", "latent_map")
        )
        return DenoiserItem(
            self._normalised(told["latents"][number, variant].astype(np.float32)),
            tokens,
            latent_map,
            generator.standard_normal(LATENTS, np.float32),
            int(generator.integers(TIMES)),
        )

    def _normalised(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        shift, scale = (one[:, None, None] for one in (self.schedule.shift, self.schedule.scale))
        return ((latents - shift) / scale).astype(np.float32)

    def loss(
        self, net: nn.Module, batch: list[DenoiserItem], settings: AnomalyTraining
    ) -> dict[str, Tensor]:
        """Squared error of v."""
        clean, tokens, latent_map, noise = (
            torch.from_numpy(np.stack([getattr(one, name) for one in batch])).to(settings.device)
            for name in ("latents", "tokens", "latent_map", "noise")
        )
        times = np.array([one.time for one in batch])
        kept = torch.from_numpy(self._kept[times]).to(settings.device)
        time = torch.from_numpy(times).to(clean)
        with settings.autocast():
            v = net(noisy(clean, noise, kept), time, tokens, latent_map)
        error = functional.mse_loss(v, v_of(clean, noise, kept))
        return {"v": error, "sum": error}

    def validate(self, net: nn.Module, settings: AnomalyTraining) -> dict[str, Any]:
        """Error of v, and of one draw and of the mean of several in decibels."""
        assert isinstance(net, Denoiser)
        frames = self._validation.normal().spread(VALIDATED)
        generator = np.random.default_rng(0)
        on_cpu = net if settings.device == "cpu" else deepcopy(net).cpu()
        parts = Generator(self._context, on_cpu, self._vae, self.schedule)
        errors: dict[str, list[float]] = {}
        for start in range(0, len(frames), _BATCH):
            batch = [frames[number] for number in range(start, min(start + _BATCH, len(frames)))]
            with torch.no_grad():
                seen = look(self._context, [clean_context(one, frames) for one in batch])
                latents = self._vae.moments(units([one.spectrum for one in batch]))[0].numpy()
                items = self._told_items(latents, seen, generator)
                found = {"v": float(self.loss(net, items, settings)["v"])}
            noise = generator.standard_normal((len(batch) * SAMPLES, *LATENTS))
            tokens, latent_map = (
                one.repeat_interleave(SAMPLES, dim=0) for one in (seen.tokens, seen.latent_map)
            )
            drawn = parts.spectra(tokens, latent_map, noise, STEPS)
            drawn = DB_PER_UNIT * drawn.reshape(len(batch), SAMPLES, *SPECTRUM)
            truth = DB_PER_UNIT * np.stack([one.unit for one in batch])
            found["one_mae_db"] = float(np.abs(drawn[:, 0] - truth).mean())
            found["mae_db"] = float(np.abs(drawn.mean(axis=1) - truth).mean())
            found["spread_db"] = float(drawn.std(axis=1, ddof=1).mean())
            for name, value in found.items():
                errors.setdefault(name, []).append(value)
        scores = {name: float(np.mean(values)) for name, values in errors.items()}
        return {"frames": len(frames), "steps": STEPS, **scores}

    def _told_items(
        self, latents: NDArray[np.float32], seen: Seen, generator: np.random.Generator
    ) -> list[DenoiserItem]:
        return [
            DenoiserItem(
                self._normalised(clean),
                tokens,
                latent_map,
                generator.standard_normal(LATENTS, np.float32),
                int(generator.integers(TIMES)),
            )
            for clean, tokens, latent_map in zip(
                latents, seen.tokens.numpy(), seen.latent_map.numpy(), strict=True
            )
        ]

    def describe(self) -> dict[str, Any]:
        """Where the latents come from, and what the way back must know."""
        schedule = self.schedule
        return {
            **self._samples.describe(),
            "validation": self._validation.describe(),
            "context_weights": weights_key(self._context),
            "vae_weights": weights_key(self._vae),
            "latents": {"shift": schedule.shift.tolist(), "scale": schedule.scale.tolist()},
        }


def schedule_of(about: dict[str, Any]) -> Schedule:
    """That a run was trained with, see :meth:`DenoiserTask.describe`."""
    told = about["data"]["latents"]
    return schedule_with(np.array(told["shift"]), np.array(told["scale"]))


def _told(
    samples: SceneSet,
    context: ContextNet,
    vae: SpectrumVae,
    folder: Path,
    progress: Callable[..., Iterable[Any]],
) -> FrameStore:
    """What the context network and the encoder say of every frame and variant."""
    frames = [(samples.sequences[which].name, frame) for which, frame in samples.places]
    depends = [weights_key(context), weights_key(vae), frames]
    shapes = {"latents": LATENTS, "tokens": TOKENS, "latent_map": LATENT_MAP}
    arrays = {name: (np.float16, (_VARIANTS, *shape)) for name, shape in shapes.items()}
    store = FrameStore(folder, "latents", depends, len(samples), arrays)
    mirrors = symmetric(samples.camera)
    misalignment = Misalignment(AnomalyTraining.misalignment_m, AnomalyTraining.misalignment_deg)

    def compute(numbers: range) -> dict[str, NDArray[np.generic]]:
        parts: dict[str, list[NDArray[np.float16]]] = {name: [] for name in shapes}
        chosen = [samples[number] for number in numbers]
        generator = np.random.default_rng([2, numbers.start])
        for variant in range(_VARIANTS):
            flipped = mirrors and variant > 0
            contexts = [
                changed_context(one, samples, misalignment, flipped, generator)
                if variant
                else clean_context(one, samples)
                for one in chosen
            ]
            spectra = [
                flipped_spectrum(one.spectrum, one.task) if flipped else one.spectrum
                for one in chosen
            ]
            with torch.no_grad():
                seen, latents = look(context, contexts), vae.moments(units(spectra))[0]
            for name, values in (
                ("latents", latents), ("tokens", seen.tokens), ("latent_map", seen.latent_map)
            ):  # fmt: skip
                parts[name].append(values.numpy().astype(np.float16))
        return {name: np.stack(values, axis=1) for name, values in parts.items()}

    store.fill(compute, progress)
    return store


def _blurred(values: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    noise = generator.standard_normal(values.shape, np.float32)
    return values + np.float32(_BLUR * values.std()) * noise
