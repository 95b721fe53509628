"""What different systems see in the same frames: the whole one, parts of it, and others.

* ``camera``: expectations of the camera, drawn by the diffusion; what the live node compares with;
* ``regression``: those of the context network alone, without diffusion;
* ``autoencoder``: what an autoencoder of spectra makes of the measured one, without a camera;
* ``level``: how high the highest cell is, without anything that is learned.

A variant is a source and the witnesses of it that are heard. All are turned into decisions by the
same code and, on the same normal frames, with the same rate of false alarms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.comparison import (
    EVIDENCE,
    Comparer,
    Comparison,
    Fusion,
    adds_up,
    evidence_of,
    frame_score,
    heard_cells,
    ssim_map,
    z_score,
)
from mmanomaly_ros.context import Context
from mmanomaly_ros.expectation import Expectation, Expecter
from mmanomaly_ros.features import FrameFeatures, frame_features
from mmanomaly_ros.lasting import lasting_cells
from mmanomaly_ros.spectrum import WATCH_WAVEFORM, from_unit, to_unit
from mmanomaly_ros.watch import ANGLES, RANGES, TASKS, watch_id
from mmwave.inference import OnnxModel

WITNESSES = (*EVIDENCE, "frame")
_SILENT = dict.fromkeys(("bias", *WITNESSES), 0.0)
_ASKED = Fusion(**{**_SILENT, "frame": 1.0})
"""With it a frame's score is the comparator's logit of the frame."""
_NEAREST_BIN = 10
"""The transmitters' leakage is nearer."""
_WHOLE, _MOVING = 0, 1


@dataclass(frozen=True)
class Variant:
    """A way to decide.

    Attributes:
        source: of what it sees.
        witnesses: of the fusion that it hears.
        novelty: falls are told by how unlike normal times the last seconds are, else by a mean.
    """

    source: str
    witnesses: tuple[str, ...] = WITNESSES
    novelty: bool = True


WHOLE = "fused"
ABLATIONS = {
    "regression": Variant("regression"),
    "learned": Variant("camera", ("learned", "frame")),
    "z": Variant("camera", ("azimuth", "doppler")),
    "ssim": Variant("camera", ("dissimilarity",)),
}
BASELINES = {
    "autoencoder": Variant("autoencoder", ("azimuth", "doppler", "dissimilarity")),
    "level": Variant("level", ("frame",), novelty=False),
}
"""Without a camera: the residual of an autoencoder, compared and decided as everything else; and a
plain threshold on the strongest echo, of all (weapon) or of what moves (the other watches)."""
VARIANTS = {WHOLE: Variant("camera"), **ABLATIONS, **BASELINES}


@dataclass(frozen=True)
class Sighting:
    """What one source sees in a frame.

    Attributes:
        evidence: (evidence, range, column), see :data:`mmanomaly_ros.comparison.EVIDENCE`.
        frame: logit or level of the whole frame.
        features: of the frame; their score means nothing.
        somebody: (range, column) where the evidence is heard; None: everywhere.
        adds_up: evidence of frames is added up place by place.
    """

    evidence: NDArray[np.floating]
    frame: float
    features: FrameFeatures
    somebody: NDArray[np.bool_] | None = None
    adds_up: bool = False

    def scored(self, fusion: Fusion) -> FrameFeatures:
        """The features with the frame's score."""
        logits = fusion.logits(self.evidence, self.somebody)
        score = frame_score(logits, self.frame, fusion)
        cells = lasting_cells(logits) if self.adds_up else None
        return replace(self.features, score=score, cells=cells)


def sighting_of(comparison: Comparison) -> Sighting:
    """What a comparison saw, whatever fusion it was made with."""
    return Sighting(
        comparison.evidence,
        comparison.frame_logit,
        comparison.features,
        comparison.somebody,
        comparison.features.cells is not None,
    )


