import dataclasses

import numpy as np
import pytest
from fake_scenes import PERSON_M, WALL_M, scenes, spectrum_db

from mmanomaly_ros.learning.comparator_task import scene_of
from mmanomaly_ros.learning.pastes import (
    MOVING,
    WHOLE,
    added_to,
    body_elsewhere,
    fall,
    hidden_object,
    intruder,
    occupant_cell,
    pasted,
    person_cell,
    place_behind,
)
from mmanomaly_ros.learning.point_spread import (
    beam_response,
    doppler_gain,
    doppler_response,
    range_response,
    speed_step_mps,
)
from mmanomaly_ros.spectrum import SpectrumMaker, speeds_mps
from mmanomaly_ros.watch import TASKS, cell_of, position_of

SAMPLES = scenes(count=2)


def of_watch(name):
    return scene_of(SAMPLES, 2 * TASKS.index(name))


def test_hann_falls_to_a_half_beside_the_middle_and_to_nothing_beyond():
    response = np.abs(range_response([40.0]))[0]
    np.testing.assert_allclose(response[38:43], [0, 0.5, 1, 0.5, 0], atol=1e-6)


def test_a_reflector_looks_as_the_spectra_make_it():
    maker = SpectrumMaker(noise_counts=1.0)
    wave = maker.waveform
    row, sine = 50.3, 0.31
    speed = 5 * speed_step_mps()
    sample = np.arange(wave.samples_per_chirp) / wave.samples_per_chirp
    loop_s = np.arange(wave.loops_per_frame) * wave.loop_interval_s
    delay_s = np.repeat(wave.transmitter_offsets_s, wave.receivers)
    time_s = loop_s[:, None] + delay_s
    # e^{+j 4 pi d / lambda}: what moves away turns forwards
    turn = np.exp(4j * np.pi * speed * time_s / wave.wavelength_m)
    antenna = np.exp(-1j * np.pi * np.arange(8) * sine)
    frame = 15 * (turn * antenna)[..., None] * np.exp(2j * np.pi * row * sample)
    found = 10 ** (maker(frame.astype(np.complex64), 0.0) / 10)
    shape = np.abs(range_response([row]).T @ beam_response([sine])) ** 2
    near = shape > 1e-2
    moving = found[MOVING] / found[MOVING].max()
    np.testing.assert_allclose(moving[near], (shape / shape.max())[near], rtol=0.05)
    profile = doppler_response([speed])[0]
    doppler = found[2, 50] / found[2, 50].max()
    np.testing.assert_allclose(doppler, profile / profile.max(), atol=0.02)
    gain = found[2].max() / found[MOVING].max()
    assert gain == pytest.approx(doppler_gain(), rel=0.05)


def test_speeds_beyond_the_last_come_round():
    speeds = speeds_mps()
    beyond = speeds[-1] + speed_step_mps()
    assert doppler_response([beyond])[0].argmax() == 0
    assert doppler_response([speeds[40]])[0].argmax() == 40


@pytest.mark.parametrize("watch", TASKS)
def test_pastes_only_add_power_and_the_mask_is_where_it_rose(watch):
    scene = of_watch(watch)
    other = of_watch("weapon")
    shown = 0
    for seed in range(20):
        found = pasted(scene, other, np.random.default_rng(seed))
        rise = found.measured_db - scene.measured_db
        assert rise.min() > -1e-4
        risen = (rise[WHOLE] >= 3) | (rise[MOVING] >= 3)
        assert not (found.mask & ~risen).any()
        assert found.visible == bool((rise >= 3).any() and found.measured_db[rise >= 3].max() >= 3)
        shown += found.mask.any()
    assert shown >= 15


def test_nothing_added_is_nothing_found():
    scene = of_watch("weapon")
    found = added_to(scene, np.zeros_like(scene.power))
    assert not found.mask.any()
    assert not found.visible
    np.testing.assert_allclose(found.measured_db, scene.measured_db, atol=1e-4)


def test_the_person_is_where_camera_and_radar_agree():
    for watch in TASKS:
        scene = of_watch(watch)
        found = position_of(*person_cell(scene), scene.range_bin_m)
        assert np.hypot(*(found - PERSON_M)) < 0.15


def test_what_moves_where_the_camera_sees_nothing_is_no_person():
    scene = of_watch("weapon")
    elsewhere = spectrum_db(np.random.default_rng(0), (-1.2, 2.0)).astype(np.float32)
    assert person_cell(dataclasses.replace(scene, measured_db=elsewhere)) is None


def test_an_occupant_is_found_behind_the_wall_only():
    scene = of_watch("fall")
    assert occupant_cell(scene) is None
    behind = spectrum_db(np.random.default_rng(0), (0.5, 3.2)).astype(np.float32)
    found = occupant_cell(dataclasses.replace(scene, measured_db=behind))
    position = position_of(*found, scene.range_bin_m)
    assert np.hypot(*(position - (0.5, 3.2))) < 0.2


def test_an_object_is_on_the_person():
    scene = of_watch("weapon")
    for seed in range(10):
        added = hidden_object(scene, np.random.default_rng(seed))
        cell = np.unravel_index(added[WHOLE].argmax(), added[WHOLE].shape)
        assert np.hypot(*(position_of(*cell, scene.range_bin_m) - PERSON_M)) < 0.5


def test_intruders_and_falls_are_behind_the_wall():
    scene = of_watch("intruder")
    for seed in range(40):
        row, sine = place_behind(scene, np.random.default_rng(seed))
        depth_m = row * scene.range_bin_m * np.sqrt(1 - sine**2)
        assert WALL_M + 0.3 < depth_m < 5.2
    rows, _ = np.mgrid[:128, :64]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        added = fall(scene, rng) if seed % 2 else intruder(scene, of_watch("weapon"), rng)
        middle = (added[WHOLE] * rows).sum() / added[WHOLE].sum()
        assert middle * scene.range_bin_m > WALL_M


def test_a_body_is_taken_along_with_its_speeds():
    other = of_watch("weapon")
    row, column = cell_of((0.0, 3.6), other.range_bin_m)
    for seed in range(4):
        body = body_elsewhere(other, float(row), 0.0, np.random.default_rng(seed))
        found = np.unravel_index(body[MOVING].argmax(), body[MOVING].shape)
        assert abs(found[0] - row) <= 2
        assert abs(found[1] - column) <= 3
        assert abs(int(body[2].max(axis=1).argmax()) - row) <= 2
        assert body[2].max(axis=0).argmax() in (30, 34)
    nobody = dataclasses.replace(other, pose=0)
    assert body_elsewhere(nobody, float(row), 0.0, np.random.default_rng(0)) is None
