"""Frames of a radar that stands still and watches a place, also through a wall and clothes.

Its antennas are in a level or an upright line; the simulator knows the upright one, and for a level
one the world is turned by a quarter (see :mod:`mmwave.simulation.fixed_radar`).

What is in front of the wall is looked at with the wall in place; what is behind, without it, and
then weakened by two passes through its layers and moved away by the delay in them. Visibility is
found once a frame; what moves goes on steadily during the frame's 16 ms. What stands still answers
every loop of a frame alike, so that it is summed once.

Left out: refraction's sideways shift, waves that go through the wall more than twice, and the
shadow that a hidden object throws on the body behind it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.concealed import Facets, root_cross_section
from mmwave.simulation.fixed_radar import LINES, antenna_line, quarter_turn
from mmwave.simulation.fmcw import PLANE, POINT, AntennaTrack, Scatterers, synthesize
from mmwave.simulation.receiver import LinkBudget, leakage, receive
from mmwave.simulation.scattering import TOUCH_M, Reflectors, View, between
from mmwave.simulation.scene import Scene
from mmwave.simulation.trajectory import ConstantVelocity
from mmwave.simulation.transmission import Wall
from mmwave.simulation.truth import RayCaster
from mmwave.waveform import Waveform

RADAR_HEIGHT_M = 1.0
DRIFT_PERIOD_S = 60.0
DETAIL_DB = 0.0
"""Backscatter coefficient in dB of what a hidden object has besides flat faces: edges, screws, a
grip. A choice, a little more than skin's -3 dB."""
_Faces = tuple[int, NDArray[np.float64], NDArray[np.float64]]
_RADAR = ConstantVelocity(0.0, 0.0, yaw_rad=0.0)


class Place(Protocol):
    """What is watched. The radar is over the origin and looks along x; the floor is at z = 0."""

    @property
    def wall(self) -> Wall | None:
        """What is looked through."""
        ...

    @property
    def wall_m(self) -> float:
        """Where its front face is, along x."""
        ...

    def front_at(self, time_s: float) -> Scene:
        """What is in front of the wall, the wall too: what stands still first."""
        ...

    def whole_at(self, time_s: float) -> Scene:
        """What is there, but for the wall: what stands still first."""
        ...

    def front_faces(self) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
        """Of the front: how many faces stand still, the gain and the reflection of each face, see
        :class:`Reflectors`.
        """
        ...

    def whole_faces(self) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
        """The same of the whole."""
        ...

    def concealed_at(self, time_s: float) -> tuple[Facets, float] | None:
        """What somebody carries under their clothes, in the world, and the clothes' two-way
        amplitude factor.
        """
        ...


