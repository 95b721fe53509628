"""How the networks of mmAnomaly are trained."""

from dataclasses import dataclass

from mmwave.learning.training import TrainingSettings

NETWORKS = (
    "mmanomaly-context",
    "mmanomaly-vae",
    "mmanomaly-denoiser",
    "mmanomaly-comparator",
    "mmanomaly-baseline",
)
"""What the camera tells, with the regression of the expected spectrum; the autoencoder of spectra;
the diffusion of its latents; what compares; and what sees spectra alone."""


@dataclass(frozen=True)
class AnomalyTraining(TrainingSettings):
    """As every training, and for spectra with a camera beside them.

    Attributes:
        network: from NETWORKS.
        variance_weight: beta of the regression's likelihood (Seitzer et al. 2022): 0 is the
            likelihood, 1 weighs errors as a mean square would.
        heads_weight: of clothing, wall and pose.
        divergence_weight: of the latents' divergence from a normal distribution.
        misalignment_m: of the camera, at most and along each axis, as an augmentation.
        misalignment_deg: likewise, about each axis.
        flips: scenes are mirrored too, where the camera allows it.
        normal_share: of the frames that a comparator learns from.
        heatmap_weight: of its places against its verdict on the frame.

    Raises:
        ValueError: a name is not known, or a number out of its range.
    """

    network: str = "mmanomaly-context"
    variance_weight: float = 0.5
    heads_weight: float = 0.1
    divergence_weight: float = 1e-5
    misalignment_m: float = 0.02
    misalignment_deg: float = 2.0
    flips: bool = True
    normal_share: float = 0.5
    heatmap_weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.network not in NETWORKS:
            raise ValueError(f"network must be one of {', '.join(NETWORKS)}, got {self.network!r}")
        for name in ("variance_weight", "normal_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {getattr(self, name)}")
        for name in (
            "heads_weight",
            "divergence_weight",
            "misalignment_m",
            "misalignment_deg",
            "heatmap_weight",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
