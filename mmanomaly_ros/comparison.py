"""Where the radar sees something else than expected.

Three witnesses, each over the grid of range and lateral sine:

* a learned comparator's logit;
* how many spreads more is returned than expected (z): of the azimuth channels cell by cell, and of
  ``range_doppler``, its strongest speed, for all sines of a range alike;
* how little the pictures resemble each other, 1 - SSIM (Wang et al. 2004, equation 13).

Behind a wall they are heard only where something moves as a body does and nobody before it has
their mirror image (:func:`heard_cells`).

They are joined by a logistic regression: heatmap = 1 / (1 + exp(-(bias + sum of weight *
evidence))), whose weights are fitted on validation data (:func:`fit_fusion`) and lie in the
decision's card.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.expectation import DB_PER_UNIT, Expectation
from mmanomaly_ros.features import FrameFeatures, frame_features, moving_bodies
from mmanomaly_ros.lasting import lasting_cells
from mmanomaly_ros.mirrors import mirror_images
from mmanomaly_ros.spectrum import to_unit
from mmanomaly_ros.watch import (
    ANGLES,
    RANGES,
    is_behind_a_wall,
    is_upright,
    position_of,
    watch_one_hot,
)
from mmwave.inference import ModelError, OnnxModel

EVIDENCE = ("learned", "azimuth", "doppler", "dissimilarity")
_AZIMUTH, _DOPPLER = slice(0, 2), 2
_WINDOW = 7
_SMOOTHED = (3, 3)
"""Columns and rows over which z is averaged: an echo fills several cells, a freak one."""
_MOST_Z = 20.0
QUIET = -10.0
"""Logit of a cell in which nobody can be, and score of a frame in which all are."""
_STRONGEST = 8
"""Cells whose mean logit stands for a frame."""


@dataclass(frozen=True)
class Fusion:
    """Weights of the witnesses.

    Attributes:
        bias: of the sum.
        learned: per logit of the comparator.
        azimuth: per spread in the azimuth channels.
        doppler: per spread in range_doppler.
        dissimilarity: per (1 - SSIM) / 2.
        frame: weight of the comparator's logit of the whole frame in the frame's score, beside the
            strongest cells' mean logit.

    Raises:
        ValueError: a weight is not finite.
    """

    bias: float = -6.0
    learned: float = 0.5
    azimuth: float = 1.0
    doppler: float = 0.25
    dissimilarity: float = 1.0
    frame: float = 0.5

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not np.isfinite(value):
                raise ValueError(f"{name} must be finite, got {value}")

    def logits(
        self, evidence: NDArray[np.floating], somebody: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """(range, column) from (evidence, range, column).

        Args:
            evidence: by EVIDENCE.
            somebody: (range, column) where somebody can be, elsewhere they are QUIET; without it,
                everywhere.
        """
        weights = np.array([getattr(self, name) for name in EVIDENCE], np.float64)
        logits = np.tensordot(weights, evidence, axes=1) + self.bias
        return np.asarray(logits if somebody is None else np.where(somebody, logits, QUIET))


@dataclass(frozen=True)
class Comparison:
    """A measured spectrum against the expected one.

    Attributes:
        heatmap: (range, column) probability of what is not expected, 0 to 1.
        evidence: (evidence, range, column) by EVIDENCE, that the heatmap is made of.
        somebody: (range, column) where they are heard; None: everywhere.
        z: (channel, range, column).
        similarity: (channel, range, column) SSIM, -1 to 1.
        frame_logit: of the comparator, of the whole frame.
        score: of the frame, in logits.
        features: of the frame, for the decision over time.
    """

    heatmap: NDArray[np.float32]
    evidence: NDArray[np.float32]
    somebody: NDArray[np.bool_] | None
    z: NDArray[np.float32]
    similarity: NDArray[np.float32]
    frame_logit: float
    score: float
    features: FrameFeatures


def ssim_map(
    measured_db: NDArray[np.floating], expected_db: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Structural similarity about every cell of spectra, channel by channel.

    Args:
        measured_db: (channel, range, column).
        expected_db: likewise.

    Returns:
        The same shape, 1 where they are alike.

    Raises:
        ValueError: shapes differ.
    """
    # not everybody who imports this compares: scikit-image comes with the extra "learned"
    from skimage.metrics import structural_similarity

    pairs = zip(to_unit(measured_db), to_unit(expected_db), strict=True)
    return np.stack(
        [
            structural_similarity(one, other, win_size=_WINDOW, data_range=2.0, full=True)[1]
            for one, other in pairs
        ]
    ).astype(np.float32)


def z_score(
    measured_db: NDArray[np.floating],
    mean_db: NDArray[np.floating],
    spread_db: NDArray[np.floating],
) -> NDArray[np.float32]:
    """How many spreads more is measured than expected, cell by cell.

    Raises:
        ValueError: a spread is not positive.
    """
    if not (np.asarray(spread_db) > 0).all():
        raise ValueError(f"spread_db must be positive, got {np.min(spread_db)}")
    return np.asarray((np.asarray(measured_db) - mean_db) / spread_db, np.float32)


