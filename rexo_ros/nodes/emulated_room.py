"""The truth of an emulated room."""

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.room import OccupiedRoom, in_radar_axes_m
from rexo_ros.space import centre_and_size


def true_boxes_m(room: OccupiedRoom, time_s: float) -> NDArray[np.float64]:
    """(person, 6) centre and size of everybody's box in the radars' axes at one time."""
    boxes = []
    for person in room.people:
        body = in_radar_axes_m(person.scene(time_s).vertices_m, room)
        boxes.append(centre_and_size(np.concatenate([body.min(axis=0), body.max(axis=0)])))
    return np.array(boxes).reshape(-1, 6)
