"""An office storey: a corridor through the middle with rooms on both sides."""

import numpy as np

from mmwave.simulation.floor_plan import FloorPlan
from mmwave.simulation.styles._corridor import CorridorPlan, draw_corridor
from mmwave.simulation.styles._rooms import lounge, meeting_room, office


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 20 x 14 m: offices, a meeting room and a lounge along a corridor of 2.2 to 2.8 m."""
    return draw_corridor(
        generator,
        CorridorPlan(
            length_m=generator.uniform(18.5, 21.5),
            corridor_width_m=generator.uniform(2.2, 2.8),
            depths_m=(generator.uniform(5.0, 6.2), generator.uniform(5.0, 6.2)),
            room_width_m=(4.0, 6.5),
            ceiling_m=generator.uniform(2.7, 2.9),
            rooms=(office, office, meeting_room, lounge),
            people=4,
        ),
    )