def evidence_of(
    learned: NDArray[np.floating], z: NDArray[np.floating], similarity: NDArray[np.floating]
) -> NDArray[np.float32]:
    """What the witnesses say.

    Args:
        learned: (range, column) logits of the comparator.
        z: (channel, range, column).
        similarity: (channel, range, column).

    Returns:
        (evidence, range, column) by EVIDENCE.
    """
    more = np.clip(np.asarray(z, np.float32), 0, _MOST_Z)
    azimuth = np.max([cv2.blur(one, _SMOOTHED) for one in more[_AZIMUTH]], axis=0)
    doppler = cv2.blur(more[_DOPPLER], _SMOOTHED).max(axis=1, keepdims=True)
    different = (1 - similarity[_AZIMUTH].mean(axis=0)) / 2
    every = (learned, azimuth, np.broadcast_to(doppler, azimuth.shape), different)
    return np.stack(every).astype(np.float32)


class Comparer:
    """Compares spectra.

    Args:
        comparator: exported learned comparator.

    Raises:
        ModelError: the model is another.
    """

    def __init__(self, comparator: OnnxModel) -> None:
        spectra = ("float32", (1, 3, RANGES, ANGLES))
        comparator.require(
            {"measured": spectra, "expected": spectra, "spread": spectra,
             "watch": ("float32", (1, 3))},
            {"heatmap": (1, 1, RANGES, ANGLES), "frame": (1, 1)},
            "measured and expected spectra",
        )  # fmt: skip
        self._comparator = comparator

    def __call__(
        self,
        measured_db: NDArray[np.floating],
        expectation: Expectation,
        watch: int,
        fusion: Fusion,
        range_bin_m: float,
    ) -> Comparison:
        """Compare one frame.

        Args:
            measured_db: (channel, range, column).
            expectation: of the scene.
            watch: number of the watch.
            fusion: of it.
            range_bin_m: of the radar.

        Raises:
            ModelError: the comparator gives no numbers.
        """
        told = self._comparator.run(
            measured=to_unit(measured_db)[None],
            expected=to_unit(expectation.mean_db)[None],
            spread=(expectation.spread_db / DB_PER_UNIT).astype(np.float32)[None],
            watch=watch_one_hot(watch)[None],
        )
        learned, frame = told["heatmap"][0, 0], float(told["frame"][0, 0])
        if not (np.isfinite(learned).all() and np.isfinite(frame)):
            raise ModelError(f"{self._comparator.path.name} gives no numbers: export it anew")
        z = z_score(measured_db, expectation.mean_db, expectation.spread_db)
        similarity = ssim_map(measured_db, expectation.mean_db)
        wall_m = expectation.surface_m if is_behind_a_wall(watch) else 0.0
        somebody = heard_cells(measured_db, range_bin_m, watch, wall_m)
        evidence = evidence_of(learned, z, similarity)
        logits = fusion.logits(evidence, somebody)
        score = frame_score(logits, frame, fusion)
        features = replace(
            frame_features(measured_db, score, range_bin_m, wall_m),
            cells=lasting_cells(logits) if adds_up(watch) else None,
        )
        heatmap = sigmoid(logits).astype(np.float32)
        return Comparison(heatmap, evidence, somebody, z, similarity, frame, score, features)


def adds_up(watch: int) -> bool:
    """Whether the watch with this number adds evidence up place by place: behind a wall, where a
    level line of antennas tells places.
    """
    return is_behind_a_wall(watch) and not is_upright(watch)


def heard_cells(
    measured_db: NDArray[np.floating], range_bin_m: float, watch: int, wall_m: float = 0.0
) -> NDArray[np.bool_] | None:
    """(range, column) where the witnesses are heard; None: everywhere.

    Behind a wall they are where something moves as a body does, and is not the mirror image of
    somebody before the wall.

    Args:
        measured_db: (channel, range, column).
        range_bin_m: of the radar.
        watch: its number.
        wall_m: how far ahead the wall is; 0 where it is not known.
    """
    if not is_behind_a_wall(watch):
        return None
    somebody = moving_bodies(measured_db, range_bin_m, wall_m)
    if adds_up(watch):
        somebody &= ~mirror_images(measured_db, range_bin_m, wall_m)
    return somebody


