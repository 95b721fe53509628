"""How REXO and what it is compared with are trained."""

from dataclasses import dataclass

from mmwave.learning.training import TrainingSettings
from rexo_ros.space import Space

NETWORKS = ("rexo", "flat", "query")
"""The diffusion of boxes in space; the same in the plane of the level view with bodies of one
height; learned queries."""

VIEWS = {
    "all": (),
    "both": ("horizontal", "vertical"),
    "horizontal": ("horizontal",),
    "vertical": ("vertical",),
}


@dataclass(frozen=True)
class RexoTraining(TrainingSettings):
    """As every training, and for people in heatmaps.

    Attributes:
        network: from NETWORKS.
        views: that the network sees, from VIEWS: all that the data have, or some; ``flat`` sees the
            level one whatever this says.
        grounded: boxes stand on the floor (equation 14).
        boxes: N_train, noisy boxes of a frame.
        space_weight: lambda_3D of equation (15).
        image_weight: lambda_2D.
        centre_weight: of the backbone's own guess; 0 as in the paper.
        one_view_share: of the frames in which one of the views is not there.
        mixed_share: of the frames to which the people of another frame are added, of data whose
            heatmaps show what moves alone; 0 as in the paper.
        early_matches: boxes that everybody is given in all heads but the last; 1 as in the paper.
        backbone_frozen: the backbone stays as it began, and its own guess is not asked for.

    Raises:
        ValueError: a name is not known, a number out of its range, or the backbone stays as it
            began without a network to begin from.
    """

    network: str = "rexo"
    views: str = "both"
    grounded: bool = True
    boxes: int = 10
    space_weight: float = 1.0
    image_weight: float = 1.0
    centre_weight: float = 1.0
    one_view_share: float = 0.1
    mixed_share: float = 0.5
    early_matches: int = 3
    backbone_frozen: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.network not in NETWORKS:
            raise ValueError(f"network must be one of {', '.join(NETWORKS)}, got {self.network!r}")
        if self.views not in VIEWS:
            raise ValueError(f"views must be one of {', '.join(VIEWS)}, got {self.views!r}")
        if self.backbone_frozen and not self.begin_from:
            raise ValueError(
                "a backbone that stays as it began needs a network to begin from: give --begin-from"
            )
        for name in ("boxes", "early_matches"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        weights = (self.space_weight, self.image_weight, self.centre_weight)
        if min(weights) < 0:
            raise ValueError(f"weights must not be negative: {weights}")
        for name in ("one_view_share", "mixed_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 0 and below 1, got {getattr(self, name)}"
                )

    def view_names(self, space: Space) -> tuple[str, ...]:
        """Views of the data that the network sees."""
        return VIEWS["horizontal" if self.network == "flat" else self.views] or space.views
