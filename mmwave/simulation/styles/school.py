"""A school: a wide corridor with lockers, classrooms on one side, smaller rooms on the other."""

import numpy as np

from mmwave.simulation import furniture
from mmwave.simulation.floor_plan import FloorPlan, Room
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._circulation import corridor
from mmwave.simulation.styles._corridor import CorridorPlan, draw_corridor
from mmwave.simulation.styles._rooms import classroom, lounge, office


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 21 x 14.5 m: classrooms of 6 to 8 m, a corridor of 2.7 to 3.2 m."""
    return draw_corridor(
        generator,
        CorridorPlan(
            length_m=generator.uniform(19.5, 22.0),
            corridor_width_m=generator.uniform(2.7, 3.2),
            depths_m=(generator.uniform(6.0, 6.8), generator.uniform(4.8, 5.4)),
            room_width_m=(5.5, 7.5),
            ceiling_m=generator.uniform(2.9, 3.0),
            rooms=(classroom, classroom, classroom, office, lounge),
            furnish_corridor=_locker_corridor,
            floor="plastic",
            corridor_floor="concrete",
            material=str(generator.choice(["brick", "concrete", "plaster"])),
            door_width_m=1.1,
            double_doors=0.25,
            glass=0.15,
            people=4,
        ),
    )


def _locker_corridor(room: Room, furnisher: Furnisher) -> None:
    """Rows of lockers besides what every corridor has."""
    generator = furnisher.generator
    for _ in range(int(generator.integers(3, 6))):
        row = furniture.lockers(int(generator.integers(4, 8)))
        furnisher.place_along_walls(room, row, gap_m=0.01)
    corridor(room, furnisher)
