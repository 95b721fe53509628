"""Whether a wall looks like one that the networks learned from; where not, they are less sure.

Networks take a new wall for one that they know: what they draw spreads no wider over it. What it
looks like does tell, by its tint and by how coarse its texture is: the distance (Mahalanobis 1936)
from the nearest of the known walls, whose texture looks finer from afar. Walls that are alike on
the outside and not inside cannot be told apart so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.context import IMAGE_CHANNELS, Context, farthest_surface_m
from mmwave.inference import ModelCard, ModelError

FEATURES = (
    "red", "blue", "fine", "middle", "coarse", "red_spread", "blue_spread", "log_depth",
)  # fmt: skip
"""Of a look: tint, texture at three scales, how much the tint varies, and from how far."""
_BLURS_PX = (0.7, 1.4, 2.8)
_WALL_M = (-0.35, 0.2)
"""About the farthest surface, that pixels of the wall are in."""
_LEAST_PIXELS, _LEAST_INNER = 150, 80
_LEAST_BRIGHT = 0.08
"""Of 1, at the median; in less light there is more noise than texture."""
_DARK = 0.04
"""Added to brightness before it is divided by, in that of the wall."""
_DEPTH_PENALTY = 2.0
_SHRINKAGE = 0.01
_USUAL = 0.95
"""Share of known walls that are nearer than what counts as usual."""
_FOLDS = LEAST_SEQUENCES = 5
_ARRAYS = ("lines", "precision", "usual")
MOST_GROWTH = 1.25
_MOST_NOVELTY = 1.5
"""Novelty from which the spread grows no further, and its growth there: our choice. Errors over
walls that nobody trained with are up to 1.12 times as large on average, over some more; what grows
further costs hits.
"""
NEW_WALL = 1.25
"""Novelty of a wall that looks like none that was learned from: our choice, half-way."""
NEW_WALL_FRAMES = 10
"""In a row that a wall looks so, before it is said: people hide it for a moment."""


def wall_look(context: Context) -> NDArray[np.float64] | None:
    """What the farthest surface of a scene looks like.

    Args:
        context: of the scene.

    Returns:
        (feature,) by FEATURES; None where hardly anything is seen of it, or it is too dark: the
        live node says ``unknown`` for other reasons then.
    """
    image = dict(zip(IMAGE_CHANNELS, np.asarray(context.image, np.float64), strict=True))
    there = image["valid"] > 0
    depth_m = 1 / np.where(there, np.maximum(image["inverse_depth"], 1e-3), 1.0)
    farthest_m = farthest_surface_m(context)
    wall = there & (depth_m > farthest_m + _WALL_M[0]) & (depth_m < farthest_m + _WALL_M[1])
    if wall.sum() < _LEAST_PIXELS:
        return None
    inner = cv2.erode(wall.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if inner.sum() < _LEAST_INNER:
        inner = wall
    colours = {name: image[name] + 0.5 for name in ("red", "green", "blue")}
    level = float(np.median(np.mean(list(colours.values()), axis=0)[wall]))
    if level < _LEAST_BRIGHT:
        return None
    # a wall in less light is the same wall
    colours = {name: one / level for name, one in colours.items()}
    bright = np.mean(list(colours.values()), axis=0)
    tints = {name: colours[name] / (bright + _DARK) for name in ("red", "blue")}
    look = [np.log(max(float(np.median(one[wall])), 1e-3)) for one in tints.values()]
    # edges of what stands before the wall are no texture of it
    bright = np.where(wall, bright, 1.0)
    for blur_px in _BLURS_PX:
        less, more = (cv2.GaussianBlur(bright, (0, 0), one) for one in (blur_px, 2 * blur_px))
        contrast = np.abs((np.asarray(less) - more) / (bright + _DARK))[inner]
        look.append(np.log(float(np.median(contrast)) + 1e-4))
    for name in tints:
        spread = np.log(colours[name] + _DARK) - np.log(bright + _DARK)
        look.append(np.log(float(spread[inner].std()) + 1e-3))
    look.append(np.log(float(np.median(depth_m[wall]))))
    return np.array(look)


@dataclass(frozen=True)
class WallLooks:
    """What known walls look like.

    Attributes:
        lines: (wall, 2, feature - 1) of every known wall, look at a depth of 1 m and its change
            with the logarithm of depth.
        precision: (feature - 1, feature - 1) inverse covariance about them.
        usual: (wall,) distance that 95 % of a wall's own looks are within.

    Raises:
        ValueError: shapes do not belong together, or a number is not finite.
    """

    lines: NDArray[np.float64]
    precision: NDArray[np.float64]
    usual: NDArray[np.float64]

    def __post_init__(self) -> None:
        size = len(FEATURES) - 1
        if self.lines.ndim != 3 or self.lines.shape[1:] != (2, size) or not len(self.lines):
            raise ValueError(f"lines must be (wall, 2, {size}), got {self.lines.shape}")
        if self.precision.shape != (size, size):
            raise ValueError(f"precision must be ({size}, {size}), got {self.precision.shape}")
        if self.usual.shape != self.lines.shape[:1] or not (self.usual > 0).all():
            raise ValueError(f"usual must be a positive number a wall, got {self.usual}")
        if not np.isfinite([*self.lines.flat, *self.precision.flat, *self.usual]).all():
            raise ValueError("looks of walls must be finite")

    @staticmethod
    def fitted(
        looks: NDArray[np.floating], walls: NDArray[np.integer], sequences: Sequence[str]
    ) -> "WallLooks":
        """From looks of known walls.

        Args:
            looks: (n, feature).
            walls: (n,) which wall each is of.
            sequences: (n,) which sequence each is of: what is usual is told by other sequences.

        Raises:
            ValueError: a wall has fewer than five sequences, or there is no wall.
        """
        known = sorted(set(walls.tolist()))
        fold = np.empty(len(looks), int)
        for wall in known:
            own = np.flatnonzero(walls == wall).tolist()
            names = sorted({sequences[one] for one in own})
            if len(names) < _FOLDS:
                raise ValueError(f"wall {wall} has {len(names)} sequences, not {_FOLDS} and more")
            fold[own] = [names.index(sequences[one]) % _FOLDS for one in own]
        distances = np.empty((len(known), len(looks)))
        for number in range(_FOLDS):
            out = fold == number
            distances[:, out] = _distances(looks[out], *_fit(looks[~out], walls[~out]))
        usual = [np.quantile(distances[number, walls == wall], _USUAL)
                 for number, wall in enumerate(known)]  # fmt: skip
        return WallLooks(*_fit(looks, walls), np.array(usual))

    def novelty(self, look: NDArray[np.floating]) -> float:
        """Distance of a look from the nearest known wall, in that which is usual there."""
        distances = _distances(np.asarray(look)[None], self.lines, self.precision)[:, 0]
        return float((distances / self.usual).min())

    def as_json(self) -> dict[str, Any]:
        """For a card."""
        arrays = {name: np.round(getattr(self, name), 5).tolist() for name in _ARRAYS}
        return {"features": list(FEATURES), **arrays}

    @staticmethod
    def of(card: ModelCard) -> "WallLooks | None":
        """What the context network's card says; None where it is older and says nothing.

        Raises:
            ModelError: it says something impossible.
        """
        told: Mapping[str, Any] | None = card.about.get("wall_looks")
        if told is None:
            return None
        try:
            if tuple(told["features"]) != FEATURES:
                raise ValueError(f"features must be {FEATURES}, got {told['features']}")
            return WallLooks(*(np.asarray(told[one], np.float64) for one in _ARRAYS))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the card of {card.name} has no usable wall_looks ({error!r}): export it anew"
            ) from error


def growth_of(novelty: float) -> float:
    """How much wider expectations spread over a wall: 1 up to what is usual, then up to
    MOST_GROWTH; 1 where the novelty is NaN, which is not known.
    """
    if np.isnan(novelty):
        return 1.0
    share = np.clip((novelty - 1) / (_MOST_NOVELTY - 1), 0.0, 1.0)
    return float(1 + share * (MOST_GROWTH - 1))


class NewWallCheck:
    """Finds once that a wall looks like none that was learned from.

    Attributes:
        told: what to say then, and what to do.
    """

    told = (
        "the wall looks like none that the networks learned from: what is expected is less sure; "
        "record some normal minutes (record_folder) and run panoradar adapt mmanomaly"
    )

    def __init__(self) -> None:
        self._frames = 0

    def is_found(self, novelty: float) -> bool:
        """Whether it is found with this frame, which happens once.

        Args:
            novelty: of the frame, see :meth:`WallLooks.novelty`; NaN where it is not known.
        """
        if self._frames >= NEW_WALL_FRAMES:
            return False
        self._frames = self._frames + 1 if novelty > NEW_WALL else 0
        return self._frames == NEW_WALL_FRAMES


def _fit(
    looks: NDArray[np.floating], walls: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lines over depth, and the precision of looks about them."""
    lines, rest = [], []
    for wall in sorted(set(walls.tolist())):
        own = np.asarray(looks[walls == wall], np.float64)
        inputs = np.column_stack([np.ones(len(own)), own[:, -1]])
        square = inputs.T @ inputs + np.diag([1e-6, _DEPTH_PENALTY])
        line = np.linalg.solve(square, inputs.T @ own[:, :-1])
        lines.append(line)
        rest.append(own[:, :-1] - inputs @ line)
    together = np.concatenate(rest)
    covariance = np.cov(together.T) + _SHRINKAGE * np.diag(together.var(axis=0) + 1e-9)
    return np.stack(lines), np.asarray(np.linalg.inv(covariance), np.float64)


def _distances(
    looks: NDArray[np.floating], lines: NDArray[np.float64], precision: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(wall, n) of (n, feature) looks."""
    inputs = np.column_stack([np.ones(len(looks)), looks[:, -1]])
    rest = looks[None, :, :-1] - inputs @ lines
    squares = np.einsum("wni,ij,wnj->wn", rest, precision, rest)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))
