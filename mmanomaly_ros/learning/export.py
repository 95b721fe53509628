"""mmAnomaly's networks as ONNX files, see :mod:`mmwave.learning.export`.

They are run by :mod:`mmanomaly_ros.expectation` and :mod:`mmanomaly_ros.comparison`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmanomaly_ros.context import Context
from mmanomaly_ros.expectation import Schedule
from mmanomaly_ros.learning.networks.baseline import SpectrumAutoencoder
from mmanomaly_ros.learning.networks.comparator import Comparator
from mmanomaly_ros.learning.networks.context import ContextNet, Seen
from mmanomaly_ros.learning.networks.denoiser import Denoiser
from mmanomaly_ros.learning.networks.sizes import LATENT_MAP, LATENTS, SPECTRUM, TOKENS
from mmanomaly_ros.learning.networks.vae import SpectrumVae
from mmwave.learning.export import export

_SAMPLES = {0: "samples"}
_DRAWN = 4
_MOST = 0.05
"""Difference that half-precision weights may make, in deviations of the output; the largest of all
cells may be so much ten times over."""


class Exported(nn.Module):
    """A network whose weights are under ``net.``, as exported files have them.

    Args:
        net: trained.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, *inputs: Tensor) -> Any:
        """What the network says."""
        said = self.net(*inputs)
        return tuple(said) if isinstance(said, tuple) else said


class ExportedDecoder(nn.Module):
    """The half of the autoencoder that makes spectra of latents.

    Args:
        net: trained.
    """

    def __init__(self, net: SpectrumVae) -> None:
        super().__init__()
        self.net = net

    def forward(self, latents: Tensor) -> Tensor:
        """(K, 8, 16, 8), not normalised, to (K, 3, 128, 64)."""
        return self.net.decode(latents)


def export_context(
    net: ContextNet, context: Context, path: Path, card: Mapping[str, Any]
) -> dict[str, float]:
    """Write the context network and its card.

    Args:
        net: trained.
        context: of a real frame, to compare on.
        path: of the file.
        card: what is known of it.

    Returns:
        Largest differences of ONNX Runtime and PyTorch by output, in its deviations.

    Raises:
        ValueError: they are too far apart; so of all functions here.
    """
    about = {
        "what": "tokens and latent map of what a camera sees, the spectrum that a regression "
        "expects, and classes",
        "input": "image (1, 5, 96, 128), polar (1, 6, 128, 64), see mmanomaly_ros.context; watch "
        "(1, 3) one-hot",
    }
    return _written(net, context.as_inputs(), Seen._fields, path, {**about, **card})


def export_decoder(
    net: SpectrumVae, spectra: NDArray[np.float32], path: Path, card: Mapping[str, Any]
) -> dict[str, float]:
    """Write the decoder and its card.

    Args:
        net: trained.
        spectra: (N, channel, range, column) of real frames, unit scale, whose latents are compared
            on.
        path: of the file.
        card: what is known of it.
    """
    net = net.eval()
    with torch.no_grad():
        latents = net.moments(torch.from_numpy(spectra))[0].numpy()
    about = {
        "what": "spectra of latents",
        "input": "latents (samples, 8, 16, 8), after the denoiser's scale and shift",
    }
    return export(
        ExportedDecoder(net).eval(),
        {"latents": latents},
        ("spectra",),
        path,
        {**about, **card},
        _differences(("spectra",)),
        {"latents": _SAMPLES, "spectra": _SAMPLES},
    )


