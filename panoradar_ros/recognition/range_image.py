"""The learned range image: a power cube in; ranges, confidence and normals out (ONNX)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.inference import ModelError, OnnxModel
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.recognition.echo import encode_echo

OUTPUTS = ("range_m", "spread_m", "confidence", "normal")


@dataclass(frozen=True)
class LearnedRangeImage:
    """What the network says of one turn; NaN where the turn was not received.

    Attributes:
        range_m: (row, column) from the turntable's axis; +inf: nothing within reach (REP-117).
        spread_m: (row, column) standard deviation.
        confidence: (row, column) probability of about this range, 0 to 1.
        normal: (row, column, 3) unit vectors in the robot's axes at the time of the column,
            towards the radar; zero where there is no range.
        ray_normal: the same as (outward, left, up) of the ray itself.
    """

    range_m: NDArray[np.float32]
    spread_m: NDArray[np.float32]
    confidence: NDArray[np.float32]
    normal: NDArray[np.float32]
    ray_normal: NDArray[np.float32]


class RangeRecogniser:
    """Makes range images with a model.

    Args:
        model: the exported range network.
        grid: rows and columns of the cubes.
        minimum_coverage: columns that received less of their window are not known.
        workers: threads that encode the cube.

    Raises:
        ModelError: the model is of another grid, or not a range network at all.
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
        shape = model.input_shapes.get("echo")
        if shape is None or tuple(shape[1:3]) != (self.grid.rows, self.grid.columns):
            raise ModelError(
                f"{model.path.name} takes {model.input_shapes}, not echoes of "
                f"{self.grid.rows} x {self.grid.columns} rays: choose a panoradar_range model"
            )
        self.bins = int(shape[3])
        self._echo = np.empty((1, self.grid.rows, self.grid.columns, self.bins), np.uint8)
        self._axes = _axes(self.grid)

    @property
    def echo(self) -> NDArray[np.uint8]:
        """(row, column, range) echoes of the last cube, overwritten by the next."""
        return self._echo[0]

    def __call__(
        self, power: NDArray[np.float32], coverage: NDArray[np.floating]
    ) -> LearnedRangeImage:
        """The range image of a cube.

        Args:
            power: (row, column, range).
            coverage: (column,) share of each column's window that was received.

        Raises:
            ModelError: the cube has another shape.
            ValueError: it holds no echoes at all.
        """
        if power.shape != self._echo.shape[1:]:
            raise ModelError(
                f"{self.model.path.name} takes cubes of {self._echo.shape[1:]}, got {power.shape}"
            )
        encode_echo(power, out=self._echo[0], workers=self._workers)
        found = self.model.run(echo=self._echo)
        range_m, spread_m, confidence, own = (found[name] for name in OUTPUTS)
        unknown = ~(coverage >= self.minimum_coverage)
        for image in (range_m, spread_m, confidence):
            image[:, unknown] = np.nan
        normal = np.einsum("rcka,rck->rca", self._axes, own, dtype=np.float32)
        nothing = ~np.isfinite(range_m)
        normal[nothing] = own[nothing] = 0.0
        return LearnedRangeImage(range_m, spread_m, confidence, normal, own)


def _axes(grid: PanoramaGrid) -> NDArray[np.float32]:
    """(row, column, 3, 3): outward, left and up of every ray in the robot's axes."""
    outward = grid.directions
    azimuth = grid.azimuth_rad
    left = np.stack([-np.sin(azimuth), np.cos(azimuth), np.zeros_like(azimuth)], axis=-1)
    left = np.broadcast_to(left, outward.shape)
    return np.stack([outward, left, np.cross(outward, left)], axis=2).astype(np.float32)
