"""A radar that stands still and looks into a room, its antennas in a line that is level or upright.

The simulator of the rotating radar has an upright line of antennas. A level line sees what an
upright one would see if the world were turned by a quarter about the radar's boresight, its right
becoming up: so that is done to the world, and physics stay in one place.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.receiver import LinkBudget
from mmwave.simulation.rotation import DriveSimulator, World
from mmwave.simulation.scene import Scene
from mmwave.simulation.trajectory import ConstantVelocity, Pose
from mmwave.waveform import AntennaArray, Waveform

LINES = ("horizontal", "vertical")
ACROSS_BEAMWIDTH_RAD = np.deg2rad(50.0)
ALONG_BEAMWIDTH_RAD = np.deg2rad(100.0)
"""Of one antenna, across the line of antennas and along it: one-way, full width at half power. A
choice: wide along the line, in which the radar tells directions; of no data sheet."""


@dataclass(frozen=True)
class QuarterTurned:
    """A world turned by a quarter about a radar's boresight: what was to the right is above.

    Attributes:
        world: as it is.
        pose: of the radar.
        height_m: of the radar.
    """

    world: World
    pose: Pose
    height_m: float

    @property
    def scene(self) -> Scene:
        """Everything that stands still."""
        return self._turned(self.world.scene)

    def scene_at(self, time_s: float) -> Scene:
        """Everything at one time; the faces of :attr:`scene` come first."""
        return self._turned(self.world.scene_at(time_s))

    def _turned(self, scene: Scene) -> Scene:
        centre = np.array([float(self.pose.x_m), float(self.pose.y_m), self.height_m])
        vertices = (scene.vertices_m - centre) @ quarter_turn(self.pose).T + centre
        return Scene(vertices, scene.faces, scene.class_id, scene.instance_id, scene.material_id)


def quarter_turn(pose: Pose) -> NDArray[np.float64]:
    """(3, 3) the turn by a quarter about the boresight of a radar at this pose."""
    cosine, sine = np.cos(float(pose.yaw_rad)), np.sin(float(pose.yaw_rad))
    ahead, left = np.array([cosine, sine, 0.0]), np.array([-sine, cosine, 0.0])
    up = np.array([0.0, 0.0, 1.0])
    return np.asarray(np.outer(ahead, ahead) - np.outer(up, left) + np.outer(left, up))


def antenna_line(waveform: Waveform) -> AntennaArray:
    """The line of virtual antennas of a radar that stands still, half a wavelength apart."""
    return AntennaArray(
        waveform.virtual_antennas,
        waveform.wavelength_m,
        waveform.wavelength_m / 2,
        0.0,
        ACROSS_BEAMWIDTH_RAD,
        ALONG_BEAMWIDTH_RAD,
    )


def fixed_radar(
    world: World,
    pose: Pose,
    height_m: float,
    line: str,
    waveform: Waveform,
    seed: int = 0,
    budget: LinkBudget | None = None,
) -> DriveSimulator:
    """A simulator of a radar that stands still; ``frames(n)`` makes its frames from time 0 on.

    Args:
        world: what it looks into.
        pose: where it is and looks.
        height_m: of its antennas.
        line: of its antennas, a name from LINES; the first is at the left end, as seen
            from behind the radar, or the lower one.
        waveform: of its chirps.
        seed: of surfaces, leakage and noise.
        budget: levels.

    Raises:
        ValueError: the line has another name.
    """
    if line not in LINES:
        raise ValueError(f"line must be one of {', '.join(LINES)}, got {line!r}")
    level = line == "horizontal"
    return DriveSimulator(
        QuarterTurned(world, pose, height_m) if level else world,
        ConstantVelocity(float(pose.x_m), float(pose.y_m), yaw_rad=float(pose.yaw_rad)),
        waveform,
        antenna_line(waveform),
        seed,
        budget or LinkBudget(),
        height_m,
        turntable=_still,
    )


def _still(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros_like(time_s)
