"""Networks from the folders that they were trained in."""

from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from mmanomaly_ros.learning.context_task import CLASSES
from mmanomaly_ros.learning.denoiser_task import schedule_of
from mmanomaly_ros.learning.expectations import Generator
from mmanomaly_ros.learning.frame_store import weights_key
from mmanomaly_ros.learning.networks import baseline, comparator, context, denoiser, vae
from mmanomaly_ros.learning.networks.context import ContextNet
from mmanomaly_ros.learning.networks.denoiser import Denoiser
from mmanomaly_ros.learning.networks.sizes import sized
from mmanomaly_ros.learning.networks.vae import SpectrumVae
from mmanomaly_ros.learning.settings import AnomalyTraining
from mmwave.learning.training import read_run

_Net = TypeVar("_Net", bound=nn.Module)


def make_network(settings: AnomalyTraining) -> nn.Module:
    """The network that the settings ask for, untrained.

    Raises:
        ValueError: there is no such size.
    """
    name, size = settings.network.removeprefix("mmanomaly-"), settings.size
    if name == "context":
        return ContextNet(sized(context.SIZES, size), CLASSES)
    if name == "vae":
        return SpectrumVae(sized(vae.SIZES, size))
    if name == "denoiser":
        return denoiser.Denoiser(sized(denoiser.SIZES, size))
    if name == "comparator":
        return comparator.Comparator(sized(comparator.SIZES, size))
    return baseline.SpectrumAutoencoder(sized(baseline.SIZES, size))


class _Trained:
    settings_type = AnomalyTraining

    def network(self, settings: AnomalyTraining) -> nn.Module:
        return make_network(settings)


def read_network(folder: Path, kind: type[_Net]) -> tuple[_Net, dict[str, Any]]:
    """The network of a run, and what is known of its training.

    Args:
        folder: of the run.
        kind: of network that it must be.

    Raises:
        ValueError: the folder holds no such run.
    """
    net, about = read_run(folder, _Trained())  # type: ignore[arg-type]
    if not isinstance(net, kind):
        raise ValueError(f"{folder} is a run of {type(net).__name__}, not of {kind.__name__}")
    return net, about


def read_context(folder: Path) -> ContextNet:
    """The context network of a run.

    Raises:
        ValueError: see :func:`read_network`.
    """
    return read_network(folder, ContextNet)[0]


def read_vae(folder: Path) -> SpectrumVae:
    """The autoencoder of a run.

    Raises:
        ValueError: see :func:`read_network`.
    """
    return read_network(folder, SpectrumVae)[0]


def read_generator(context_run: Path, vae_run: Path, denoiser_run: Path) -> Generator:
    """The three networks that draw spectra.

    Raises:
        ValueError: see :func:`read_network`, or the denoiser was trained with others.
    """
    seeing, folding = read_context(context_run), read_vae(vae_run)
    net, about = read_network(denoiser_run, Denoiser)
    for name, other in (("context", seeing), ("vae", folding)):
        if about["data"].get(f"{name}_weights") != weights_key(other):
            raise ValueError(f"{denoiser_run} was trained with another {name} than the one given")
    return Generator(seeing, net, folding, schedule_of(about))
