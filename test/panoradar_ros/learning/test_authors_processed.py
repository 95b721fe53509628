"""The reader of PanoRadar's processed data, on folders as its authors lay them out."""

import json
import shutil

import numpy as np
import pytest
import torch
from authors_layout import FOLDERS, rectangle, scene, write_trajectory

from panoradar_ros.learning.authors_processed import AuthorsFrames, instances
from panoradar_ros.learning.boxes import ObjectBox, boxes_of
from panoradar_ros.learning.dataset import (
    NO_AUGMENTATION,
    Augmentation,
    FrameSet,
    augmented,
    batches,
    range_batch,
)
from panoradar_ros.learning.frames import NAMES, BuildingFrames, Frame, write_building
from panoradar_ros.learning.losses import range_loss
from panoradar_ros.learning.networks.range_net import SIZES, RangeNet
from panoradar_ros.learning.range_scores import RangeScores, strongest_echo_m
from panoradar_ros.recognition.echo import decode_db

PERSON, TABLE, WALL = 0, 1, 9


def furnished():
    """A room with a person across the seam and a table; some of it was not measured."""
    one = scene(3)
    one["label"][:] = WALL
    one["label"][10:40, 500:] = one["label"][10:40, :8] = PERSON
    one["label"][45:55, 100:140] = TABLE
    one["label"][0, :4] = 255
    one["range_m"][2, 20:40] = np.nan
    one["range_m"][3, 20:40] = 30.0
    one["objects"] = [
        rectangle("person", 500, 10, 520, 40),
        rectangle("non-person", 100, 45, 140, 55),
    ]
    return one


@pytest.fixture(scope="module")
def original():
    return furnished()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, original):
    root = tmp_path_factory.mktemp("processed")
    return write_trajectory(root / "engineering" / "exp20240101-000", [original])


@pytest.fixture(scope="module")
def frame(folder):
    return AuthorsFrames(folder)[0]


@pytest.fixture
def broken(tmp_path, folder):
    """A copy that a test may spoil; the cube is a link."""
    copy = tmp_path / "engineering" / "exp20240101-000"
    for name in FOLDERS[1:]:
        shutil.copytree(folder / name, copy / name)
    (copy / "rf_npy").mkdir()
    (copy / "rf_npy" / "00000.npy").symlink_to(folder / "rf_npy" / "00000.npy")
    return copy


def test_echoes_are_decibels_over_the_median(frame, original):
    power = np.moveaxis(original["amplitude"].astype(float), 0, -1) ** 2
    expected = 10 * np.log10(power / np.median(power))
    found = decode_db(frame.echo)
    # quarter decibels, over the median of a part of the cells
    seen = (expected > -9) & (expected < 53)
    assert seen.mean() > 0.7
    assert np.abs(found - expected)[seen].max() < 0.2


def test_ranges_are_metres_and_know_what_was_not_measured(frame, original):
    wanted = original["range_m"].astype(np.float32)
    wanted[3, 20:40] = np.inf  # farther than the radar sees
    np.testing.assert_allclose(frame.range, wanted, rtol=1e-6)
    assert np.isnan(frame.range[2, 20:40]).all()


def test_classes_and_glass_come_back(frame, original):
    np.testing.assert_array_equal(frame.label, original["label"])
    np.testing.assert_array_equal(frame.glass, original["glass"])


def test_normals_are_those_of_the_ranges(frame):
    upright = np.isfinite(frame.range)
    upright[[0, 1, 2, 3, 4, 63]] = False
    # a round wall: level and towards the axis, so that it leans in the frames of steep rays
    elevation = np.linspace(np.pi / 4, -np.pi / 4, 64)[:, None]
    level = np.stack(np.broadcast_arrays(-np.cos(elevation), 0.0, np.sin(elevation)), axis=-1)
    level = np.broadcast_to(level, (64, 512, 3))
    np.testing.assert_allclose(frame.normal[upright] / 127, level[upright], atol=0.02)
    assert not frame.normal[~np.isfinite(frame.range)].any()


def test_the_classical_images_see_the_wall(frame, original):
    found = np.isfinite(frame.classical)
    assert found.mean() > 0.99
    known = found & ~np.isnan(original["range_m"])
    assert np.median(np.abs(frame.classical - original["range_m"])[known]) < 0.02
    assert np.nanmedian(np.abs(strongest_echo_m(frame.echo) - original["range_m"])) < 0.02


