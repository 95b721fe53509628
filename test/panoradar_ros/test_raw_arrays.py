"""PanoRadar's raw layout, in the variants its users may hold."""

import numpy as np
import pytest

from mmwave.dca1000 import PositionBlock
from mmwave.waveform import Waveform
from panoradar_ros.commands.raw_arrays import raw_array_items
from panoradar_ros.commands.sources import SourceError, rotations_from

WAVEFORM = Waveform()
TURN_S = 0.5
START_S = 1_700_000_000.0


class Folder:
    """A recording at an even rate of positions, 2 rev/s; tests replace single files."""

    def __init__(self, path, frames, loops, position_s=500e-6):
        path.mkdir()
        self.path, self.frames, self.loops = path, frames, loops
        rng = np.random.default_rng(4)
        self.counts = rng.integers(-2000, 2000, (frames * loops, 8, 256, 2), dtype=np.int16)
        self.position_s = START_S + position_s * np.arange(frames * loops)
        self.starts = np.arange(0, frames * loops, round(TURN_S / position_s))
        self.write_samples(1.0)
        self.write_stamps(self.position_s[::loops])
        np.savez(path / "data_params.npz", radar_sep=self.starts, r_radar=0.08)

    @property
    def samples(self):
        positions = self.counts[..., 0] + 1j * self.counts[..., 1]
        return positions.reshape(self.frames, 2 * self.loops, 4, 256).astype(np.complex64)

    def write_samples(self, divisor):
        np.save(self.path / "radar_data.npy", self.samples / np.float32(divisor))

    def write_stamps(self, stamps):
        np.savetxt(self.path / "radar_ts.txt", stamps, "%.9f")

    def check(self, **options):
        rotations = list(rotations_from(self.path, **options))
        assert rotations
        for rotation in rotations:
            at = (self.counts[:, 0, 0] == rotation.samples[0, 0, 0]).all(axis=1)
            start = int(np.flatnonzero(at)[0])
            used = slice(start, start + len(rotation.samples))
            np.testing.assert_array_equal(rotation.samples, self.counts[used])
            assert rotation.valid.all()
            time_s = rotation.reference_ns * 1e-9 + rotation.time_s
            np.testing.assert_allclose(time_s, self.position_s[used], atol=2e-6)
            true_rad = rotation.direction * 4 * np.pi * (self.position_s[used] - START_S)
            assert np.abs(rotation.azimuth_rad - true_rad).max() < np.deg2rad(0.3)
        return rotations


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "exp20240101-000", 125, 20)


@pytest.mark.parametrize("loops", [1, 20, 100])
def test_any_number_of_loops_in_a_frame(tmp_path, loops):
    rotations = Folder(tmp_path / "recording", 2500 // loops, loops).check()
    waveform = rotations[0].waveform
    assert waveform.loops_per_frame == loops
    assert waveform.frame_period_s == pytest.approx(loops * 500e-6, rel=1e-3)
    assert waveform.loop_interval_s == pytest.approx(500e-6, rel=1e-3)
    assert waveform.slope_hz_per_s == WAVEFORM.slope_hz_per_s


def test_one_stamp_for_every_position(folder):
    folder.write_stamps(folder.position_s)
    folder.check()


def test_stamps_of_positions_with_gaps_between_frames(folder):
    frame, loop = np.divmod(np.arange(2500), 20)
    folder.position_s = START_S + frame * 10e-3 + loop * 400e-6
    folder.write_stamps(folder.position_s)
    waveform = folder.check()[0].waveform
    assert waveform.loop_interval_s == pytest.approx(400e-6, rel=1e-3)
    assert waveform.frame_period_s == pytest.approx(10e-3, rel=1e-3)


def test_late_and_early_stamps_neither_overlap_nor_make_frames(folder):
    late_s = np.random.default_rng(1).uniform(0, 2e-3, folder.frames)
    folder.write_stamps(folder.position_s[::20] + late_s)
    for rotation in rotations_from(folder.path):
        assert rotation.valid.all()


@pytest.mark.parametrize("divisor", [1, 32768])
def test_counts_and_scaled_samples(folder, divisor):
    folder.write_samples(divisor)
    folder.check()


def test_the_ends_of_the_scale(folder):
    folder.counts[0, 0, 0] = [-32768, 32767]
    folder.write_samples(32768)
    items = raw_array_items(folder.path, WAVEFORM)
    block = next(item for item in items if isinstance(item, PositionBlock))
    assert block.samples[0, 0, 0].tolist() == [-32768, 32767]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (np.nan, "must hold finite samples"),
        (complex(0, np.inf), "must hold finite samples"),
        (40000.0, r"must hold ADC counts \(-32768 to 32767\).* to 40000"),
    ],
)
def test_samples_that_no_converter_gave_are_refused(folder, value, problem):
    data = folder.samples
    data[7, 3, 2, 1] = value
    np.save(folder.path / "radar_data.npy", data)
    with pytest.raises(SourceError, match=rf"radar_data.npy {problem}"):
        list(rotations_from(folder.path))


