"""A lens bends images as OpenCV's does."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rexo_ros.camera import MMVR_CAMERA, Camera
from rexo_ros.lens import STRAIGHT, bent, reach_of

LENSES = st.tuples(*(st.floats(-0.1, 0.1) for _ in range(5)))


@given(LENSES, st.integers(0, 1000))
def test_within_the_image_it_is_opencvs(lens, seed):
    camera = Camera(lens=lens)
    rng = np.random.default_rng(seed)
    depth = rng.uniform(1, 7, (40, 1))
    seen = np.hstack([rng.uniform([-0.8, -0.6], [0.8, 0.6], (40, 2)) * depth, depth])
    points = seen * [1, -1, 1]  # the room's axes go up
    matrix = np.array([[380.0, 0, 320], [0, 380, 240], [0, 0, 1]])
    expected, _ = cv2.projectPoints(seen, np.zeros(3), np.zeros(3), matrix, np.array(lens))
    np.testing.assert_allclose(camera.project(points), expected[:, 0], atol=1e-6)


def test_without_coefficients_nothing_is_bent():
    x, y = np.random.default_rng(0).normal(0, 2, (2, 50))
    np.testing.assert_array_equal(bent(x, y, STRAIGHT, 1.0), [x, y])


@given(LENSES, st.floats(0, 6.2))
def test_what_is_far_outside_stays_outside(lens, angle):
    reach = reach_of((380.0, 380.0), (320.0, 240.0), (640, 480))
    share = np.geomspace(1.0, 50.0, 30) * reach
    x, y = bent(share * np.cos(angle), share * np.sin(angle), lens, reach)
    away = np.hypot(x, y)
    assert (np.diff(away) > 0).all()


def test_slopes_are_finite_in_the_middle():
    x, y = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    sum(bent(x, y, MMVR_CAMERA.lens, 1.0)).sum().backward()
    assert torch.isfinite(x.grad).all()
    assert float(x.grad) == pytest.approx(1, abs=1e-5)


def test_a_lens_that_is_none_is_refused():
    with pytest.raises(ValueError, match="lens must be five finite coefficients"):
        Camera(lens=(np.nan, 0, 0, 0, 0))
    with pytest.raises(ValueError, match="focal_px"):
        Camera(focal_px=(0.0, 1.0))
