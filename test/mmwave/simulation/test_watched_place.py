"""Places that are watched, and what a radar that watches them receives."""

from dataclasses import replace

import numpy as np
import pytest

from mmwave.simulation.clothing import GARMENTS
from mmwave.simulation.fmcw import PLANE
from mmwave.simulation.receiver import LinkBudget
from mmwave.simulation.transmission import Wall
from mmwave.simulation.watch_radar import RADAR_HEIGHT_M, WatchRadar
from mmwave.simulation.watched_drawing import NEW_CLOTHES, NEW_WALLS, SEEN_WALLS, draw_place
from mmwave.spectrum import as_complex, range_spectrum
from mmwave.waveform import Waveform

WAVEFORM = Waveform(
    slope_hz_per_s=70e12,
    sample_rate_hz=2.517e6,
    samples_per_chirp=128,
    ramp_end_s=56e-6,
    idle_s=66e-6,
    loops_per_frame=16,
    frame_period_s=0.1,
)
SEEDS = range(300, 306)


@pytest.mark.parametrize("watch", ["weapon", "intruder", "fall"])
def test_the_same_seed_is_the_same_place_and_the_anomaly_changes_nothing_else(watch):
    one, again, other = (draw_place(watch, 301, bad, 3.0) for bad in (False, False, True))
    for scene in (again, other):
        np.testing.assert_array_equal(one.before.vertices_m, scene.before.vertices_m)
        np.testing.assert_array_equal(one.behind.vertices_m, scene.behind.vertices_m)
        np.testing.assert_array_equal(one.face_colour, scene.face_colour)
        assert one.garment == scene.garment
        assert one.wall_name == scene.wall_name
    assert not any(one.anomalous_at(0.1 * step) for step in range(30))
    assert any(other.anomalous_at(0.1 * step) for step in range(30))


@pytest.mark.parametrize("watch", ["weapon", "intruder"])
def test_nothing_is_there_before_its_time(watch):
    place = draw_place(watch, 302, True, 6.0, anomaly_from_s=3.0)
    assert [place.anomalous_at(time_s) for time_s in (0.0, 2.9, 3.0, 5.9)] == [0, 0, 1, 1]
    assert np.isnan(place.anomaly_m(1.0)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_who_falls_does_something_normal_first_and_lies_in_the_end(seed):
    place = draw_place("fall", seed, True, 4.8)
    activities = [place.resident.activity(0.1 * step) for step in range(48)]
    assert activities[0] not in ("fall", "lie")
    assert activities[-1] == "lie"
    assert place.resident.centre_m(4.7)[2] < 0.4 < place.resident.centre_m(0.0)[2]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("watch", ["intruder", "fall"])
def test_people_behind_the_wall_are_behind_it_and_in_reach(watch, seed):
    place = draw_place(watch, seed, True, 4.0)
    for time_s in np.arange(0, 4, 0.5):
        body = place.resident.scene(float(time_s)).vertices_m
        assert body[:, 0].min() > place.wall_m + place.wall.thickness_m
        right, ahead = place.anomaly_m(float(time_s))
        if np.isfinite(right):
            assert np.hypot(right, ahead) < 5.39


def test_clothes_and_walls_are_those_asked_for():
    for seed in SEEDS:
        place = draw_place("fall", seed, False, 3.0, NEW_CLOTHES, NEW_WALLS)
        assert place.wall_name in NEW_WALLS
        assert place.wall_name not in SEEN_WALLS
        assert place.garment.name in NEW_CLOTHES


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="weapon, intruder, fall, got 'flood'"):
        draw_place("flood", 1, False, 3.0)
    with pytest.raises(ValueError, match="seed must not be negative, got -4"):
        draw_place("fall", -4, False, 3.0)


