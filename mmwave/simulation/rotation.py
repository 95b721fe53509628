"""Samples of a radar that turns and drives through a building, in memory."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.building import RADAR_HEIGHT_M
from mmwave.simulation.fmcw import AntennaTrack, Scatterers, synthesize
from mmwave.simulation.receiver import LinkBudget, leakage, receive
from mmwave.simulation.scattering import Reflectors, View, between
from mmwave.simulation.scene import Scene
from mmwave.simulation.trajectory import ConstantVelocity, Trajectory
from mmwave.waveform import AntennaArray, Waveform

REVOLUTIONS_PER_S = 2.0
VISIBILITY_INTERVAL_S = 0.25
DRIFT_PERIOD_S = 60.0


class World(Protocol):
    """What a building offers the radar."""

    @property
    def scene(self) -> Scene:
        """Everything that stands still."""
        ...

    def scene_at(self, time_s: float) -> Scene:
        """Everything at one time; the faces of :attr:`scene` come first."""
        ...


@dataclass(frozen=True)
class StaticWorld:
    """A scene in which nothing moves."""

    scene: Scene

    def scene_at(self, time_s: float) -> Scene:
        """The same scene at any time."""
        del time_s
        return self.scene


@dataclass(frozen=True)
class RotationSamples:
    """Samples of consecutive positions.

    Attributes:
        samples: (position, antenna, sample, 2) int16, last axis (I, Q).
        time_s: (position,) time of each position.
        azimuth_rad: (position,) turntable angle of each position, unwrapped.
        waveform: chirp.
        array: antennas.
    """

    samples: NDArray[np.int16]
    time_s: NDArray[np.float64]
    azimuth_rad: NDArray[np.float64]
    waveform: Waveform
    array: AntennaArray


@dataclass
class DriveSimulator:
    """Simulates frames of a drive one visibility interval after the other.

    Visibility is found at the ends of intervals of whole frames; strengths fade from one to the
    next. Frame m starts at ``m * waveform.frame_period_s``; the turntable angle is
    2 pi revolutions_per_s t unless ``turntable`` says otherwise.

    Attributes:
        world: what surrounds the radar.
        trajectory: pose of base_link.
        waveform: chirp and frame timing.
        array: antennas.
        seed: of surfaces, leakage and noise.
        budget: levels.
        height_m: of the antenna array's middle.
        revolutions_per_s: of the turntable.
        visibility_interval_s: rounded to whole frames.
        drift_period_s: period of the leakage's drift.
        turntable: the turntable angle (rad) at times (s, any shape), for one that turns unevenly.
    """

    world: World
    trajectory: Trajectory
    waveform: Waveform = field(default_factory=Waveform)
    array: AntennaArray = field(default_factory=AntennaArray)
    seed: int = 0
    budget: LinkBudget = field(default_factory=LinkBudget)
    height_m: float = RADAR_HEIGHT_M
    revolutions_per_s: float = REVOLUTIONS_PER_S
    visibility_interval_s: float = VISIBILITY_INTERVAL_S
    drift_period_s: float = DRIFT_PERIOD_S
    turntable: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None

    def __post_init__(self) -> None:
        if not self.visibility_interval_s > 0:
            raise ValueError(
                f"visibility_interval_s must be positive, got {self.visibility_interval_s}"
            )
        if not self.drift_period_s > 0:
            raise ValueError(f"drift_period_s must be positive, got {self.drift_period_s}")
        self._reflectors = Reflectors(
            self.world.scene_at,
            len(self.world.scene.faces),
            self.seed,
            self.waveform.wavelength_m,
            self.array.radius_m,
            min(self.waveform.max_range_m * 0.995, 9.55),
        )
        # Not a `with` inside frames(): a generator left half-way is closed wherever the garbage
        # collector runs, and a thread must not be joined there.
        self._ahead = ThreadPoolExecutor(1)

    @property
    def frames_per_interval(self) -> int:
        """Frames between two looks at what is visible."""
        return max(1, round(self.visibility_interval_s / self.waveform.frame_period_s))

    def turntable_rad(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turntable angle at times, unwrapped, of the same shape."""
        if self.turntable is not None:
            return self.turntable(time_s)
        return 2 * np.pi * self.revolutions_per_s * time_s

    def view(self, time_s: float) -> View:
        """What is visible at one time of the drive."""
        pose = self.trajectory.pose(np.float64(time_s))
        centre_m = np.array([float(pose.x_m), float(pose.y_m), self.height_m])
        return self._reflectors.view(centre_m, time_s)

    def frames(self, frames: int) -> Iterator[NDArray[np.int16]]:
        """Simulate frames 0 to ``frames`` - 1.

        The next interval's visibility is found on a thread of its own meanwhile.

        Yields:
            One frame each: (loop, antenna, sample, 2) int16.
        """
        edges = [*range(0, frames, self.frames_per_interval), frames]
        period_s = self.waveform.frame_period_s
        start = self.view(0.0)
        coming = self._ahead.submit(self.view, edges[1] * period_s)
        for number, (first, last) in enumerate(pairwise(edges)):
            end = coming.result()
            if last < frames:
                coming = self._ahead.submit(self.view, edges[number + 2] * period_s)
            scatterers = between(start, end)
            for frame in range(first, last):
                yield self._frame(scatterers, frame, start.time_s, end.time_s)
            start = end

    def _frame(
        self, scatterers: Scatterers, frame: int, begin_s: float, end_s: float
    ) -> NDArray[np.int16]:
        waveform = self.waveform
        position_s = frame * waveform.frame_period_s + waveform.position_offsets_s
        time_s = position_s[:, None] + waveform.transmitter_offsets_s
        track = AntennaTrack.from_pose(
            time_s - begin_s,
            self.turntable_rad(time_s),
            self.trajectory.pose(time_s),
            self.array.radius_m,
            self.height_m,
            (position_s - begin_s) / (end_s - begin_s),
        )
        return self._samples(scatterers, track, position_s, [self.seed, 3, frame])

    def still_turn(self, positions: int) -> NDArray[np.int16]:
        """A turn at the drive's first pose with the turntable stopped at every position.

        Args:
            positions: number of azimuths 2 pi k / positions.

        Returns:
            (position, antenna, sample, 2) int16; people stand as at time 0.
        """
        view = self.view(0.0)
        scatterers = between(view, view)
        azimuth_rad = 2 * np.pi * np.arange(positions) / positions
        shape = (positions, self.waveform.transmitters)
        pose = self.trajectory.pose(np.zeros(shape))
        turntable = np.broadcast_to(azimuth_rad[:, None], shape)
        track = AntennaTrack.from_pose(
            np.zeros(shape), turntable, pose, self.array.radius_m, self.height_m
        )
        return self._samples(scatterers, track, np.zeros(positions), [self.seed, 4])

    def _samples(
        self,
        scatterers: Scatterers,
        track: AntennaTrack,
        position_s: NDArray[np.float64],
        noise_seed: list[int],
    ) -> NDArray[np.int16]:
        signal = synthesize(scatterers, track, self.waveform, self.array, self.budget)
        signal += leakage(self.budget, self.waveform, position_s / self.drift_period_s, self.seed)
        return receive(signal, self.budget, self.waveform, np.random.default_rng(noise_seed))


