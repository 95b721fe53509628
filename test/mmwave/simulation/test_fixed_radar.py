"""Radars that stand still: what is right of a level line of antennas is above an upright one."""

import numpy as np
import pytest

from mmwave.simulation.fixed_radar import LINES, QuarterTurned, fixed_radar
from mmwave.simulation.meshes import Label, box
from mmwave.simulation.room import RADAR_HEIGHT_M, generate_room
from mmwave.simulation.rotation import StaticWorld
from mmwave.simulation.scene import SemanticClass
from mmwave.simulation.trajectory import Pose
from mmwave.waveform import Waveform

WAVEFORM = Waveform(samples_per_chirp=64, loops_per_frame=8, frame_period_s=20e-3)


def pose(x, y, yaw):
    return Pose(np.float64(x), np.float64(y), np.float64(yaw))


def test_right_becomes_up_and_ahead_stays_ahead():
    radar = pose(1.0, 2.0, np.pi / 2)  # looks along +y: its right is +x
    scene = box((1.9, 4.9, 0.9), (2.1, 5.1, 1.1), Label(SemanticClass.WALL, "wood"))
    turned = QuarterTurned(StaticWorld(scene), radar, 1.0).scene
    middle = turned.vertices_m.mean(axis=0)
    np.testing.assert_allclose(middle, [1.0, 5.0, 2.0], atol=1e-9)  # 1 m to the right: 1 m above
    up = box((0.9, 4.9, 1.9), (1.1, 5.1, 2.1), Label(SemanticClass.WALL, "wood"))
    turned = QuarterTurned(StaticWorld(up), radar, 1.0).scene
    np.testing.assert_allclose(turned.vertices_m.mean(axis=0), [0.0, 5.0, 1.0], atol=1e-9)
    again = QuarterTurned(StaticWorld(turned), radar, 1.0).scene
    np.testing.assert_allclose(again.vertices_m.mean(axis=0), [1.0, 5.0, 0.0], atol=1e-9)


@pytest.mark.parametrize("line", LINES)
def test_frames_are_those_of_the_waveform_and_the_same_every_time(line):
    room = generate_room(2, 0)
    made = [
        list(fixed_radar(room, room.radar, RADAR_HEIGHT_M, line, WAVEFORM, seed=7).frames(2))
        for _ in range(2)
    ]
    assert made[0][0].shape == (8, 8, 64, 2)
    assert made[0][0].dtype == np.int16
    np.testing.assert_array_equal(made[0], made[1])
    assert np.abs(made[0][0]).max() > 100


def test_other_lines_are_refused():
    room = generate_room(2, 0)
    with pytest.raises(ValueError, match="line must be one of horizontal, vertical, got 'round'"):
        fixed_radar(room, room.radar, 1.0, "round", WAVEFORM)