class Sources:
    """All sources together.

    Args:
        expecter: of the camera.
        regression: of the context network alone.
        comparer: of spectra.
        autoencoder: exported baseline; None leaves it out.
        range_bin_m: of the radar.

    Attributes:
        restored_db: by watch, (channel,) root mean square errors of the autoencoder.

    Raises:
        ModelError: the autoencoder is none.
    """

    def __init__(
        self,
        expecter: Expecter,
        regression: Expecter,
        comparer: Comparer,
        autoencoder: OnnxModel | None,
        range_bin_m: float = WATCH_WAVEFORM.range_bin_m,
    ) -> None:
        self._expecters = {"camera": expecter, "regression": regression}
        self._comparer, self._autoencoder = comparer, autoencoder
        self._range_bin_m = range_bin_m
        self.restored_db: dict[int, NDArray[np.float64]] = {}
        if autoencoder is not None:
            spectra = (1, 3, RANGES, ANGLES)
            autoencoder.require(
                {"spectra": ("float32", spectra)}, {"restored": spectra}, "spectra"
            )  # fmt: skip

    def set_restored(self, told: Mapping[str, Sequence[float]]) -> None:
        """Take the autoencoder's errors (channel,) from a decision's card, by name of the watch.

        Raises:
            ValueError: there is no such watch.
        """
        for name, values in told.items():
            self.restored_db[watch_id(name)] = np.asarray(values, np.float64)

    @property
    def variants(self) -> dict[str, Variant]:
        """Those that can be seen."""
        missing = "autoencoder" if self._autoencoder is None else ""
        return {name: one for name, one in VARIANTS.items() if one.source != missing}

    def expected(
        self, context: Context, generator: np.random.Generator, names: tuple[str, ...] = ()
    ) -> dict[str, Expectation]:
        """Expectations by source; all of them, or those that are named."""
        return {
            name: expecter(context, generator)
            for name, expecter in self._expecters.items()
            if not names or name in names
        }

    def restored(self, measured_db: NDArray[np.floating]) -> NDArray[np.float32]:
        """(channel, range, column) what the autoencoder makes of a spectrum.

        Raises:
            ValueError: there is no autoencoder.
        """
        if self._autoencoder is None:
            raise ValueError("there is no autoencoder")
        told = self._autoencoder.run(spectra=to_unit(measured_db)[None])
        return from_unit(told["restored"][0])

    def seen(
        self,
        measured_db: NDArray[np.floating],
        expected: Mapping[str, Expectation],
        watch: int,
    ) -> dict[str, Sighting]:
        """Sightings of one frame by source.

        Args:
            measured_db: (channel, range, column).
            expected: by source, see :meth:`expected`.
            watch: its number.
        """
        result = {name: self._compared(measured_db, one, watch) for name, one in expected.items()}
        if self._autoencoder is not None:
            result["autoencoder"] = self._unrestored(measured_db, watch)
        result["level"] = self._level(measured_db, watch)
        return result

    def _compared(
        self, measured_db: NDArray[np.floating], expectation: Expectation, watch: int
    ) -> Sighting:
        comparison = self._comparer(measured_db, expectation, watch, _ASKED, self._range_bin_m)
        return sighting_of(comparison)

    def _unrestored(self, measured_db: NDArray[np.floating], watch: int) -> Sighting:
        restored = self.restored(measured_db)
        spread = self.restored_db.get(watch, np.full(len(restored), 3.0))
        z = z_score(measured_db, restored, np.broadcast_to(spread[:, None, None], restored.shape))
        learned = np.zeros((RANGES, ANGLES), np.float32)
        somebody = heard_cells(measured_db, self._range_bin_m, watch)
        evidence = evidence_of(learned, z, ssim_map(measured_db, restored))
        features = frame_features(measured_db, 0.0, self._range_bin_m)
        return Sighting(evidence, 0.0, features, somebody, adds_up(watch))

    def _level(self, measured_db: NDArray[np.floating], watch: int) -> Sighting:
        channel = _WHOLE if TASKS[watch] == "weapon" else _MOVING
        level = float(np.max(measured_db[channel, _NEAREST_BIN:]))
        return Sighting(_NOTHING, level, FrameFeatures(level))


_NOTHING = np.zeros((len(EVIDENCE), RANGES, ANGLES), np.float16)
LEVEL_FUSION = _ASKED
"""Of the variant ``level``, in which there is nothing to fit."""