def difference(place, without, time_s=0.5):
    """Range profile of what only the first place returns; noise and leakage are the same."""
    one, other = (WatchRadar(each, WAVEFORM, 5).frame(time_s, 0) for each in (place, without))
    spectra = range_spectrum(as_complex(one) - as_complex(other))
    return np.abs(spectra.mean(axis=0)).mean(axis=0)


def test_hidden_objects_answer_from_where_they_are():
    seen = 0
    for seed in SEEDS:
        place = draw_place("weapon", seed, True, 2.0)
        profile = difference(place, replace(place, hidden=None))
        right, ahead = place.anomaly_m(0.5)
        height = place.concealed_at(0.5)[0].centre_m[:, 2].mean() - RADAR_HEIGHT_M
        expected = np.linalg.norm([right, ahead, height]) / WAVEFORM.range_bin_m
        if profile.max() >= 1.0:  # else it is turned to where the radar gets nothing of it
            seen += 1
            assert abs(profile.argmax() - expected) < 3.5
    assert seen >= len(SEEDS) - 1


def test_clothes_weaken_what_is_under_them_as_their_layers_say():
    place = draw_place("weapon", 304, True, 2.0)
    bare, coat = (
        difference(dressed, replace(dressed, hidden=None))
        for dressed in (replace(place, garment=GARMENTS[name]) for name in ("none", "leather"))
    )
    at = bare.argmax()
    assert coat[at] / bare[at] == pytest.approx(GARMENTS["leather"].transmission, rel=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_intruder_answers_from_behind_the_wall(seed):
    place = draw_place("intruder", seed, True, 2.0)
    profile = difference(place, replace(place, resident=None))
    start = int(place.wall_m / WAVEFORM.range_bin_m) - 3
    assert profile[:start].max(initial=0) < 0.2 * profile[start:].max()


def test_what_is_behind_is_weakened_and_delayed_by_the_layers_and_nothing_in_front():
    place = draw_place("intruder", 303, True, 2.0)
    thin, thick = (
        WatchRadar(replace(place, wall=Wall.named(name)), WAVEFORM, 5).scatterers(0.5)
        for name in ("wooden_door", "plasterboard")
    )
    face = place.wall_m + 0.01
    one, other = (found.position_m[found.kind != PLANE, 0] for found in (thin, thick))
    np.testing.assert_array_equal(one[one < face], other[other < face])
    weak, strong = (
        np.sum(found.strength[found.position_m[:, 0] > face + 0.4] ** 2) for found in (thick, thin)
    )
    assert weak < strong


def test_a_wall_of_no_loss_and_no_delay_is_as_if_it_were_not_there():
    place = draw_place("intruder", 305, True, 2.0)

    class Air:
        thickness_m = place.wall.thickness_m

        def two_way_transmission(self, incidence_rad=0.0):
            return np.ones(np.shape(incidence_rad))

        def extra_path_m(self, incidence_rad=0.0):
            return np.zeros(np.shape(incidence_rad))

        def reflection(self, incidence_rad=0.0):
            return np.zeros(np.shape(incidence_rad))

    radar = WatchRadar(replace(place, wall=Air()), WAVEFORM, 5)
    whole = radar._seen(radar._whole, 0.5)
    through = radar._behind(whole)
    kept = whole.position_m[:, 0] > place.wall_m + place.wall.thickness_m + 2e-3
    np.testing.assert_allclose(through.position_m, whole.position_m[kept], atol=1e-9)
    np.testing.assert_array_equal(through.strength, whole.strength[kept])


def test_frames_are_repeatable_and_differ_in_noise():
    place = draw_place("fall", 300, False, 2.0)
    radar = WatchRadar(place, WAVEFORM, 9, LinkBudget())
    first = radar.frame(0.2, 1)
    np.testing.assert_array_equal(first, WatchRadar(place, WAVEFORM, 9).frame(0.2, 1))
    assert np.any(first != radar.frame(0.2, 2))
    assert first.shape == (16, 8, 128, 2)
    assert first.dtype == np.int16