def test_the_turntable_turns_as_one_is_told(folder):
    assert {one.direction for one in folder.check()} == {1}
    assert {one.direction for one in folder.check(direction=-1)} == {-1}
    # a key that the layout does not have says nothing
    np.savez(folder.path / "data_params.npz", radar_sep=folder.starts, direction=-1)
    assert {one.direction for one in folder.check()} == {1}


def test_a_missing_key_is_named_beside_those_that_are_there(folder):
    np.savez(folder.path / "data_params.npz", r_radar=0.08, lidar_sep=[1, 2])
    with pytest.raises(SourceError, match=r"data_params.npz .*radar_sep.* r_radar, lidar_sep"):
        list(rotations_from(folder.path))


@pytest.mark.parametrize(
    ("starts", "problem"),
    [
        ([5], "two turns or more"),
        ([0, 1000, 900], "must increase within 0 to 2500"),
        ([0, 1000, 2600], "must increase within 0 to 2500.*2600"),
    ],
)
def test_turns_that_do_not_fit_the_samples(folder, starts, problem):
    np.savez(folder.path / "data_params.npz", radar_sep=starts)
    with pytest.raises(SourceError, match=problem):
        list(rotations_from(folder.path))


@pytest.mark.parametrize(
    ("stamps", "problem"),
    [
        (np.arange(124), r"125 times \(one a frame\) or 2500 \(one a position.*got 124"),
        (np.r_[0:60, 58, 61:125] * 0.01, "line 61 does not"),
        (np.full(125, np.nan), "must be finite and increase"),
        (np.arange(125) * 1e-3, "are the times seconds"),
    ],
)
def test_stamps_that_do_not_fit_the_samples(folder, stamps, problem):
    folder.write_stamps(stamps)
    with pytest.raises(SourceError, match=rf"radar_ts.txt.*{problem}"):
        list(rotations_from(folder.path))


@pytest.mark.parametrize(
    ("shape", "kind", "problem"),
    [
        ((2, 128, 3, 256), np.complex64, r"must be \(frame, chirp, 4, 256\), got \(2, 128, 3"),
        ((2, 7, 4, 256), np.complex64, "multiple of 2 chirps"),
        ((0, 128, 4, 256), np.complex64, "with frames"),
        ((2, 128, 4, 256), np.float32, "must hold complex samples, got float32"),
    ],
)
def test_arrays_of_another_shape(folder, shape, kind, problem):
    np.save(folder.path / "radar_data.npy", np.zeros(shape, kind))
    with pytest.raises(SourceError, match=rf"radar_data.npy .*{problem}"):
        list(rotations_from(folder.path))


@pytest.mark.parametrize("name", ["data_params.npz", "radar_ts.txt"])
def test_missing_and_damaged_files_are_named(folder, name):
    (folder.path / name).write_text("not what it should be")
    with pytest.raises(SourceError, match=f"{name} cannot be read"):
        list(rotations_from(folder.path))
    (folder.path / name).unlink()
    with pytest.raises(SourceError, match=f"{name} is missing"):
        list(rotations_from(folder.path))