def simulate_rotation(
    world: World | Scene,
    trajectory: Trajectory | None = None,
    *,
    waveform: Waveform | None = None,
    array: AntennaArray | None = None,
    seed: int = 0,
    budget: LinkBudget | None = None,
    height_m: float = RADAR_HEIGHT_M,
    rotations: float = 1.0,
    revolutions_per_s: float = REVOLUTIONS_PER_S,
    turntable: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> RotationSamples:
    """Simulate a turn (or several) in memory, frame timing included.

    Args:
        world: a building, or a scene in which nothing moves.
        trajectory: the robot's; without it it stands at the origin.
        waveform: chirp; the default is the rotating radar's.
        array: antennas; the default fits the default waveform.
        seed: of surfaces, leakage and noise.
        budget: levels.
        height_m: of the antenna array's middle.
        rotations: how many turns; the last frame is cut where they are over.
        revolutions_per_s: of the turntable, on average.
        turntable: its angle (rad) at times (s), for one that turns unevenly.

    Returns:
        The samples of every position.

    Raises:
        ValueError: ``rotations`` or ``revolutions_per_s`` is not positive.
    """
    if not (rotations > 0 and revolutions_per_s > 0):
        raise ValueError(
            f"rotations and revolutions_per_s must be positive, got {rotations} and "
            f"{revolutions_per_s}"
        )
    simulator = DriveSimulator(
        StaticWorld(world) if isinstance(world, Scene) else world,
        trajectory or ConstantVelocity(),
        waveform or Waveform(),
        array or AntennaArray(),
        seed,
        budget or LinkBudget(),
        height_m,
        revolutions_per_s,
        turntable=turntable,
    )
    waveform = simulator.waveform
    duration_s = rotations / revolutions_per_s
    frames = int(np.ceil(duration_s / waveform.frame_period_s - 1e-9))
    starts_s = waveform.frame_period_s * np.arange(frames)
    time_s = (starts_s[:, None] + waveform.position_offsets_s).ravel()
    kept = time_s < duration_s
    samples = np.concatenate(list(simulator.frames(frames)))
    return RotationSamples(
        samples[kept],
        time_s[kept],
        simulator.turntable_rad(time_s[kept]),
        waveform,
        simulator.array,
    )
