"""What the trained networks expect of frames on disk, worked out once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from mmanomaly_ros.expectation import DB_PER_UNIT, LEAST_SPREAD_DB, Schedule, draw
from mmanomaly_ros.learning.augmentation import clean_context
from mmanomaly_ros.learning.context_task import look
from mmanomaly_ros.learning.frame_store import FrameStore, weights_key
from mmanomaly_ros.learning.networks.context import ContextNet
from mmanomaly_ros.learning.networks.denoiser import Denoiser
from mmanomaly_ros.learning.networks.sizes import LATENTS, SPECTRUM
from mmanomaly_ros.learning.networks.vae import SpectrumVae
from mmanomaly_ros.learning.samples import SceneSet

SAMPLES = 4
STEPS = 4


@dataclass(frozen=True)
class Generator:
    """The trained networks that draw spectra, in evaluation mode.

    Attributes:
        context: that looks at the scene.
        denoiser: of latents.
        vae: that makes spectra of them.
        schedule: the denoiser was trained with.
    """

    context: ContextNet
    denoiser: Denoiser
    vae: SpectrumVae
    schedule: Schedule

    @property
    def key(self) -> list[str]:
        """Fingerprints of their weights."""
        return [weights_key(one) for one in (self.context, self.denoiser, self.vae)]

    def spectra(
        self,
        tokens: torch.Tensor,
        latent_map: torch.Tensor,
        noise: NDArray[np.floating],
        steps: int,
    ) -> NDArray[np.float32]:
        """Draw spectra of one scene or several.

        Args:
            tokens: (N or 1, 24, 96) of the context.
            latent_map: (N or 1, 32, 16, 8) likewise.
            noise: (N, 8, 16, 8) standard normal.
            steps: of the way back.

        Returns:
            (N, 3, 128, 64) from -1 to 1.
        """

        def denoise(latents: NDArray[np.float32], time: int) -> NDArray[np.floating]:
            times = torch.full((len(latents),), float(time))
            v: NDArray[np.floating] = self.denoiser(
                torch.from_numpy(latents), times, tokens, latent_map
            ).numpy()
            return v

        with torch.no_grad():
            latents = draw(self.schedule, denoise, noise, steps)
            shift, scale = (
                one[:, None, None] for one in (self.schedule.shift, self.schedule.scale)
            )
            latents = (latents * scale + shift).astype(np.float32)
            spectra: NDArray[np.float32] = self.vae.decode(torch.from_numpy(latents)).numpy()
        return np.clip(spectra, -1, 1)


class Expectations:
    """Mean and spread of what should be seen of every frame; see :func:`cache_expectations`."""

    def __init__(self, store: FrameStore) -> None:
        self._store = store

    def __getitem__(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and spread (channel, range, column) of a frame, in unit scale, before its scale."""
        mean, spread = (self._store[name][number] for name in ("mean", "spread"))
        return mean.astype(np.float32), spread.astype(np.float32)

    def spread_scale(self, samples: SceneSet, most: int = 400) -> float:
        """What spreads must be multiplied with, so that errors of normal frames are as large.

        Args:
            samples: the same that the expectations are of.
            most: frames that it is taken from, the normal ones.
        """
        ratios = []
        numbers = np.linspace(0, len(samples) - 1, most).round().astype(int)
        for number in dict.fromkeys(numbers.tolist()):
            frame = samples[number]
            if not frame.anomalous:
                mean, spread = self[number]
                ratios.append(np.square((frame.unit - mean) / spread).mean(dtype=np.float64))
        return float(np.sqrt(np.mean(ratios))) if ratios else 1.0


def cache_expectations(
    folder: Path,
    samples: SceneSet,
    generator: Generator,
    count: int = SAMPLES,
    steps: int = STEPS,
    progress: Callable[..., Iterable[Any]] = tqdm,
) -> Expectations:
    """What should be seen of every frame, kept beside the data; goes on where it was.

    Args:
        folder: of the data.
        samples: frames of it.
        generator: the trained networks.
        count: K, draws of a frame.
        steps: of the way back.
        progress: wraps the work.
    """
    frames = [(samples.sequences[which].name, frame) for which, frame in samples.places]
    store = FrameStore(
        folder,
        "expectations",
        [generator.key, frames, count, steps],
        len(samples),
        {"mean": (np.float16, SPECTRUM), "spread": (np.float16, SPECTRUM)},
    )

    def compute(numbers: range) -> dict[str, NDArray[np.generic]]:
        contexts = [clean_context(samples[number], samples) for number in numbers]
        with torch.no_grad():
            seen = look(generator.context, contexts)
        noise = np.random.default_rng([1, numbers.start]).standard_normal(
            (len(numbers) * count, *LATENTS)
        )
        tokens, latent_map = (
            one.repeat_interleave(count, dim=0) for one in (seen.tokens, seen.latent_map)
        )
        drawn = generator.spectra(tokens, latent_map, noise, steps)
        drawn = drawn.reshape(len(numbers), count, *SPECTRUM)
        return {
            "mean": drawn.mean(axis=1).astype(np.float16),
            "spread": spread_of(drawn, seen.log_variance.numpy()).astype(np.float16),
        }

    store.fill(compute, progress)
    return Expectations(store)


def spread_of(
    drawn: NDArray[np.floating], log_variance: NDArray[np.floating]
) -> NDArray[np.floating]:
    """As :func:`mmanomaly_ros.expectation.spread_db`, in unit scale.

    Args:
        drawn: (N, K, channel, range, column).
        log_variance: (N, channel, range, column) of the regression.
    """
    variance = np.exp(log_variance)
    if drawn.shape[1] > 1:
        variance = variance + drawn.var(axis=1, ddof=1)
    return np.maximum(np.sqrt(variance), LEAST_SPREAD_DB / DB_PER_UNIT)
