"""Places that a radar and an RGB-D camera watch: somebody in clothes, or a room behind a wall.

In the spirit of the data sets of mmAnomaly (mmVision: clothed people with and without something
hidden; WallSense: rooms behind walls): a *weapon* watch has one person before the radar, an
*intruder* and a *fall* watch have a wall with a room behind it. Everything is drawn from a seed.

World frame: the radar is over the origin at 1 m and looks along x, y is to its left, z is up. The
camera is a decimetre above the radar and looks the same way.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation import meshes
from mmwave.simulation.activities import Actor
from mmwave.simulation.articulated import body_parts
from mmwave.simulation.clothing import GARMENTS, Garment
from mmwave.simulation.concealed import Facets, posed
from mmwave.simulation.materials import MATERIAL_ID, MATERIALS
from mmwave.simulation.scene import Scene
from mmwave.simulation.transmission import Wall

WATCHES = ("weapon", "intruder", "fall")
AWAY_M = 60.0
"""Who is not there yet is this far behind everything."""
UPPER_PARTS, LEGS = (1, 2), 4
"""Torso and arms, and legs, see :func:`mmwave.simulation.articulated.body_parts`."""
PLACES_ON_BODY = ("chest", "belly", "left_hip", "right_hip")


@dataclass(frozen=True)
class Hidden:
    """Something under the clothes of the person in front.

    Attributes:
        kind: a name from OBJECTS.
        facets: in its own axes.
        place: on the body, a name from PLACES_ON_BODY.
        tilt: (3, 3) how it is turned against the body's surface.
    """

    kind: str
    facets: Facets
    place: str
    tilt: NDArray[np.float64]


@dataclass(frozen=True)
class WatchedPlace:
    """A place with everything in it.

    Attributes:
        watch: a name from WATCHES.
        seed: of everything.
        before: what stands still in front of the wall, or everywhere without one.
        behind: what stands still behind the wall; nothing without one.
        panel: the wall's mesh; empty without one.
        wall: what the wall is made of.
        wall_name: a name from WALLS, or none.
        wall_m: where its front face is.
        person: who is in front, in view.
        garment: of the person in front.
        resident: who is behind the wall.
        resident_garment: theirs.
        hidden: what the person carries.
        anomaly_from_s: before it nobody carries anything and no intruder is there.
        clutter: names of what stands in front of the wall.
        face_colour: (face,) colours of the front at any time, 0..1.
        texture: (face,) contrast of the faces' texture.
    """

    watch: str
    seed: int
    before: Scene
    behind: Scene
    panel: Scene
    wall: Wall | None
    wall_name: str
    wall_m: float
    person: Actor | None
    garment: Garment
    resident: Actor | None
    resident_garment: Garment
    hidden: Hidden | None
    anomaly_from_s: float
    clutter: tuple[str, ...]
    face_colour: NDArray[np.float64]
    texture: NDArray[np.float64]

    def front_at(self, time_s: float) -> Scene:
        """What is in front of the wall, the wall too; the person's faces come last."""
        parts = [self.before, self.panel]
        if self.person is not None:
            parts.append(self.person.scene(time_s))
        return Scene.merge(parts)

    def whole_at(self, time_s: float) -> Scene:
        """What is there, but for the wall; those who move come last."""
        parts = [self.before, self.behind]
        if self.person is not None:
            parts.append(self.person.scene(time_s))
        if self.resident is not None:
            body = self.resident.scene(time_s)
            away = self.watch == "intruder" and time_s < self.anomaly_from_s
            parts.append(meshes.moved(body, (AWAY_M, 0.0, 0.0)) if away else body)
        return Scene.merge(parts)

    def front_faces(self) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
        """How many faces of the front stand still; the gain and the reflection of each face."""
        before, panel = len(self.before.faces), len(self.panel.faces)
        body = len(body_parts()) if self.person is not None else 0
        gain = np.ones(before + panel + body)
        gain[before + panel :] = _gain(self.garment)[:body]
        reflection = np.full(len(gain), np.nan)
        if self.wall is not None:
            reflection[before : before + panel] = self.wall.reflection()
        return before + panel, gain, reflection

    def whole_faces(self) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
        """The same of the whole without the wall."""
        still = len(self.before.faces) + len(self.behind.faces)
        parts = [np.ones(still)]
        if self.person is not None:
            parts.append(_gain(self.garment))
        if self.resident is not None:
            parts.append(_gain(self.resident_garment))
        gain = np.concatenate(parts)
        return still, gain, np.full(len(gain), np.nan)

    def concealed_at(self, time_s: float) -> tuple[Facets, float] | None:
        """What the person carries, in the world, and the clothes' two-way amplitude factor."""
        if self.hidden is None or self.person is None or time_s < self.anomaly_from_s:
            return None
        position, rotation = self.person.worn_at(time_s, self.hidden.place)
        facets = posed(self.hidden.facets, position, rotation @ self.hidden.tilt)
        return facets, self.garment.transmission

    def anomalous_at(self, time_s: float) -> bool:
        """Is something there, or going on, that is not normal?"""
        return bool(np.isfinite(self.anomaly_m(time_s)[0]))

    def anomaly_m(self, time_s: float) -> NDArray[np.float64]:
        """(2,) where the anomaly is, to the right of the radar and ahead; NaN without one."""
        if self.watch == "weapon":
            found = self.concealed_at(time_s)
            centre = None if found is None else found[0].centre_m.mean(axis=0)
        elif (
            self.resident is None
            or (self.watch == "intruder" and time_s < self.anomaly_from_s)
            or (self.watch == "fall" and self.resident.activity(time_s) not in ("fall", "lie"))
        ):
            centre = None
        else:
            centre = self.resident.centre_m(time_s)
        if centre is None:
            return np.full(2, np.nan)
        return np.array([-centre[1], centre[0]])

    def pose_at(self, time_s: float) -> str:
        """What the person in front does, or none."""
        return "none" if self.person is None else self.person.activity(time_s)


def _gain(garment: Garment) -> NDArray[np.float64]:
    """(face,) of a body: trousers are of cotton, head, hands and feet bare."""
    skin = MATERIALS[MATERIAL_ID["skin"]]
    parts = body_parts()
    gain = np.ones(len(parts))
    gain[np.isin(parts, UPPER_PARTS)] = garment.face_gain(skin)
    gain[parts == LEGS] = GARMENTS["shirt"].face_gain(skin)
    return gain