class WatchRadar:
    """Simulates frames of a line of antennas that watches a place.

    Args:
        place: what is watched.
        waveform: of the chirps.
        seed: of surfaces, leakage and noise.
        budget: levels.
        line: of the antennas, ``horizontal`` or ``vertical``; the first is at the left end, as seen
            from behind the radar, or the lower one.

    Raises:
        ValueError: the line has another name.
    """

    def __init__(
        self,
        place: Place,
        waveform: Waveform,
        seed: int,
        budget: LinkBudget | None = None,
        line: str = "horizontal",
    ) -> None:
        if line not in LINES:
            raise ValueError(f"line must be one of {', '.join(LINES)}, got {line!r}")
        self.place, self.waveform, self.seed = place, waveform, seed
        self.budget = budget or LinkBudget()
        self._array = antenna_line(waveform)
        self._turn = quarter_turn(_RADAR.pose(0.0)) if line == "horizontal" else np.eye(3)
        self._front = self._reflectors(place.front_at, place.front_faces(), seed)
        self._whole = (
            self._reflectors(place.whole_at, place.whole_faces(), seed + 1) if place.wall else None
        )
        self._centre_m = np.array([0.0, 0.0, RADAR_HEIGHT_M])

    def _reflectors(
        self, scene_at: Callable[[float], Scene], faces: _Faces, seed: int
    ) -> Reflectors:
        still, gain, reflection = faces
        return Reflectors(
            lambda time_s: self._turned(scene_at(time_s)),
            still,
            seed,
            self.waveform.wavelength_m,
            0.0,
            0.995 * self.waveform.max_range_m,
            gain,
            reflection,
        )

    def _turned(self, scene: Scene) -> Scene:
        return replace(scene, vertices_m=self._turned_m(scene.vertices_m))

    def _turned_m(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        height = np.array([0.0, 0.0, RADAR_HEIGHT_M])
        return np.asarray((points_m - height) @ self._turn.T + height)

    def frames(self, from_s: float = 0.0) -> Iterator[NDArray[np.int16]]:
        """Frames one after another, each (loop, antenna, sample, 2) int16.

        Args:
            from_s: time of the place when the first begins.
        """
        for number in count():
            yield self.frame(from_s + number * self.waveform.frame_period_s, number)

    def frame(self, time_s: float, number: int) -> NDArray[np.int16]:
        """One frame.

        Args:
            time_s: of the place when the frame begins.
            number: of the frame, for its noise.

        Returns:
            (loop, antenna, sample, 2) int16.
        """
        wave = self.waveform
        scatterers = self.scatterers(time_s)
        moving = np.any(scatterers.velocity_mps != 0, axis=1)
        signal = self._signal(_rows(scatterers, moving), wave.position_offsets_s)
        signal += self._signal(_rows(scatterers, ~moving), wave.position_offsets_s[:1])
        signal += leakage(
            self.budget, wave, (time_s + wave.position_offsets_s) / DRIFT_PERIOD_S, self.seed
        )
        generator = np.random.default_rng([self.seed, 3, number])
        return receive(signal, self.budget, wave, generator)

    def _signal(
        self, scatterers: Scatterers, position_s: NDArray[np.float64]
    ) -> NDArray[np.complex64]:
        time_s = position_s[:, None] + self.waveform.transmitter_offsets_s
        track = AntennaTrack.from_pose(
            time_s, np.zeros_like(time_s), _RADAR.pose(time_s), 0.0, RADAR_HEIGHT_M
        )
        if not len(scatterers):
            shape = (len(time_s), self._array.antennas, self.waveform.samples_per_chirp)
            return np.zeros(shape, np.complex64)
        return synthesize(scatterers, track, self.waveform, self._array, self.budget)

    def scatterers(self, time_s: float) -> Scatterers:
        """Everything that answers during a frame, for a level line in the world turned by a quarter
        about the boresight; reference time is the frame's beginning.
        """
        parts = [self._seen(self._front, time_s)]
        if self._whole is not None:
            parts.append(self._behind(self._seen(self._whole, time_s)))
        if (hidden := self._concealed(time_s)) is not None:
            parts.append(hidden)
        return Scatterers.join(parts)

    def _seen(self, reflectors: Reflectors, time_s: float) -> Scatterers:
        view = reflectors.view(self._centre_m, time_s)
        shown = _shown(view)
        later = reflectors.carried(shown, time_s + self.waveform.active_s)
        return between(shown, later)

    def _behind(self, scatterers: Scatterers) -> Scatterers:
        """What is behind the wall, through it."""
        wall = self.place.wall
        assert wall is not None
        back_m = self.place.wall_m + wall.thickness_m
        away = scatterers.position_m - self._centre_m
        kept = away[:, 0] > back_m + TOUCH_M
        inside = _rows(scatterers, kept)
        away = away[kept]
        distance = np.linalg.norm(away, axis=1)
        # a mirror is met squarely, wherever the point is that it is told by
        foot = np.sum(away * inside.axis, axis=1, keepdims=True) * inside.axis
        way = np.where((inside.kind == PLANE)[:, None], foot, away)
        length = np.maximum(np.linalg.norm(way, axis=1), 1e-9)
        incidence = np.arccos(np.clip(np.abs(way[:, 0]) / length, 0, 1))
        factor = wall.two_way_transmission(incidence)
        moved = inside.position_m + (wall.extra_path_m(incidence) / np.maximum(distance, 1e-9))[
            :, None
        ] * np.where((inside.kind == PLANE)[:, None], foot * (distance / length)[:, None], away)
        strength = inside.strength * factor[:, None].astype(np.float32)
        return replace(inside, position_m=moved, strength=strength)

    def _concealed(self, time_s: float) -> Scatterers | None:
        found = self.place.concealed_at(time_s)
        if found is None:
            return None
        facets, factor = found
        later = self.place.concealed_at(time_s + self.waveform.active_s)
        end_m = facets.centre_m if later is None else later[0].centre_m
        strength, phase = root_cross_section(
            facets, self._centre_m, self.waveform.wavelength_m, DETAIL_DB
        )
        strength = strength * factor * self._uncovered(facets.centre_m, time_s)
        kept = strength > 0
        number = int(kept.sum())
        return Scatterers(
            self._turned_m(facets.centre_m[kept]),
            (self._turned_m(end_m) - self._turned_m(facets.centre_m))[kept]
            / self.waveform.active_s,
            np.repeat(strength[kept, None], 2, axis=1).astype(np.float32),
            phase[kept],
            np.full(number, POINT, np.uint8),
            np.zeros((number, 3)),
        )

    def _uncovered(self, points_m: NDArray[np.float64], time_s: float) -> NDArray[np.bool_]:
        """Is the way from the radar to each point free?"""
        caster = RayCaster(self.place.front_at(time_s))
        way = points_m - self._centre_m
        length = np.linalg.norm(way, axis=1)
        distance, _ = caster.first_hit(
            self._centre_m, way / length[:, None], self.waveform.max_range_m
        )
        return distance > length - TOUCH_M


def _shown(view: View) -> View:
    """Without what is hidden."""
    kept = view.strength > 0
    columns = {
        name: getattr(view, name)[kept]
        for name in ("key", "position_m", "strength", "phase_rad", "kind", "axis")
    }
    return replace(view, **columns)


def _rows(scatterers: Scatterers, kept: NDArray[np.bool_]) -> Scatterers:
    return Scatterers(
        scatterers.position_m[kept],
        scatterers.velocity_mps[kept],
        scatterers.strength[kept],
        scatterers.phase_rad[kept],
        scatterers.kind[kept],
        scatterers.axis[kept],
    )