def frame_score(logits: NDArray[np.floating], frame: float, fusion: Fusion) -> float:
    """Score of a frame in logits.

    Args:
        logits: (range, column) of the heatmap.
        frame: the comparator's, of the whole frame; it is not heard where nobody can be anywhere.
        fusion: with its weight.

    Returns:
        At least QUIET: where somebody could be is no less normal than where nobody can.
    """
    if np.max(logits) <= QUIET:
        return QUIET
    strongest = np.partition(np.ravel(logits), -_STRONGEST)[-_STRONGEST:]
    return float(max(strongest.mean() + fusion.frame * frame, QUIET))


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)), for large numbers too."""
    return np.asarray((1 + np.tanh(np.asarray(logits, np.float64) / 2)) / 2)


def fit_fusion(
    evidence: NDArray[np.floating],
    anomalous: NDArray[np.bool_],
    frame: float = Fusion.frame,
    penalty: float = 1e-3,
) -> Fusion:
    """Weights from cells whose truth is known, by logistic regression.

    Both truths count alike however many cells they have; weights of the witnesses are not negative,
    for more of any of them never speaks for a normal cell.

    Args:
        evidence: (n, evidence) by EVIDENCE.
        anomalous: (n,).
        frame: see :class:`Fusion`; it is not fitted.
        penalty: of the squared weights per standard deviation of evidence.

    Raises:
        ValueError: shapes do not belong together, or there are not both normal and anomalous cells.
    """
    from scipy.optimize import minimize

    truth = np.asarray(anomalous, bool)
    if evidence.shape != (len(truth), len(EVIDENCE)):
        raise ValueError(f"evidence must be ({len(truth)}, {len(EVIDENCE)}), got {evidence.shape}")
    if truth.all() or not truth.any():
        raise ValueError("there must be normal and anomalous cells")
    deviation = np.maximum(evidence.std(axis=0, dtype=np.float64), 1e-6)
    inputs = np.concatenate([np.ones((len(truth), 1)), evidence / deviation], axis=1)
    share = np.where(truth, 0.5 / truth.sum(), 0.5 / (~truth).sum())

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = inputs @ weights
        value = share @ (np.logaddexp(0, logits) - truth * logits)
        slope = inputs.T @ (share * (sigmoid(logits) - truth))
        held = np.concatenate([[0.0], penalty * weights[1:]])
        return float(value + held @ weights / 2), slope + held

    bounds = [(None, None)] + [(0.0, None)] * len(EVIDENCE)
    found = minimize(loss, np.zeros(len(bounds)), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = dict(zip(EVIDENCE, (found[1:] / deviation).tolist(), strict=True))
    return Fusion(bias=float(found[0]), frame=frame, **weights)


def fusion_of(told: dict[str, Any]) -> Fusion:
    """Weights from a card.

    Raises:
        ModelError: they are not there.
    """
    try:
        return Fusion(**{name: float(value) for name, value in told.items()})
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"the decision's card has no usable fusion: {error}") from error


@dataclass(frozen=True)
class Peaks:
    """Places of anomalies, the surest first.

    Attributes:
        position_m: (n, 2) right and depth.
        confidence: (n,) height in the heatmap.
    """

    position_m: NDArray[np.float64]
    confidence: NDArray[np.float64]


def peaks(
    heatmap: NDArray[np.floating],
    range_bin_m: float,
    least: float = 0.5,
    count: int = 3,
    apart_m: float = 0.5,
    upright: bool = False,
) -> Peaks:
    """Places of a heatmap's highest cells.

    A place between cells is the top of the parabola through a cell and its two neighbours, along
    range and along sine. Of a plateau it is the middle.

    Args:
        heatmap: (range, column).
        range_bin_m: of the radar.
        least: height of a peak.
        count: so many at most.
        apart_m: of two peaks nearer than this the higher one stays.
        upright: columns are over elevation; the radar does not tell where across a place is, and
            straight ahead is said.
    """
    from scipy.ndimage import center_of_mass, label

    values = np.asarray(heatmap, np.float64)
    top = (values >= least) & (values >= cv2.dilate(values, np.ones((3, 3), np.uint8)))
    plateaus, number = label(top, np.ones((3, 3)))
    middles = np.array(center_of_mass(top, plateaus, range(1, number + 1))).reshape(-1, 2)
    cells = np.rint(middles).astype(int)
    heights = values[cells[:, 0], cells[:, 1]]
    order = np.argsort(-heights, kind="stable")
    places = np.array([_refined(values, cells[one], middles[one]) for one in order]).reshape(-1, 2)
    position = position_of(places[:, 0], places[:, 1], range_bin_m)
    kept: list[int] = []
    for one in range(len(order)):
        if len(kept) == count:
            break
        if all(np.hypot(*(position[one] - position[other])) >= apart_m for other in kept):
            kept.append(one)
    if upright:
        position[:, 0] = 0.0
    return Peaks(position[kept], heights[order][kept])


def _refined(
    values: NDArray[np.float64], cell: NDArray[np.int_], middle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Row and column of a peak; the middle of a plateau along an axis on which it is one."""
    result = middle.copy()
    for axis in (0, 1):
        if not 0 < cell[axis] < values.shape[axis] - 1:
            continue
        step = np.eye(2, dtype=int)[axis]
        before, here, after = (values[tuple(cell + shift * step)] for shift in (-1, 0, 1))
        bend = 2 * here - before - after
        if bend > 0 and before < here > after:
            result[axis] = cell[axis] + (after - before) / (2 * bend)
    return np.clip(result, 0, np.array(values.shape) - 1)
