"""Waves through layers against closed forms: Fresnel, a single slab, energy, reciprocity, delay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmwave.simulation.transmission import (
    BAND_HZ,
    DIELECTRICS,
    WALLS,
    Dielectric,
    Layer,
    Wall,
    reflection_transmission,
    two_way_transmission,
)
from mmwave.waveform import SPEED_OF_LIGHT_MPS

F_HZ = 79e9
K = 2 * np.pi * F_HZ / SPEED_OF_LIGHT_MPS
POLARISATION = st.sampled_from(["te", "tm"])
ANGLE_RAD = st.floats(0.0, 1.5)


def constant(permittivity):
    return Dielectric.constant("test", permittivity)


LOSSLESS = st.lists(
    st.builds(Layer, st.floats(1.0, 12.0).map(constant), st.floats(1e-4, 0.05)),
    min_size=1,
    max_size=5,
)
LOSSY = st.lists(
    st.builds(
        Layer,
        st.builds(lambda a, b: constant(a - 1j * b), st.floats(1.0, 12.0), st.floats(0.0, 0.5)),
        st.floats(1e-4, 0.01),
    ),
    min_size=1,
    max_size=5,
)


def fresnel(permittivity, angle, polarisation):
    """Reflection of one face: of E across the plane of incidence, of E along the face."""
    cosine, inner = np.cos(angle), np.sqrt(permittivity - np.sin(angle) ** 2)
    if polarisation == "te":
        return (cosine - inner) / (cosine + inner)
    return (inner - permittivity * cosine) / (inner + permittivity * cosine)


def slab(permittivity, thickness_m, angle, polarisation):
    """Gamma and t of one slab by the sum over its inner reflections (Airy)."""
    r = fresnel(permittivity, angle, polarisation)
    pass_once = np.exp(-1j * K * thickness_m * np.sqrt(permittivity - np.sin(angle) ** 2))
    below = 1 - r**2 * pass_once**2
    return r * (1 - pass_once**2) / below, (1 - r**2) * pass_once / below


@pytest.mark.parametrize("polarisation", ["te", "tm"])
@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2])
def test_a_slab_too_thick_to_see_its_back_reflects_like_one_face(polarisation, angle):
    layers = [Layer(constant(4 - 0.8j), 0.1)]
    gamma, t = reflection_transmission(layers, F_HZ, angle, polarisation)
    assert gamma == pytest.approx(fresnel(4 - 0.8j, angle, polarisation), abs=1e-9)
    assert abs(t) < 1e-9


@given(
    st.floats(1.0, 10.0), st.floats(0, 0.5), st.floats(1e-4, 0.02), ANGLE_RAD, POLARISATION
)  # fmt: skip
def test_one_slab_is_airys_sum(real, loss, thickness_m, angle, polarisation):
    layers = [Layer(constant(real - 1j * loss), thickness_m)]
    found = reflection_transmission(layers, F_HZ, angle, polarisation)
    np.testing.assert_allclose(
        found, slab(real - 1j * loss, thickness_m, angle, polarisation), atol=1e-9
    )


def test_the_first_layer_is_the_one_the_wave_meets_first():
    lossy, glass = Layer(constant(4 - 0.8j), 0.1), Layer(constant(6.0), 0.0035)
    ahead, behind = (reflection_transmission(s, F_HZ)[0] for s in ([lossy, glass], [glass, lossy]))
    assert ahead == pytest.approx(fresnel(4 - 0.8j, 0.0, "te"), abs=1e-9)
    assert abs(behind - ahead) > 0.1


def test_half_a_wavelength_is_a_window_and_a_quarter_reflects_most():
    half_m = np.pi / (K * np.sqrt(6.0))
    glass = constant(6.0)
    gamma, t = reflection_transmission([Layer(glass, half_m)], F_HZ)
    assert abs(gamma) < 1e-12
    assert t == pytest.approx(-1, abs=1e-12)
    gamma, _ = reflection_transmission([Layer(glass, half_m / 2)], F_HZ)
    assert abs(gamma) == pytest.approx((6 - 1) / (6 + 1))


def test_parallel_polarisation_enters_unreflected_at_brewsters_angle():
    angle = np.arctan(np.sqrt(2.7))
    layers = [Layer(constant(2.7), 0.0123)]
    assert abs(reflection_transmission(layers, F_HZ, angle, "tm")[0]) < 1e-12
    assert abs(reflection_transmission(layers, F_HZ, angle, "te")[0]) > 0.3


def test_polarisations_agree_head_on_and_no_layers_are_nothing():
    layers = WALLS["plasterboard"]
    te, tm = (reflection_transmission(layers, BAND_HZ, 0.0, p) for p in ("te", "tm"))
    np.testing.assert_allclose(te, tm, atol=1e-12)
    np.testing.assert_allclose(reflection_transmission([], F_HZ, 0.7), (0, 1), atol=1e-12)
    assert two_way_transmission([]) == 1


@given(LOSSLESS, ANGLE_RAD, POLARISATION)
def test_without_loss_all_power_is_reflected_or_let_through(layers, angle, polarisation):
    gamma, t = reflection_transmission(layers, F_HZ, angle, polarisation)
    assert abs(gamma) ** 2 + abs(t) ** 2 == pytest.approx(1, abs=1e-8)


@given(LOSSY, ANGLE_RAD, POLARISATION)
def test_both_directions_let_the_same_through_and_make_no_power(layers, angle, polarisation):
    gamma, t = reflection_transmission(layers, F_HZ, angle, polarisation)
    backwards = reflection_transmission(layers[::-1], F_HZ, angle, polarisation)[1]
    assert backwards == pytest.approx(t, rel=1e-8, abs=1e-14)
    assert abs(gamma) ** 2 + abs(t) ** 2 <= 1 + 1e-9


@given(LOSSY, st.floats(0.05, 0.95), st.integers(0, 4), ANGLE_RAD, POLARISATION)
def test_cutting_a_layer_in_two_changes_nothing(layers, share, which, angle, polarisation):
    place = which % len(layers)
    whole = layers[place]
    parts = [Layer(whole.material, whole.thickness_m * s) for s in (share, 1 - share)]
    cut = [*layers[:place], *parts, *layers[place + 1 :]]
    np.testing.assert_allclose(
        reflection_transmission(cut, F_HZ, angle, polarisation),
        reflection_transmission(layers, F_HZ, angle, polarisation),
        atol=1e-8,
    )


def test_a_centimetre_more_of_a_lossy_slab_absorbs_as_its_conductivity_says():
    wood = DIELECTRICS["wood"]
    ts = [abs(reflection_transmission([Layer(wood, d)], F_HZ)[1]) for d in (0.10, 0.11)]
    conductivity = 0.0047 * 79**1.0718
    # weak loss: alpha = sigma / (2 c eps0 sqrt(eps_r)), 376.73 ohm = 1 / (c eps0)
    alpha = 376.73 * conductivity / (2 * np.sqrt(1.99))
    assert ts[1] / ts[0] == pytest.approx(np.exp(-alpha * 0.01), rel=5e-3)


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("name", ["plasterboard", "wood", "glass"])
def test_the_longer_path_is_the_slope_of_the_phase(name, angle):
    wall = Wall("thick", (Layer(DIELECTRICS[name], 0.08),))
    step_hz = 1e6
    middle_hz = BAND_HZ[len(BAND_HZ) // 2]
    _, t = reflection_transmission(
        wall.layers, middle_hz + np.array([-step_hz, step_hz]), angle, "te"
    )
    path_m = -np.angle(t[1] / t[0]) * SPEED_OF_LIGHT_MPS / (4 * np.pi * step_hz)
    air_m = wall.thickness_m * np.cos(angle)
    assert path_m - air_m == pytest.approx(float(wall.extra_path_m(angle)), rel=5e-3)


def test_a_stroll_through_air_is_no_longer_than_air():
    air = Wall("gap", (Layer(DIELECTRICS["air"], 0.3),))
    angles = np.linspace(0, 1.5, 7)
    assert air.extra_path_m(angles) == pytest.approx(0, abs=1e-15)
    assert air.two_way_transmission(angles) == pytest.approx(1)
    assert air.reflection(angles) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", WALLS)
def test_walls_tables_are_their_layers_and_the_loss_grows_with_the_angle(name):
    wall = Wall.named(name)
    angles = np.deg2rad([0.0, 11.1, 33.3, 57.7])
    exact = two_way_transmission(wall.layers, angles)
    assert wall.two_way_transmission(-angles) == pytest.approx(exact, rel=0.02)
    gamma = reflection_transmission(wall.layers, BAND_HZ, angles[:, None])[0]
    rms = np.sqrt(np.mean(np.abs(gamma) ** 2, axis=1))
    assert wall.reflection(angles) == pytest.approx(rms, abs=0.01)
    coarse = wall.two_way_transmission(np.deg2rad([0.0, 45.0, 75.0, 89.7]))
    assert np.all(np.diff(coarse) < 0)


def test_names_and_losses_of_the_walls():
    assert tuple(WALLS) == (
        "plasterboard", "double_plasterboard", "plywood", "wooden_door", "glass", "chipboard",
        "ceiling_board", "thick_plasterboard",
    )  # fmt: skip
    one_way_db = {n: -10 * np.log10(Wall.named(n).two_way_transmission()) for n in WALLS}
    assert all(3 < loss < 35 for loss in one_way_db.values())
    double, single = one_way_db["double_plasterboard"], one_way_db["plasterboard"]
    assert double == pytest.approx(single, abs=2)  # as much board, without a cavity
    assert one_way_db["wooden_door"] < one_way_db["chipboard"] < one_way_db["thick_plasterboard"]
    assert Wall.named("plasterboard").thickness_m == pytest.approx(0.1)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="thickness_m must be positive, got 0"):
        Layer(DIELECTRICS["wood"], 0.0)
    with pytest.raises(ValueError, match=r"permittivity_a must be at least 1, got 0\.5"):
        constant(0.5)
    with pytest.raises(ValueError, match="conductivity_c must not be negative"):
        constant(2 + 0.1j)
    with pytest.raises(ValueError, match="polarisation must be one of"):
        reflection_transmission([], F_HZ, 0.0, "both")
    with pytest.raises(ValueError, match="incidence_rad must be below pi/2"):
        Wall.named("glass").reflection(np.pi / 2)
    with pytest.raises(ValueError, match="wall must be one of"):
        Wall.named("none")
    with pytest.raises(ValueError, match="at least one layer"):
        Wall("empty", ())
