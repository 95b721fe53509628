"""Clothes over skin: what is let through, what is added, and how they look."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmwave.simulation.clothing import CLOTHINGS, GARMENTS
from mmwave.simulation.materials import MATERIAL_ID, MATERIALS
from mmwave.simulation.transmission import Dielectric, Layer

SKIN = MATERIALS[MATERIAL_ID["skin"]]
WORN = [garment for garment in GARMENTS.values() if garment.name != "none"]


def fabric(loss, thickness_m=0.003, backscatter_db=-np.inf):
    layer = Layer(Dielectric.constant("test", 1.3 - 1j * loss), thickness_m)
    return replace(GARMENTS["wool"], layers=(layer,), backscatter_db=backscatter_db)


def test_names_are_those_of_the_scenes():
    assert CLOTHINGS == ("none", "shirt", "fleece", "leather", "coat", "wool", "denim")


def test_without_clothes_skin_is_skin():
    assert GARMENTS["none"].transmission == 1.0
    assert GARMENTS["none"].face_gain(SKIN) == 1.0


@given(st.floats(0.0, 0.5), st.floats(0.01, 0.5))
def test_more_loss_less_skin(loss, more):
    less, most = fabric(loss + more), fabric(loss)
    assert less.face_gain(SKIN) < most.face_gain(SKIN) <= 1
    assert most.face_gain(SKIN) == pytest.approx(most.transmission)


@given(st.floats(-40.0, 0.0), st.floats(0.0, 0.3))
def test_the_powers_of_skin_and_fabric_add(backscatter_db, loss):
    garment = fabric(loss, backscatter_db=backscatter_db)
    skin = 10 ** (SKIN.diffuse_backscatter_db / 10)
    expected = garment.transmission**2 * skin + 10 ** (backscatter_db / 10)
    assert garment.face_gain(SKIN) ** 2 * skin == pytest.approx(expected)


def test_a_layer_twice_as_thick_loses_about_twice_as_much():
    one, two = (-20 * np.log10(fabric(0.1, d).transmission) for d in (0.02, 0.04))
    assert two / one == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("garment", WORN, ids=lambda garment: garment.name)
def test_clothes_are_nearly_transparent(garment):
    lost_db = -20 * np.log10(garment.transmission)
    assert 0.1 < lost_db < 4
    assert garment.backscatter_db < SKIN.diffuse_backscatter_db - 6
    assert -4 < 20 * np.log10(garment.face_gain(SKIN)) < 0.5


def test_leather_hides_most():
    assert min(GARMENTS.values(), key=lambda g: g.transmission).name == "leather"


@pytest.mark.parametrize("garment", GARMENTS.values(), ids=lambda garment: garment.name)
def test_a_look_is_one_of_its_colours_and_the_same_from_the_same_seed(garment):
    looks = np.array([garment.look(np.random.default_rng(seed)) for seed in range(60)])
    assert looks.shape == (60, 3)
    assert np.all((looks >= 0) & (looks <= 1))
    assert np.array_equal(looks[7], garment.look(np.random.default_rng(7)))
    away = np.linalg.norm(looks[:, None] - np.array(garment.colours), axis=2)
    assert np.median(away.min(axis=1)) < 0.15
    assert len(set(away.argmin(axis=1))) == len(garment.colours)


def test_no_two_kinds_of_clothes_look_alike():
    """Surface or colour tells every pair apart: a camera has something to go by."""
    for i, one in enumerate(WORN):
        for other in WORN[i + 1 :]:
            colours = np.array(one.colours)[:, None] - np.array(other.colours)
            surface = (
                np.log2(one.texture_scale_m / other.texture_scale_m),
                10 * (one.texture_contrast - other.texture_contrast),
                4 * (one.roughness - other.roughness),
                10 * np.linalg.norm(colours, axis=2).min(),
            )
            assert np.abs(surface).max() > 0.7, (one.name, other.name)


def test_what_cannot_be_is_refused():
    shirt = GARMENTS["shirt"]
    with pytest.raises(ValueError, match=r"shirt: roughness must be in 0..1, got 1\.5"):
        replace(shirt, roughness=1.5)
    with pytest.raises(ValueError, match=r"colours\[0\]\[0\] must be in 0..1, got 255"):
        replace(shirt, colours=((255, 0, 0),))
    with pytest.raises(ValueError, match="at least one"):
        replace(shirt, colours=())
    with pytest.raises(ValueError, match="texture_scale_m must be positive"):
        replace(shirt, texture_scale_m=0.0)
