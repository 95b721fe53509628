"""MMVR's files, written here in its layout."""

import numpy as np
import pytest

from rexo_ros.learning.mmvr import read_frame, read_power, read_split, segment_frames
from rexo_ros.space import MMVR, low_and_high


def write_frame(folder, name="00012", people=2, frame_id="d1s1_12", **changes):
    rng = np.random.default_rng(3)
    folder.mkdir(parents=True, exist_ok=True)
    vertical = rng.uniform(7e6, 1e9, (256, 128)).astype(np.float32)
    vertical[5:9, 100:] = np.nan
    level = rng.uniform(7e6, 1e9, (256, 128)).astype(np.float32)
    files = {
        "meta": {"global_frame_id": np.asarray(frame_id)},
        "radar": {"hm_hori": level, "hm_vert": vertical},
        "bbox": {
            "bbox_i": rng.uniform(0, 400, (people, 5)),
            "bbox_hori": np.tile([32.0, 64, 48, 96], (people, 1)),
            "bbox_vert": np.tile([26.0, 64, 70, 96], (people, 1)),
        },
        "pose": {"kp": rng.uniform(0, 400, (people, 17, 3))},
        "mask": {"mask": np.zeros((people, 480, 640), bool)},
    }
    for part, arrays in files.items():
        np.savez(folder / f"{name}_{part}.npz", **{**arrays, **changes.get(part, {})})
    return files


def test_a_frame_is_read_as_it_was_written(tmp_path):
    folder = tmp_path / "P2" / "d1s1" / "000"
    files = write_frame(folder)
    assert segment_frames(folder) == ["00012"]
    frame = read_frame(folder, "00012")
    assert frame.frame_id == "d1s1_12"
    np.testing.assert_array_equal(frame.power[0], files["radar"]["hm_hori"])
    np.testing.assert_array_equal(np.isnan(frame.power[1]), np.isnan(files["radar"]["hm_vert"]))
    np.testing.assert_array_equal(frame.image_boxes_px, files["bbox"]["bbox_i"][:, :4])
    np.testing.assert_array_equal(frame.image_scores, files["bbox"]["bbox_i"][:, 4])
    np.testing.assert_array_equal(frame.key_points_px, files["pose"]["kp"])
    # z = 8 (256 - row) / 256, x = 5 c / 128 - 1, y = 5 c / 128 - 2
    low_high = low_and_high(frame.boxes_m[0])
    np.testing.assert_allclose(low_high[[0, 3]], [5 * 32 / 128 - 1, 5 * 48 / 128 - 1])
    np.testing.assert_allclose(low_high[[1, 4]], [5 * 26 / 128 - 2, 5 * 70 / 128 - 2])
    np.testing.assert_allclose(low_high[[2, 5]], [8 * (256 - 96) / 256, 8 * (256 - 64) / 256])


def test_boxes_that_are_no_numbers_are_refused(tmp_path):
    boxes = np.array([[1.0, 2, 3, np.nan, 0.9]])
    write_frame(tmp_path, people=1, bbox={"bbox_i": boxes})
    with pytest.raises(ValueError, match=r"_bbox\.npz: boxes must be finite"):
        read_frame(tmp_path, "00012")


def test_boxes_go_to_the_views_and_back():
    rng = np.random.default_rng(1)
    unit = np.concatenate([rng.uniform(0.3, 0.7, (4, 3)), rng.uniform(0.05, 0.3, (4, 3))], axis=1)
    pixels = [MMVR.on_view(unit, view) * [128, 256, 128, 256] for view in MMVR.views]
    np.testing.assert_allclose(MMVR.to_unit(MMVR.of_cells(*pixels)), unit, atol=1e-9)


@pytest.mark.parametrize("frame_id", [np.array(7), np.array([7]), np.array("7"), np.array(["7"])])
def test_numbers_of_frames_are_numbers_or_text(tmp_path, frame_id):
    write_frame(tmp_path, frame_id=frame_id)
    assert read_frame(tmp_path, "00012").frame_id == "7"


def test_nobody_is_there(tmp_path):
    write_frame(tmp_path, people=0)
    frame = read_frame(tmp_path, "00012")
    assert frame.boxes_m.shape == (0, 6)
    assert frame.key_points_px.shape == (0, 17, 3)


@pytest.mark.parametrize("form", ["item", "first"])
def test_splits_in_both_forms(tmp_path, form):
    split = {"P1S1": {"train": ["d1s1/000"], "val": [], "test": []}}
    held = np.array(split, object) if form == "item" else np.array([split], object)
    np.savez(tmp_path / "data_split.npz", data_split_dict=held)
    assert read_split(tmp_path / "data_split.npz") == split


def test_what_is_missing_or_of_another_data_set_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no frame of MMVR"):
        segment_frames(tmp_path)
    write_frame(tmp_path / "a", radar={"hm_hori": np.zeros((160, 200))})
    with pytest.raises(ValueError, match=r"hm_hori must be \(256, 128\).*another data set"):
        read_frame(tmp_path / "a", "00012")
    write_frame(tmp_path / "b", bbox={"bbox_vert": np.zeros((1, 4))})
    with pytest.raises(ValueError, match="as many boxes of each kind"):
        read_frame(tmp_path / "b", "00012")
    write_frame(tmp_path / "c")
    (tmp_path / "c" / "00012_pose.npz").unlink()
    with pytest.raises(ValueError, match=r"00012_pose\.npz is missing"):
        segment_frames(tmp_path / "c")
    np.savez(tmp_path / "c" / "00012_meta.npz", other=1)
    with pytest.raises(ValueError, match=r"holds no global_frame_id, but other"):
        read_frame(tmp_path / "c", "00012")
    (tmp_path / "a" / "00012_radar.npz").write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match=r"00012_radar\.npz cannot be read .*: get it again"):
        read_frame(tmp_path / "a", "00012")
    np.savez(tmp_path / "split.npz", data_split_dict=np.array([3]))
    with pytest.raises(ValueError, match="not a dictionary"):
        read_split(tmp_path / "split.npz")
    np.savez(tmp_path / "split.npz", data_split_dict=np.array([], object))
    with pytest.raises(ValueError, match="holds 0 objects, not one dictionary"):
        read_split(tmp_path / "split.npz")


def overwritten(path):
    """In the middle of what is packed."""
    np.savez_compressed(path, hm_hori=np.random.default_rng(0).random((256, 128)), hm_vert=1)
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 4000] = b"\0" * 4000
    path.write_bytes(content)


def cut_off(path):
    np.savez(path, hm_hori=np.zeros((256, 128)), hm_vert=np.zeros((256, 128)))
    path.write_bytes(path.read_bytes()[:-200])


def one_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def pickled(path):
    np.savez(path, hm_hori=np.array({}, object), hm_vert=np.array({}, object))


def nothing(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [overwritten, cut_off, one_array, pickled, nothing])
def test_a_damaged_file_is_named_whatever_is_wrong_with_it(tmp_path, damage):
    damage(tmp_path / "00012_radar.npz")
    with pytest.raises(ValueError, match=r"00012_radar\.npz cannot be read .*: get it again"):
        read_power(tmp_path, "00012")


def test_a_split_that_is_no_archive_is_not_unpickled(tmp_path):
    (tmp_path / "data_split.npz").write_bytes(b"\x80\x04garbage")
    with pytest.raises(ValueError, match=r"data_split\.npz cannot be read .*: get it again"):
        read_split(tmp_path / "data_split.npz")