def export_denoiser(
    net: Denoiser,
    schedule: Schedule,
    path: Path,
    card: Mapping[str, Any],
    seen: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> dict[str, float]:
    """Write the denoiser and its card, with the schedule.

    Args:
        net: trained.
        schedule: that it was trained with.
        path: of the file.
        card: what is known of it; ``context_sha256`` and ``decoder_sha256`` are those of the models
            it works with.
        seen: tokens (1, 24, 96) and latent map (1, 32, 16, 8) of a real frame to compare on.
    """
    generator = np.random.default_rng(0)
    tokens, latent_map = seen or (
        generator.standard_normal((1, *shape)).astype(np.float32) for shape in (TOKENS, LATENT_MAP)
    )
    inputs = {
        "latents": generator.standard_normal((_DRAWN, *LATENTS)).astype(np.float32),
        "time": np.linspace(999, 0, _DRAWN, dtype=np.float32).round(),
        "tokens": tokens,
        "latent_map": latent_map,
    }
    about = {
        "what": "noise in latents of spectra, told what a camera sees",
        "input": "latents (samples, 8, 16, 8) normalised and noisy, time (samples,) 0 to 999, "
        "tokens and latent_map of the context network",
        "schedule": {
            "prediction": schedule.prediction,
            "alphas_cumulative": schedule.alphas_cumulative.tolist(),
            "shift": schedule.shift.tolist(),
            "scale": schedule.scale.tolist(),
        },
    }
    any_length = dict.fromkeys(("latents", "time", "prediction"), _SAMPLES)
    return _written(net, inputs, ("prediction",), path, {**about, **card}, any_length)


def export_comparator(
    net: Comparator,
    spectra: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    path: Path,
    card: Mapping[str, Any],
) -> dict[str, float]:
    """Write the comparator and its card.

    Args:
        net: trained.
        spectra: measured, expected and spread (channel, range, column) of a real frame, unit scale,
            to compare on.
        path: of the file.
        card: what is known of it.
    """
    names = ("measured", "expected", "spread")
    inputs = {name: one[None].astype(np.float32) for name, one in zip(names, spectra, strict=True)}
    inputs["watch"] = np.array([[1, 0, 0]], np.float32)
    about = {
        "what": "logits of an anomaly at each range and lateral sine, and anywhere in the frame",
        "input": "measured, expected and spread (1, 3, 128, 64), unit scale; watch (1, 3) one-hot",
    }
    return _written(net, inputs, ("heatmap", "frame"), path, {**about, **card})


def export_baseline(
    net: SpectrumAutoencoder,
    spectrum: NDArray[np.float32],
    path: Path,
    card: Mapping[str, Any],
) -> dict[str, float]:
    """Write the autoencoder without a camera and its card.

    Args:
        net: trained.
        spectrum: (channel, range, column) of a real frame, unit scale, to compare on.
        path: of the file.
        card: what is known of it.
    """
    if spectrum.shape != SPECTRUM:
        raise ValueError(f"spectrum must be {SPECTRUM}, got {spectrum.shape}")
    about = {
        "what": "spectra as normal ones would look, without a camera: a baseline",
        "input": "spectra (1, 3, 128, 64), unit scale",
    }
    inputs = {"spectra": spectrum[None].astype(np.float32)}
    return _written(net, inputs, ("restored",), path, {**about, **card})


def _written(
    net: nn.Module,
    inputs: Mapping[str, NDArray[Any]],
    outputs: Sequence[str],
    path: Path,
    card: Mapping[str, Any],
    any_length: Mapping[str, Mapping[int, str]] | None = None,
) -> dict[str, float]:
    module = Exported(net.eval()).eval()
    return export(module, inputs, outputs, path, card, _differences(outputs), any_length)


def _differences(names: Sequence[str]) -> Any:
    def compare(expected: list[np.ndarray], found: list[np.ndarray]) -> dict[str, float]:
        errors, wrong = {}, {}
        for name, one, other in zip(names, expected, found, strict=True):
            # a single logit has no deviation: it is told in its own units
            unit = max(float(one.std()), 1e-3) if one.size > 1 else 1.0
            off = np.abs(one - other) / unit
            errors[name] = float(off.max())
            if not (off.max() <= 10 * _MOST and off.mean() <= _MOST):
                wrong[name] = errors[name]
        if wrong:
            raise ValueError(f"the exported model is not the network: {wrong}")
        return errors

    return compare


def looked(net: ContextNet, context: Context) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Tokens and latent map of a frame."""
    inputs = [torch.from_numpy(one) for one in context.as_inputs().values()]
    with torch.no_grad():
        seen = net.eval()(*inputs)
    return seen.tokens.numpy(), seen.latent_map.numpy()
