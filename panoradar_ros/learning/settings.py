"""How PanoRadar's networks are trained."""

from dataclasses import dataclass

from mmwave.learning.training import TrainingSettings


@dataclass(frozen=True)
class PanoramaTraining(TrainingSettings):
    """As every training, and for networks of panoramas.

    Attributes:
        wraps: azimuth is a circle; False for the ablation.
    """

    wraps: bool = True
