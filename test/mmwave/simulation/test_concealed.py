"""Hidden objects against physical optics' closed forms: plate, cylinder, mirror."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmwave.simulation.concealed import (
    CERAMIC,
    LONGEST_SIDE_M,
    OBJECTS,
    PLASTIC,
    Facets,
    bar,
    box,
    cylinder,
    knife,
    pistol,
    plate,
    posed,
    root_cross_section,
    scatterers,
    split,
)
from mmwave.simulation.fmcw import AntennaTrack, Scatterers, synthesize_direct
from mmwave.waveform import AntennaArray, Waveform

WAVEFORM = Waveform()
ARRAY = AntennaArray()
LAMBDA_M = WAVEFORM.wavelength_m
FAR_M = 2000.0


def about_y(angle_rad):
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])


def echo(facets, radar_m):
    """Coherent sum, its phase relative to the distance of the origin."""
    strength, phase_rad = root_cross_section(facets, radar_m, LAMBDA_M)
    distance = np.linalg.norm(facets.centre_m - radar_m, axis=1) - np.linalg.norm(radar_m)
    return np.sum(strength * np.exp(1j * (4 * np.pi * distance / LAMBDA_M + phase_rad)))


def cross_section_db(facets, radar_m):
    return 20 * np.log10(abs(echo(facets, np.asarray(radar_m, float))))


def direction(angle_rad, distance_m=FAR_M):
    return distance_m * np.array([np.sin(angle_rad), 0, np.cos(angle_rad)])


@pytest.mark.parametrize("reflection", [1.0, CERAMIC])
def test_a_plate_seen_head_on(reflection):
    found = cross_section_db(plate(0.15, 0.08, reflection), direction(0.0))
    expected = 4 * np.pi * (0.15 * 0.08) ** 2 / LAMBDA_M**2 * reflection**2
    assert found == pytest.approx(10 * np.log10(expected), abs=0.01)


def test_a_ceramic_plate_is_six_decibels_darker():
    assert pytest.approx(0.51, abs=0.005) == CERAMIC


@given(st.floats(-1.2, 1.2), st.booleans())
def test_off_normal_a_plate_has_the_pattern_of_the_whole(angle, from_behind):
    width, height = 0.06, 0.04
    radar_m = direction(angle) * [1, 1, -1 if from_behind else 1]
    # a thousandth of the greatest is asked for: nulls are where small errors are everything
    greatest = np.sqrt(4 * np.pi) * width * height / LAMBDA_M
    expected = greatest * np.cos(angle) * np.sinc(2 * width / LAMBDA_M * np.sin(angle))
    found = echo(plate(width, height), radar_m) / np.exp(0.5j * np.pi)
    assert found == pytest.approx(expected, abs=2e-3 * greatest)


@pytest.mark.parametrize("radius_m", [0.006, 0.015, 0.03])
def test_a_cylinder_seen_from_the_side(radius_m):
    facets = cylinder(radius_m, 0.2)
    for angle in (0.0, 0.31, 2.0):
        radar_m = FAR_M * np.array([0, np.cos(angle), np.sin(angle)])
        expected = 2 * np.pi * radius_m * 0.2**2 / LAMBDA_M
        assert cross_section_db(facets, radar_m) == pytest.approx(10 * np.log10(expected), abs=1.0)


@given(
    st.floats(0.002, 0.012), st.floats(0.002, 0.012), st.floats(-1.4, 1.4), st.floats(-1.0, 1.0),
    st.integers(1, 4), st.integers(1, 4),
)  # fmt: skip
def test_cutting_facets_does_not_change_their_sum(width, height, angle, roll, across_a, across_b):
    whole = posed(plate(width, height), (0, 0, 0), about_y(roll))
    radar_m = direction(angle)
    scale = np.sqrt(4 * np.pi) * width * height / LAMBDA_M
    parts = split(whole, across_a, across_b)
    assert parts.area_m2.sum() == pytest.approx(whole.area_m2.sum())
    assert echo(parts, radar_m) == pytest.approx(echo(whole, radar_m), abs=1e-4 * scale)


def test_facets_are_fine_enough_for_the_near_field():
    """Twice as fine facets at the shortest distance of a watch give the same echo, to 0.3 dB."""
    radar_m = np.array([0.02, -0.03, 1.2])
    for facets in (plate(0.12, 0.08), pistol()):
        coarse, fine = echo(facets, radar_m), echo(split(facets, 2, 2), radar_m)
        assert coarse == pytest.approx(fine, rel=0.03)


def test_a_wide_plate_is_the_simulators_mirror():
    """With edges that fade out, a plate answers like its image: sqrt(pi) R at phase pi."""
    distance_m, fade_m = 1.5, 0.12
    sheet = plate(1.2, 1.2)
    beside = np.hypot(sheet.centre_m[:, 0], sheet.centre_m[:, 1])
    faded = replace(sheet, reflection=np.exp(-((beside / fade_m) ** 2)))
    found = echo(faded, np.array([0.0, 0.0, distance_m]))
    assert abs(found) == pytest.approx(np.sqrt(np.pi) * distance_m, rel=0.02)
    assert abs(np.angle(-found)) < 0.1


def test_details_add_their_cross_section_where_the_smooth_object_is_dark():
    sheet = plate(0.15, 0.08)
    angles = np.deg2rad(np.linspace(20, 40, 200))
    powers = []
    for angle in angles:
        radar_m = direction(angle)
        strength, phase_rad = root_cross_section(sheet, radar_m, LAMBDA_M, detail_db=3.0)
        distance = np.linalg.norm(sheet.centre_m - radar_m, axis=1) - FAR_M
        phasor = strength * np.exp(1j * (4 * np.pi * distance / LAMBDA_M + phase_rad))
        powers.append(abs(phasor.sum()) ** 2 / np.cos(angle) ** 2)
    expected_db = 10 * np.log10(0.15 * 0.08) + 3.0
    assert 10 * np.log10(np.mean(powers)) == pytest.approx(expected_db, abs=1.5)
    again = root_cross_section(sheet, radar_m, LAMBDA_M, detail_db=3.0)
    assert np.array_equal(strength, again[0])
    assert np.array_equal(phase_rad, again[1])


def test_what_faces_away_sends_nothing():
    front = box((0.1, 0.1, 0.1))
    strength, _ = root_cross_section(front, np.array([0, 0, 3.0]), LAMBDA_M)
    facing = front.normal[:, 2] > 0.5
    assert np.all(strength[facing] > 0)
    assert not strength[~facing].any()
    assert len(scatterers(front, (0, 0, 3.0), LAMBDA_M)) == facing.sum()


def test_turning_object_and_radar_together_changes_nothing():
    turn = about_y(0.7) @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    shift, radar_m = np.array([0.4, -0.2, 1.0]), np.array([0.3, 0.2, 2.0])
    before = root_cross_section(pistol(), radar_m, LAMBDA_M)
    moved = posed(pistol(), shift, turn)
    after = root_cross_section(moved, turn @ radar_m + shift, LAMBDA_M)
    np.testing.assert_allclose(after[0], before[0], atol=1e-12)


@pytest.mark.parametrize("shape", [box((0.1, 0.06, 0.03)), bar((0.1, 0.04, 0.03), 0.008)])
def test_solids_look_outwards_all_around(shape):
    assert np.all(np.sum(shape.centre_m * shape.normal, axis=1) > 0)
    closed = np.sum(shape.normal * shape.area_m2[:, None], axis=0)
    assert closed == pytest.approx(0, abs=1e-12)


def test_area_of_a_box_and_a_cylinder():
    assert box((0.1, 0.06, 0.03)).area_m2.sum() == pytest.approx(2 * (60 + 30 + 18) * 1e-4)
    assert cylinder(0.02, 0.3).area_m2.sum() == pytest.approx(2 * np.pi * 0.02 * 0.3)


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_fit_under_clothes_and_are_cut_small(name):
    facets = OBJECTS[name]()
    size_m = np.ptp(facets.centre_m, axis=0)
    assert 0.14 < size_m.max() + LONGEST_SIDE_M < 0.31 or name == "box"
    assert size_m[2] <= 0.031
    for side in (facets.side_a, facets.side_b):
        assert np.linalg.norm(side, axis=1).max() <= LONGEST_SIDE_M + 1e-12
    assert len(facets) < 1000
    strong_db = cross_section_db(facets, direction(0.0, 2.0))
    assert -35 < strong_db < 18


def test_rounded_edges_keep_a_turned_pistol_visible():
    """A plate of a pistol's outline turned by 35 degrees about its barrel's axis vanishes."""
    angle = np.deg2rad(35.0)
    radar_m = 2.0 * np.array([0, np.sin(angle), np.cos(angle)])
    seen_db = cross_section_db(pistol(), radar_m)
    assert seen_db > cross_section_db(plate(0.18, 0.036), radar_m) + 6


def test_a_ceramic_blade_keeps_its_plastic_handle():
    metal, ceramic = knife(), knife(CERAMIC)
    handle = metal.reflection == PLASTIC
    assert 0 < handle.sum() < len(metal)
    assert np.array_equal(ceramic.reflection[handle], metal.reflection[handle])
    assert np.all(ceramic.reflection[~handle] == CERAMIC)


def test_through_the_simulator_a_plate_is_a_point_of_its_cross_section():
    """The radar looks along x; the plate, turned to face it, is 9 m away: its far field."""
    facing_x = np.array([[0, 0, -1.0], [-1, 0, 0], [0, 1, 0]])
    sheet = posed(plate(0.06, 0.04), (9.0, 0.0, 0.0), facing_x)
    shape = (1, WAVEFORM.transmitters)
    track = AntennaTrack(np.zeros(shape), np.zeros((*shape, 3)), np.zeros(shape), np.zeros(1))
    gain = 0.5
    found = synthesize_direct(
        scatterers(sheet, np.zeros(3), LAMBDA_M, gain=gain), track, WAVEFORM, ARRAY
    )
    equal = 4 * np.pi * (0.06 * 0.04) ** 2 / LAMBDA_M**2 * gain**2
    point = synthesize_direct(
        Scatterers.points(np.array([9.0, 0, 0]), equal), track, WAVEFORM, ARRAY
    )
    window = np.hanning(WAVEFORM.samples_per_chirp)
    peaks = [np.abs(np.fft.fft(x[0, 3] * window)).max() for x in (found, point)]
    assert 20 * np.log10(peaks[0] / peaks[1]) == pytest.approx(0, abs=0.2)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="rotation must be"):
        posed(plate(0.1, 0.1), (0, 0, 0), np.diag([1.0, 1, -1]))
    with pytest.raises(ValueError, match="wavelength_m must be positive, got 0"):
        root_cross_section(plate(0.1, 0.1), (0, 0, 1), 0)
    with pytest.raises(ValueError, match="sides must be longer than 0 m"):
        plate(0.0, 0.1)
    with pytest.raises(ValueError, match=r"reflection must be in 0..1, got 1\.5"):
        plate(0.1, 0.1, 1.5)
    with pytest.raises(ValueError, match=r"rounding_m must be in 0\.\.0\.015 m, got 0\.02"):
        bar((0.1, 0.05, 0.03), 0.02)
    sheet = plate(0.01, 0.01)
    with pytest.raises(ValueError, match="right-handed"):
        replace(sheet, normal=-sheet.normal)
    with pytest.raises(ValueError, match="side_a must hold 2 facets"):
        Facets(sheet.centre_m, sheet.normal, sheet.side_a[:1], sheet.side_b, sheet.reflection)
