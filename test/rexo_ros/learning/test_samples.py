"""Samples: consecutive frames, truth of the last, splits."""

import numpy as np
import pytest
from rooms import sequence

from rexo_ros.camera import MOUNTED_CAMERA, camera_pose
from rexo_ros.learning.samples import (
    SimulatedSet,
    camera_of,
    learned_days,
    refuse_learned,
)
from rexo_ros.learning.sequences import decode_power, write_sequence
from rexo_ros.learning.splits import split


def test_a_sample_is_four_frames_and_the_truth_of_the_last():
    one = sequence(people=2, frames=7)
    one.boxes_m[5, :, 0] += 0.25
    one.seen[5, 1] = False
    samples = SimulatedSet([one])
    assert len(samples) == 4  # frames 3 to 6
    third = samples[2]
    expected = decode_power(one.power[2:6]).swapaxes(0, 1)
    np.testing.assert_array_equal(third.power, expected)
    np.testing.assert_array_equal(third.boxes_m, one.boxes_m[5, :1])
    assert third.about == {"room": 1, "session": 0, "people": 2, "camera_pose": 0, "frame": 5}
    assert len(SimulatedSet([one], stride=2)) == 2


def test_a_camera_comes_back_from_a_file(tmp_path):
    write_sequence(tmp_path / "room_1.npz", sequence())
    assert SimulatedSet.under(tmp_path)[0].camera == MOUNTED_CAMERA
    assert camera_of(SimulatedSet.under(tmp_path).sequences[0].about["camera"]) == MOUNTED_CAMERA


def test_every_day_has_its_camera():
    samples = SimulatedSet([sequence(1), sequence(2, pose=4), sequence(3, pose=4)])
    cameras = [samples[number].camera for number in range(len(samples))]
    assert cameras == [MOUNTED_CAMERA] * 3 + [camera_pose(4)] * 6
    assert samples.describe()["cameras"] == 2
    assert [list(samples.partners(number)) for number in (0, 8)] == [[0, 1, 2], [*range(3, 9)]]


def test_folders_that_cannot_be_learned_from_are_named(tmp_path):
    with pytest.raises(ValueError, match="holds no sequence: make some with panoradar simulate"):
        SimulatedSet.under(tmp_path)
    with pytest.raises(ValueError, match="several spaces, room and mmvr"):
        SimulatedSet([sequence(), sequence(space_name="mmvr")])
    older = sequence()
    older.about["simulator"] = "of before"
    with pytest.raises(ValueError, match="several simulators, None and of before"):
        SimulatedSet([sequence(), older])
    with pytest.raises(ValueError, match="a sequence has 3 frames"):
        SimulatedSet([sequence(frames=3)])


def test_seeds_are_told_as_ranges():
    samples = SimulatedSet([sequence(room) for room in (5, 6, 7, 20, 21)])
    assert samples.describe()["seed_ranges"] == [[5, 7], [20, 21]]
    assert samples.describe()["samples"] == 15


class Bare:
    """As much of a sequence as a split looks at."""

    def __init__(self, room, session, people):
        self.about = {"room": room, "session": session, "people": people}


MANY = [Bare(room, session, 1 + session % 2 * 2) for room in range(20) for session in range(4)]


@pytest.mark.parametrize("name", ["P1S1", "P1S2", "P2S1", "P2S2"])
def test_every_sequence_of_its_kind_is_in_one_part(name):
    found = split(MANY, name)
    together = [*found.train, *found.val, *found.test]
    wanted = [n for n, one in enumerate(MANY) if (one.about["people"] == 1) == ("P1" in name)]
    assert sorted(together) == wanted
    assert len(set(together)) == len(together)
    assert split(MANY, name) == found
    assert split(MANY, name, seed=1) != found
    rooms = [{MANY[n].about["room"] for n in found.part(part)} for part in ("train", "val", "test")]
    if name.endswith("S2"):
        assert not rooms[0] & rooms[2]
        assert not rooms[0] & rooms[1]
    else:
        assert rooms[0] & rooms[2]  # rooms are seen, sessions are not


def test_what_cannot_be_split_is_refused():
    with pytest.raises(ValueError, match="split must be one of P1S1"):
        split(MANY, "P3S1")
    with pytest.raises(ValueError, match="too few for split P2S2"):
        split(MANY[:4], "P2S2")
    with pytest.raises(ValueError, match="part must be one of train, val, test"):
        split(MANY, "P1S1").part("all")
    two = [Bare(room, session, 1 + session) for room in range(40) for session in range(2)]
    with pytest.raises(ValueError, match=r"P2S1 judges other days .* with --sessions 4 or more"):
        split(two, "P2S1")
    assert split(two, "P2S2").test


def test_days_that_were_learned_from_are_told_apart_from_those_that_were_not():
    exact = {"days": {"0": [[1, 3]], "1": [[7, 7]]}, "seed_ranges": [[1, 7]], "sessions": [0, 1]}
    about = {"data": {**exact, "validation": {"sessions": [0], "seed_ranges": [[9, 9]]}}}
    assert learned_days(about) == {(1, 0), (2, 0), (3, 0), (7, 1)}
    older = {"began_with": {"data": {"sessions": [0, 2], "seed_ranges": [[4, 5]]}}}
    assert learned_days({**about, **older}) - learned_days(about) == {
        (4, 0),
        (4, 2),
        (5, 0),
        (5, 2),
    }
    samples = SimulatedSet([sequence(3, 1), sequence(7, 0)])
    refuse_learned(about, samples, "own")
    with pytest.raises(ValueError, match="1 sequences, room 3 session 0 among them, are what own"):
        refuse_learned(about, SimulatedSet([sequence(3, 0)]), "own")