def test_boxes_go_across_the_seam(folder, frame):
    person, table = AuthorsFrames(folder).boxes(0)
    assert person == ObjectBox(0, 500, 10, 520, 40, 1)
    assert table == ObjectBox(1, 100, 45, 140, 55, 2)
    assert boxes_of(frame) == [person, table]  # from the instances


@pytest.mark.parametrize("turns", [-512, 0, 512])
def test_points_before_the_first_column_are_behind_the_last(broken, turns):
    objects = [rectangle("person", -12 + turns, 10.4, 7.5 + turns, 39.5)]
    (broken / "obj_json" / "00000.json").write_text(json.dumps(objects))
    assert AuthorsFrames(broken).boxes(0) == [ObjectBox(0, 500, 10, 520, 40, 1)]


def test_a_frame_without_objects_has_no_instances(broken):
    (broken / "obj_json" / "00000.json").write_text("[]")
    frames = AuthorsFrames(broken)
    assert frames.boxes(0) == []
    assert (instances(np.zeros((4, 512), np.uint8), []) == -1).all()


def test_boxes_may_be_absent(broken):
    shutil.rmtree(broken / "obj_json")
    frames = AuthorsFrames(broken)
    assert frames.boxes(0) == []
    assert (frames[0].instance == -1).all()


def test_a_pixel_belongs_to_the_smallest_box_of_its_kind():
    label = np.full((8, 512), WALL, np.uint8)
    label[2:6, 500:] = label[2:6, :20] = PERSON
    label[2:6, 15:18] = TABLE
    large, small = ObjectBox(0, 500, 0, 532, 8, 1), ObjectBox(0, 510, 2, 514, 6, 2)
    table = ObjectBox(1, 0, 0, 30, 8, 3)
    found = instances(label, [small, table, large])
    np.testing.assert_array_equal(found[3, [500, 511, 1, 2, 19]], [1, 2, 2, 1, 1])
    np.testing.assert_array_equal(found[3, 15:18], 3)
    assert (found[label == WALL] == -1).all()


def test_one_data_set_class_takes_both_formats(folder, frame, tmp_path):
    write_building(tmp_path / "own" / "office_1", [frame], {"simulated": True, "seed": 4})
    again = BuildingFrames(tmp_path / "own" / "office_1")[0]
    np.testing.assert_array_equal(again.range, frame.range)  # NaN and inf are kept
    both = FrameSet([folder, tmp_path / "own" / "office_1"])
    assert len(both) == 2
    np.testing.assert_array_equal(both[0].echo, both[1].echo)
    about = both.describe()
    assert (about["buildings"], about["frames"], about["simulated"]) == (2, 2, False)
    assert both.where(0)[0].folder == folder


@pytest.mark.parametrize("above", [0, 1, 2])
def test_trajectories_are_found_alone_in_a_building_and_in_the_whole_set(folder, above):
    root = [folder, folder.parent, folder.parent.parent][above]
    frames = FrameSet.under(root)
    assert [one.folder for one in frames.buildings] == [folder]
    assert frames.describe() == {
        "buildings": 1,
        "frames": 1,
        "styles": ["engineering"],
        "seed_ranges": [],
        "simulated": False,
    }


def test_trajectories_of_a_building_are_one_building(broken, tmp_path):
    shutil.copytree(broken, broken.parent / "exp20240101-001", symlinks=True)
    assert FrameSet.under(tmp_path).describe()["buildings"] == 1
    assert len(FrameSet.under(tmp_path)) == 2


def test_what_is_not_known_does_not_count_in_the_loss(frame):
    torch.manual_seed(0)
    net = RangeNet(SIZES["tiny"]).eval()
    echo, target = range_batch([frame])
    assert not target.counts[0, 2, 20:40].any()
    np.testing.assert_array_equal(target.counts[0, 3], ~frame.glass[3])  # out of reach counts
    output = net(echo)
    loss = range_loss(net, output, target)
    loss["sum"].backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)
    other = [part.detach().clone() for part in output]
    for part in other:
        part[..., 2, 20:40] += 3 * torch.randn(20)
    changed = range_loss(net, type(output)(*other), target)
    assert all(torch.equal(changed[name], loss[name]) for name in loss)
    other[0][:, -1, 4, 60:80] += 30  # these were measured
    assert range_loss(net, type(output)(*other), target)["sum"] > loss["sum"]


def test_surfaces_without_a_normal_do_not_count_in_the_loss(frame):
    net = RangeNet(SIZES["tiny"]).eval()
    normal = np.zeros_like(frame.normal)
    without = Frame(**{**{name: getattr(frame, name) for name in NAMES}, "normal": normal})
    echo, target = range_batch([without])
    with torch.no_grad():
        assert float(range_loss(net, net(echo), target)["normal"]) == 0


