"""The learned range image: a power cube in; ranges, confidence and normals out (ONNX)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.inference import ModelError, OnnxModel
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.recognition.echo import encode_echo, noise_power
from panoradar_ros.recognition.features import CLASSES

OUTPUTS = ("range_m", "spread_m", "confidence", "normal", "hint")
BIN_TOLERANCE = 2e-3
"""Relative difference of range bins that is let pass: 2 cm at 10 m."""


@dataclass(frozen=True)
class LearnedRangeImage:
    """What the network says of one turn; NaN where it was not received or the cube is no number.

    Attributes:
        range_m: (row, column) from the turntable's axis; +inf: nothing within reach (REP-117).
        spread_m: (row, column) standard deviation.
        confidence: (row, column) probability of about this range, 0 to 1.
        normal: (row, column, 3) unit vectors in the robot's axes at the time of the column,
            towards the radar; zero where there is no range.
        ray_normal: the same as (outward, left, up) of the ray itself.
        hint: (class, row, column) for the second network; 0 where nothing is known.
    """

    range_m: NDArray[np.float32]
    spread_m: NDArray[np.float32]
    confidence: NDArray[np.float32]
    normal: NDArray[np.float32]
    ray_normal: NDArray[np.float32]
    hint: NDArray[np.float32]


class RangeRecogniser:
    """Makes range images with a model.

    Args:
        model: the exported range network.
        grid: rows and columns of the cubes.
        minimum_coverage: columns that received less of their window are not known.
        workers: threads that encode the cube.

    Raises:
        ModelError: the model is of another grid, or not a range network at all, or its card does
            not say of which waveform it is.
    """

    def __init__(
        self,
        model: OnnxModel,
        grid: PanoramaGrid | None = None,
        minimum_coverage: float = 0.5,
        workers: int = 2,
    ) -> None:
        self.model = model
        self.grid = grid if grid is not None else PanoramaGrid()
        self.minimum_coverage = minimum_coverage
        self._workers = workers
        rows, columns = self.grid.rows, self.grid.columns
        model.require(
            {"echo": ("uint8", (1, rows, columns, None))},
            {
                "range_m": (rows, columns),
                "spread_m": (rows, columns),
                "confidence": (rows, columns),
                "normal": (rows, columns, 3),
                "hint": (CLASSES, rows, columns),
            },
            f"echoes of {rows} x {columns} rays: choose a panoradar_range model",
        )
        try:
            self.range_bin_m = float(model.card.about["range_bin_m"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the card of {model.path.name} has no range_bin_m: export the model anew"
            ) from error
        self.bins = int(model.input_shapes["echo"][3])
        self._echo = np.empty((1, self.grid.rows, self.grid.columns, self.bins), np.uint8)
        self._axes = _axes(self.grid)

    @property
    def echo(self) -> NDArray[np.uint8]:
        """(row, column, range) echoes of the last cube, overwritten by the next."""
        return self._echo[0]

    def warm_up(self) -> LearnedRangeImage:
        """Go through everything once: compiled code is loaded, memory is taken.

        Returns:
            The image of a cube of noise.
        """
        rows, columns, bins = self._echo.shape[1:]
        noise = np.random.default_rng(0).standard_exponential((rows, columns, bins), np.float32)
        return self(noise, np.ones(columns))

    def __call__(
        self,
        power: NDArray[np.float32],
        coverage: NDArray[np.floating],
        range_bin_m: float | None = None,
    ) -> LearnedRangeImage:
        """The range image of a cube.

        Args:
            power: (row, column, range).
            coverage: (column,) share of each column's window that was received.
            range_bin_m: from one range bin to the next; None: as the model has it.

        Raises:
            ModelError: the cube has another shape or other bins than the model.
            ValueError: it holds no echoes at all.
        """
        if power.shape != self._echo.shape[1:]:
            raise ModelError(
                f"{self.model.path.name} takes cubes of {self._echo.shape[1:]}, got {power.shape}"
            )
        if range_bin_m is not None and abs(range_bin_m / self.range_bin_m - 1) > BIN_TOLERANCE:
            raise ModelError(
                f"{self.model.path.name} is of a waveform with range bins of "
                f"{1e3 * self.range_bin_m:.2f} mm, the cube's are {1e3 * range_bin_m:.2f} mm: use "
                "that waveform; networks for others cannot be trained yet"
            )
        received = coverage >= self.minimum_coverage
        noise = noise_power(power, received)
        encode_echo(power, noise, self._echo[0], self._workers)
        found = self.model.run(echo=self._echo)
        range_m, spread_m, confidence, own, hint = (found[name] for name in OUTPUTS)
        unknown = ~(received & np.isfinite(power.sum(axis=-1)))  # a sum keeps what is no number
        for image in (range_m, spread_m, confidence):
            image[unknown] = np.nan
        hint[:, unknown] = 0.0
        normal = np.einsum("rcka,rck->rca", self._axes, own, dtype=np.float32)
        nothing = ~np.isfinite(range_m)
        normal[nothing] = own[nothing] = 0.0
        return LearnedRangeImage(range_m, spread_m, confidence, normal, own, hint)


def _axes(grid: PanoramaGrid) -> NDArray[np.float32]:
    """(row, column, 3, 3): outward, left and up of every ray in the robot's axes."""
    outward = grid.directions
    azimuth = grid.azimuth_rad
    left = np.stack([-np.sin(azimuth), np.cos(azimuth), np.zeros_like(azimuth)], axis=-1)
    left = np.broadcast_to(left, outward.shape)
    return np.stack([outward, left, np.cross(outward, left)], axis=2).astype(np.float32)
