"""Images of an RGB-D camera that watches a place, with the noise and holes of a real one."""

import numpy as np
from numpy.typing import NDArray

from mmwave.camera import Camera
from mmwave.simulation.rgbd import DepthNoise, render
from mmwave.simulation.trajectory import ConstantVelocity
from mmwave.simulation.watch_radar import RADAR_HEIGHT_M
from mmwave.simulation.watched_place import WatchedPlace

_RADAR = ConstantVelocity(0.0, 0.0, yaw_rad=0.0).pose(0.0)


class WatchCamera:
    """Takes images of a place.

    Args:
        place: what is watched.
        camera: beside the radar.
        seed: of the noise.
        light: of the lamps, 1 on a usual day.
        noise: of the depths.
    """

    def __init__(
        self,
        place: WatchedPlace,
        camera: Camera,
        seed: int,
        light: float = 1.0,
        noise: DepthNoise | None = None,
    ) -> None:
        self.place, self.camera, self.seed, self.light = place, camera, seed, light
        self._noise = noise or DepthNoise()
        # patterns stay on the clothes when somebody moves
        self._reference_m = place.front_at(0.0).vertices_m

    def image(self, time_s: float, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
        """One image.

        Args:
            time_s: of the place.
            number: of the image, for its noise.

        Returns:
            Colours, uint8 (row, column, 3), and depths in millimetres, uint16 (row, column), 0
            where there is a hole.
        """
        found = render(
            self.place.front_at(time_s),
            self.camera,
            _RADAR,
            RADAR_HEIGHT_M,
            self.place.face_colour,
            np.random.default_rng([self.seed, 5, number]),
            light=self.light,
            noise=self._noise,
            texture=self.place.texture,
            reference_m=self._reference_m,
        )
        depth_mm = np.rint(np.nan_to_num(found.depth_m) * 1e3)
        return found.rgb, np.clip(depth_mm, 0, 65535).astype(np.uint16)
