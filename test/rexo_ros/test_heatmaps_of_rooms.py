"""Heatmaps of simulated rooms: somebody who walks is where they walk."""

import numpy as np
import pytest

from mmwave.simulation.fixed_radar import LINES, fixed_radar
from mmwave.simulation.room import RADAR_HEIGHT_M, OccupiedRoom, generate_room
from mmwave.spectrum import as_complex
from rexo_ros.heatmaps import ROOM_WAVEFORM, HeatmapMaker
from rexo_ros.space import LATERAL, Space

SPACE = Space()
FRAMES = 24


def someone_who_walks() -> OccupiedRoom:
    """The first room whose only person walks."""
    rooms = (generate_room(seed, 0, people=1) for seed in range(100))
    return next(room for room in rooms if len(room.people) == 1 and room.people[0].walking)


def in_room_axes_m(points_m, room):
    """World to horizontal (right), vertical (up), depth."""
    off = points_m - [float(room.radar.x_m), float(room.radar.y_m), RADAR_HEIGHT_M]
    cosine, sine = np.cos(float(room.radar.yaw_rad)), np.sin(float(room.radar.yaw_rad))
    ahead = off[:, 0] * cosine + off[:, 1] * sine
    right = off[:, 0] * sine - off[:, 1] * cosine
    return np.column_stack([right, off[:, 2], ahead])


@pytest.mark.parametrize("line", LINES)
def test_the_strongest_echo_that_moves_is_the_persons(line):
    room = someone_who_walks()
    radar = fixed_radar(room, room.radar, RADAR_HEIGHT_M, line, ROOM_WAVEFORM, seed=3)
    make = HeatmapMaker(SPACE, line)
    off_m, beside = [], []
    for number, frame in enumerate(radar.frames(FRAMES)):
        time_s = number * ROOM_WAVEFORM.frame_period_s
        heatmap = make(as_complex(frame), time_s)
        if number < 4:
            continue
        row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
        found = np.array([SPACE.lateral_m(line)[column], SPACE.depth_m()[row]])
        body = in_room_axes_m(room.people[0].scene(time_s).vertices_m, room)
        body = body[:, [LATERAL[line], 2]]
        nearest = np.hypot(*body.T).min(), np.hypot(*body.T).max()
        off_m.append(max(nearest[0] - np.hypot(*found), np.hypot(*found) - nearest[1], 0.0))
        sine, body_sine = found[0] / np.hypot(*found), body[:, 0] / np.hypot(*body.T)
        beside.append(max(body_sine.min() - sine, sine - body_sine.max(), 0.0))
    # within a range bin of the body, and within half a beam (2 / 8 in sine, tapered)
    assert np.median(off_m) < ROOM_WAVEFORM.range_bin_m
    assert np.median(beside) < 1 / ROOM_WAVEFORM.virtual_antennas
