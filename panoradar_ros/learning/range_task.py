"""Learning range images and normals from echoes."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from panoradar_ros.learning.dataset import Batch, FrameSet, batches, range_batch
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.losses import range_loss
from panoradar_ros.learning.networks.range_net import SIZES, RangeNet
from panoradar_ros.learning.range_scores import score_range_net
from panoradar_ros.learning.settings import PanoramaTraining

VALIDATION_FRAMES = 32


def range_net(settings: PanoramaTraining) -> RangeNet:
    """The network that the settings ask for.

    Raises:
        ValueError: there is no such size.
    """
    if settings.size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(SIZES)}, got {settings.size!r}")
    return RangeNet(SIZES[settings.size], wraps=settings.wraps)


class RangeTask:
    """Range images and normals.

    Args:
        frames: to learn from.
        validation: of other buildings.
    """

    settings_type = PanoramaTraining

    def __init__(self, frames: FrameSet, validation: FrameSet) -> None:
        self._frames, self._validation = frames, validation

    def network(self, settings: PanoramaTraining) -> RangeNet:
        """See :func:`range_net`."""
        return range_net(settings)

    def batches(self, settings: PanoramaTraining, steps: range) -> Iterator[Batch]:
        """See :func:`panoradar_ros.learning.dataset.batches`."""
        return batches(self._frames, settings.batch, steps, settings.seed)

    def loss(
        self, net: nn.Module, batch: list[Frame], settings: PanoramaTraining
    ) -> dict[str, Tensor]:
        """See :func:`panoradar_ros.learning.losses.range_loss`."""
        assert isinstance(net, RangeNet)
        echo, target = range_batch(batch, settings.device)
        with settings.autocast():
            output = net(echo)
        return range_loss(net, output, target)

    def validate(self, net: nn.Module, settings: PanoramaTraining) -> dict[str, Any]:
        """Scores on some frames of the validation's buildings."""
        assert isinstance(net, RangeNet)
        return score_range_net(net, self._validation, VALIDATION_FRAMES, settings.device).as_json()

    def describe(self) -> dict[str, Any]:
        """Buildings that it learns from."""
        return self._frames.describe()
