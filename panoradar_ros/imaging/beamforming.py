"""Cylindrical beamforming with motion compensation.

Notation (Lai et al. 2024, equations 1-3, 11 and 12; K = 4 pi / lambda in the middle of the sweep):

- antenna i of position p: (r cos psi_p, r sin psi_p, h_i), moved by the robot by x(t_p)
- look direction: azimuth theta, elevation phi, n = (cos theta, sin theta)
- elevation:  z_phi[p] = sum_i s_i[p] exp(j K h_i sin phi)
- azimuth:    B[theta, phi] = sum_p w(psi_p - theta) z_phi[p] exp(j K cos phi g[theta, p]),
  g = r (cos(psi_p - theta) - 1) + (x(t_p) - x(t_theta)) . n

Each azimuth is referenced to its own boresight time t_theta, as a spinning LiDAR's column is. The
chirps are brought to an even grid of azimuth first (:mod:`panoradar_ros.imaging.resampling`), which
puts both transmitters at the same place. The two elevations +phi and -phi share cos phi and so the
azimuth kernel: 32 kernels serve 64 rows. Then

- *banded*: a block of azimuths needs a band of the grid; kernel and band multiply as real
  single-precision matrices;
- *static*: without motion the product is a correlation, done by Fourier transforms
  (:mod:`panoradar_ros.imaging.static_beamforming`);
- on a GPU the banded product runs as array expressions
  (:mod:`panoradar_ros.imaging.array_beamforming`).

The estimators of motion use the positions as they are (:meth:`Beamformer.elevation_planes`).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from mmwave.backend import array_module
from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.aperture import Aperture, build_aperture
from panoradar_ros.imaging.array_beamforming import array_power
from panoradar_ros.imaging.banded_beamforming import banded_power
from panoradar_ros.imaging.beam_plan import plan_beams
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.phase_steering import phase_steering
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.position_kernels import combine_elevation
from panoradar_ros.imaging.profiles import LEAKAGE_BINS, RangeProfiles, range_profiles
from panoradar_ros.imaging.rotation import Rotation
from panoradar_ros.imaging.static_beamforming import error_of_standing_still, static_power

__all__ = [
    "LEAKAGE_BINS",
    "Aperture",
    "Beamformer",
    "RangeProfiles",
    "build_aperture",
    "phase_steering",
    "range_profiles",
]

METHODS = ("auto", "banded", "static")

STATIC_TOLERANCE = 1e-4
"""``auto`` takes the motion for none where that costs no more, over the strongest beam."""


class Beamformer:
    """Beams of a rotation on a grid of rays and elevations.

    One worker thread an elevation pair, one BLAS thread inside each worker: two workers that never
    wait for each other beat a two-thread BLAS that does.

    Args:
        array: antenna array.
        window_rad: full width of the azimuth window of a beam. With the matched taper 60 degrees
            lose nothing to 90.
        block: rays that share one band of positions.
        workers: threads.
        method: ``banded``, ``static`` or ``auto``: static where
            :func:`~panoradar_ros.imaging.static_beamforming.error_of_standing_still` is at most
            STATIC_TOLERANCE.
        decimation: 1 forms beams from a grid of azimuth as fine as the positions (error 1e-5), 2 or
            more from one half as fine (2e-3; static 1e-4). No position is left out by it.
        device: ``cpu``, ``gpu`` or ``auto``, see :func:`mmwave.backend.array_module`.

    Raises:
        ValueError: a setting is out of its range.
        RuntimeError: a GPU was asked for and none answers.
    """

    def __init__(
        self,
        array: AntennaArray,
        window_rad: float = np.deg2rad(60.0),
        block: int = 32,
        workers: int = 2,
        *,
        method: str = "auto",
        decimation: int = 2,
        device: str = "cpu",
    ) -> None:
        if not 0 < window_rad <= np.pi:
            raise ValueError(f"window_rad must be in (0, pi], got {window_rad}")
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
        if decimation < 1:
            raise ValueError(f"decimation must be at least 1, got {decimation}")
        self.array = array
        self.window_rad = window_rad
        self.block = block
        self.method = method
        self.decimation = decimation
        self._module = array_module(device)
        self.workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="beamformer")
        self._libraries = ThreadpoolController()  # looks for them once: it takes milliseconds

    def elevation_planes(
        self,
        profiles: RangeProfiles,
        elevations_rad: NDArray[np.float64],
        motion: PlanarMotion,
        transmitter_offset_s: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Antennas combined towards elevations that share cos phi, of the positions as they are.

        The robot moves between the turns of the transmitters; that phase is taken off towards the
        boresight of each position. What the rotor moves in that time is odd about the boresight and
        cancels under an even taper, to some 6e-3 of the strongest beam.

        Returns:
            (2 * position, elevation * range) float32: real planes above imaginary planes.
        """
        positions, antennas, bins = profiles.spectrum.shape
        planes = np.empty((2 * positions, len(elevations_rad) * bins), np.float32)
        wavenumber = self.array.wavenumber_rad_per_m
        offsets = np.repeat(
            transmitter_offset_s - transmitter_offset_s.mean(),
            antennas // len(transmitter_offset_s),
        )
        fixed_rad = profiles.azimuth_rad + motion.yaw_rad(profiles.time_s)
        radial = motion.radial_mps(fixed_rad, profiles.time_s)
        for index, elevation_rad in enumerate(elevations_rad):
            steering = np.exp(1j * wavenumber * self.array.heights_m * np.sin(elevation_rad))
            combine_elevation(
                profiles.spectrum,
                (steering / antennas).astype(np.complex64),
                wavenumber * np.cos(elevation_rad) * radial,
                offsets,
                index * bins,
                planes,
            )
        return planes

    def run(self, task: Callable[[int], None], count: int) -> None:
        """Run ``task(0) ... task(count - 1)`` on the workers with one BLAS thread each."""
        with self._libraries.limit(limits=1, user_api="blas"):
            if self.workers > 1:
                list(self._pool.map(task, range(count)))
                return
            for number in range(count):  # here: no other thread to be waited for
                task(number)

    def chosen_method(self, profiles: RangeProfiles, motion: PlanarMotion) -> str:
        """``banded`` or ``static``, as the setting and the motion say."""
        if self.method != "auto":
            return self.method
        error = error_of_standing_still(profiles, motion, self.array)
        return "static" if error <= STATIC_TOLERANCE else "banded"

    def power(
        self,
        rotation: Rotation,
        profiles: RangeProfiles,
        motion: PlanarMotion,
        grid: PanoramaGrid,
        out: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Power of the whole panorama.

        Args:
            rotation: the turn (its start, direction and timing).
            profiles: range spectra of its positions, all of them for the accuracy that is promised.
            motion: the robot's motion; ``static`` takes it for none.
            grid: rows and columns.
            out: (row, column, range) float32 to be filled; made if absent.

        Returns:
            Power (row, column, range) in squared ADC counts, and the share of each column's window
            that was received, (column,). A column of less than LEAST_COVERAGE is zero.

        Raises:
            ValueError: the spectra are not finite, the turn's margins are shorter than a window
                needs, or the columns are no multiple of the block.
        """
        bins = profiles.spectrum.shape[-1]
        if out is None:
            out = np.empty((grid.rows, grid.columns, bins), np.float32)
        static = self.chosen_method(profiles, motion) == "static"
        plan = plan_beams(
            rotation,
            profiles,
            PlanarMotion() if static else motion,
            self.array,
            grid,
            self.window_rad,
            fine=self.decimation == 1 and not static,
            rays_on_grid=static,
        )
        if self._module is not np:
            array_power(self._module, plan, profiles.spectrum, self.block, out)
        elif static:
            static_power(plan, profiles.spectrum, self.run, out)
        else:
            banded_power(plan, profiles.spectrum, self.block, self.run, out)
        coverage = np.empty(grid.columns)
        coverage[plan.column_of_ray] = plan.coverage
        return out, coverage