def test_what_is_not_known_does_not_count_in_the_scores(frame):
    scores = RangeScores()
    scores.add(np.where(np.isnan(frame.range), 1.0, frame.range), frame, frame.normal / 127.0)
    found = scores.as_json()
    assert found["range_mae_m"] == 0
    assert found["normal_mean_deg"] < 1e-6
    flat = np.zeros_like(frame.normal)
    flat[40] = frame.normal[40]
    rest = Frame(**{**{name: getattr(frame, name) for name in NAMES}, "normal": flat})
    scores.add(frame.range, rest, frame.normal / 127.0)
    assert scores.as_json()["normal_mean_deg"] < 1e-6


def test_frames_are_augmented_with_their_unknown_pixels(folder, frame):
    wanted = Augmentation(flip=False, lost_columns=0.0)
    (batch,) = batches(FrameSet([folder]), 1, range(1), 5, wanted)
    assert np.isnan(batch[0].range).sum() == 20
    same = augmented(frame, NO_AUGMENTATION, np.random.default_rng(0))
    np.testing.assert_array_equal(same.range, frame.range)


@pytest.mark.parametrize("name", FOLDERS[:4])
def test_a_missing_folder_is_named_with_all_that_are_needed(broken, name):
    shutil.rmtree(broken / name)
    with pytest.raises(ValueError, match=f"{name} is missing.*rf_npy, lidar_npy.*unpack"):
        FrameSet.under(broken.parent.parent)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_file_too_many_is_named(broken, name):
    suffix = "json" if name == "obj_json" else "npy"
    shutil.copy(broken / name / f"00000.{suffix}", broken / name / f"00001.{suffix}")
    with pytest.raises(ValueError, match=f"2 in {name}"):
        AuthorsFrames(broken)


def test_frames_that_do_not_belong_together_are_named(broken):
    (broken / "seg_npy" / "00000.npy").rename(broken / "seg_npy" / "00007.npy")
    with pytest.raises(ValueError, match=r"00000\.npy has no partner.*seg_npy/00007\.npy"):
        AuthorsFrames(broken)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("rf_npy", np.zeros((64, 512, 256), np.float32), r"must hold logarithms.*\(256, 64, 512\)"),
        ("rf_npy", np.full((256, 64, 512), -1, np.float32), "median power"),
        ("rf_npy", np.full((256, 64, 512), np.nan, np.float32), "nan"),
        ("rf_npy", np.full((256, 64, 512), 20, np.float32), "from -1 to 4.*20"),
        ("lidar_npy", np.zeros((64, 512), np.float32), r"must hold ranges.*\(1, 64, 512\)"),
        ("lidar_npy", np.zeros((1, 64, 512), np.int16), "int16"),
        ("seg_npy", np.full((1, 64, 512), 11, np.uint8), r"0 to 10.*got \[11\]"),
        ("seg_npy", np.full((1, 64, 512), -1, np.int16), r"0 to 10.*got \[-1\]"),
        ("glass_npy", np.zeros((1, 64, 512), np.float32), "must hold true and false"),
    ],
)
def test_a_wrong_array_is_refused_by_the_name_of_its_file(broken, name, array, message):
    path = broken / name / "00000.npy"
    path.unlink()
    np.save(path, array)
    with pytest.raises(ValueError, match=message) as caught:
        AuthorsFrames(broken)[0]
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"label": "person"}',
        '[{"label": "cat", "points": [[1, 2], [3, 4]]}]',
        '[{"label": "person", "points": []}]',
        '[{"label": "person", "points": [[1, 2, 3]]}]',
        '[{"label": "person", "points": [[0, 2], [600, 4]]}]',
        '[{"label": "person", "points": [[0, 70], [10, 80]]}]',
        '[{"points": [[0, 1], [10, 8]]}]',
    ],
)
def test_wrong_objects_are_refused_by_the_name_of_their_file(broken, text):
    (broken / "obj_json" / "00000.json").write_text(text)
    with pytest.raises(ValueError, match=r"obj_json/00000\.json must be a list"):
        AuthorsFrames(broken).boxes(0)


def test_a_cut_file_is_named(broken):
    path = broken / "lidar_npy" / "00000.npy"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"lidar_npy/00000\.npy cannot be read"):
        AuthorsFrames(broken)[0]
