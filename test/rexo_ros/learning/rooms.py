"""Sequences made by hand: a bright spot on each heatmap where somebody's middle is."""

from dataclasses import asdict

import numpy as np

from rexo_ros.camera import camera_pose
from rexo_ros.learning.sequences import RoomSequence, encode_power
from rexo_ros.space import LATERAL, SPACES

SMALL = (0.5, 1.7, 0.4)


def spots(space, boxes_m, seed=0):
    """(view, row, column) powers."""
    rng = np.random.default_rng(seed)
    views = []
    for view in space.views:
        lateral, depth = np.meshgrid(space.lateral_m(view), space.depth_m())
        power = rng.exponential(100.0, lateral.shape)
        for box in boxes_m:
            off = (lateral - box[LATERAL[view]]) ** 2 + (depth - box[2]) ** 2
            power += 1e6 * np.exp(-off / (2 * 0.25**2))
        views.append(power)
    return np.stack(views)


def sequence(room=1, session=0, people=1, frames=6, space_name="room", pose=0):
    space, camera = SPACES[space_name], camera_pose(pose)
    rng = np.random.default_rng([room, session])
    low, high = np.array(space.low_m), np.array(space.high_m)
    places = rng.uniform([low[0] + 1, 2.0], [high[0] - 1, 6.5], (people, 2))
    size = np.tile(SMALL, (people, 1))
    middle = np.column_stack([places[:, 0], np.full(people, -1 + SMALL[1] / 2), places[:, 1]])
    boxes = np.concatenate([middle, size], axis=1)
    image = np.clip(camera.around(boxes), 0, [640, 480, 640, 480])
    power = np.stack([spots(space, boxes, frame) for frame in range(frames)])
    about = {
        "simulated": True,
        "room": room,
        "session": session,
        "people": people,
        "space": space_name,
        "camera": asdict(camera),
        "camera_pose": pose,
        "frame_period_s": 0.05,
    }
    return RoomSequence(
        encode_power(power),
        np.repeat(boxes[None], frames, 0).astype(np.float32),
        np.repeat(image[None], frames, 0).astype(np.float32),
        np.zeros((frames, people, 17, 3), np.float32),
        np.ones((frames, people), bool),
        about,
    )
