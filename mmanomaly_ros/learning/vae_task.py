"""Learning to fold spectra into latents: spectra alone, of normal and mirrored scenes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mmanomaly_ros.expectation import DB_PER_UNIT
from mmanomaly_ros.learning.augmentation import flipped_spectrum
from mmanomaly_ros.learning.networks import baseline, vae
from mmanomaly_ros.learning.networks.baseline import SpectrumAutoencoder
from mmanomaly_ros.learning.networks.sizes import sized
from mmanomaly_ros.learning.networks.vae import SpectrumVae
from mmanomaly_ros.learning.samples import SceneSet, unit_of
from mmanomaly_ros.learning.settings import AnomalyTraining

VALIDATED = 256
"""Frames of a validation, at most."""
_BATCH = 32
_SQUARED = 2.0
"""Weight of the squared error beside the absolute one: peaks count, not the floor alone."""


class SpectrumTask:
    """Spectra at random; what is learned of them is said by those who inherit.

    Args:
        samples: to learn from.
        validation: of other scenes.
    """

    settings_type = AnomalyTraining

    def __init__(self, samples: SceneSet, validation: SceneSet) -> None:
        self._samples, self._validation = samples, validation

    def batches(self, settings: AnomalyTraining, steps: range) -> Iterator[list[NDArray[np.uint8]]]:
        """Quantised spectra; those of a step are the same wherever the run was begun."""
        for step in steps:
            generator = np.random.default_rng([settings.seed, step])
            chosen = generator.integers(len(self._samples), size=settings.batch)
            flips = settings.flips & (generator.random(settings.batch) < 0.5)
            frames = [self._samples[number] for number in chosen]
            yield [
                flipped_spectrum(one.spectrum, one.task) if flip else one.spectrum
                for one, flip in zip(frames, flips, strict=True)
            ]

    def describe(self) -> dict[str, Any]:
        """Where the spectra come from."""
        return {**self._samples.describe(), "validation": self._validation.describe()}

    def _errors_db(self, net: nn.Module, settings: AnomalyTraining) -> dict[str, Any]:
        """Of spectra that come back, in decibels."""
        frames = self._validation.normal().spread(VALIDATED)
        absolute, squared = [], []
        for start in range(0, len(frames), _BATCH):
            numbers = range(start, min(start + _BATCH, len(frames)))
            spectra = units([frames[n].spectrum for n in numbers]).to(settings.device)
            with torch.no_grad():
                error = (self._restored(net, spectra) - spectra) * DB_PER_UNIT
            absolute.append(error.abs().mean(dim=(1, 2, 3)))
            squared.append(error.square().mean(dim=(1, 2, 3)))
        return {
            "frames": len(frames),
            "mae_db": float(torch.cat(absolute).mean()),
            "rmse_db": float(torch.cat(squared).mean().sqrt()),
        }

    def _restored(self, net: nn.Module, spectra: Tensor) -> Tensor:
        restored: Tensor = net(spectra)
        return restored


class VaeTask(SpectrumTask):
    """The autoencoder of the diffusion; see :class:`SpectrumTask`."""

    def network(self, settings: AnomalyTraining) -> SpectrumVae:
        """The network, untrained.

        Raises:
            ValueError: there is no such size.
        """
        return SpectrumVae(sized(vae.SIZES, settings.size))

    def loss(
        self, net: nn.Module, batch: list[NDArray[np.uint8]], settings: AnomalyTraining
    ) -> dict[str, Tensor]:
        """Absolute and squared error, and a little of the divergence from a normal distribution."""
        spectra = units(batch).to(settings.device)
        with settings.autocast():
            restored, mean, log_variance = net(spectra)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        parts = _errors(restored, spectra) | {"divergence": divergence}
        parts["sum"] = _summed(parts) + settings.divergence_weight * divergence
        return parts

    def validate(self, net: nn.Module, settings: AnomalyTraining) -> dict[str, Any]:
        """Errors of what comes back, in decibels."""
        return self._errors_db(net, settings)

    def _restored(self, net: nn.Module, spectra: Tensor) -> Tensor:
        assert isinstance(net, SpectrumVae)
        return net.decode(net.moments(spectra)[0])


class BaselineTask(SpectrumTask):
    """The autoencoder without a camera, whose error is the score; see :class:`SpectrumTask`."""

    def network(self, settings: AnomalyTraining) -> SpectrumAutoencoder:
        """The network, untrained.

        Raises:
            ValueError: there is no such size.
        """
        return SpectrumAutoencoder(sized(baseline.SIZES, settings.size))

    def loss(
        self, net: nn.Module, batch: list[NDArray[np.uint8]], settings: AnomalyTraining
    ) -> dict[str, Tensor]:
        """Absolute and squared error."""
        spectra = units(batch).to(settings.device)
        with settings.autocast():
            restored = net(spectra)
        parts = _errors(restored, spectra)
        parts["sum"] = _summed(parts)
        return parts

    def validate(self, net: nn.Module, settings: AnomalyTraining) -> dict[str, Any]:
        """Errors of what comes back, in decibels."""
        return self._errors_db(net, settings)


def units(spectra: list[NDArray[np.uint8]]) -> Tensor:
    """Quantised spectra as a batch from -1 to 1."""
    return torch.from_numpy(unit_of(np.stack(spectra)))


def _errors(restored: Tensor, spectra: Tensor) -> dict[str, Tensor]:
    return {
        "absolute": functional.l1_loss(restored, spectra),
        "squared": functional.mse_loss(restored, spectra),
    }


def _summed(parts: dict[str, Tensor]) -> Tensor:
    return parts["absolute"] + _SQUARED * parts["squared"]
