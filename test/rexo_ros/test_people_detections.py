"""Double boxes are dropped; the surest first; metres and the image."""

import numpy as np

from rexo_ros.camera import MOUNTED_CAMERA
from rexo_ros.detections import Detections, apart, detections
from rexo_ros.diffusion import Answer
from rexo_ros.space import Space, low_and_high

SPACE = Space()


def answer(boxes_m, score):
    boxes = SPACE.to_unit(np.array(boxes_m, float))
    return Answer(boxes, np.array(score, float), np.zeros((len(boxes), 4)))


ONE = [0.5, -0.2, 3.0, 0.5, 1.6, 0.4]
NEAR = [0.53, -0.2, 3.02, 0.5, 1.6, 0.4]
FAR = [-1.0, -0.2, 5.0, 0.5, 1.6, 0.4]


def test_of_two_boxes_of_one_person_the_surer_stays():
    found = detections(answer([ONE, FAR, NEAR], [0.6, 0.9, 0.8]), SPACE, MOUNTED_CAMERA)
    np.testing.assert_allclose(found.boxes_m, [FAR, NEAR], atol=1e-9)
    assert found.scores.tolist() == [0.9, 0.8]
    np.testing.assert_allclose(
        found.image_px, np.clip(MOUNTED_CAMERA.around(found.boxes_m), 0, [640, 480, 640, 480])
    )


def test_apart_keeps_what_overlaps_less():
    corners = low_and_high(np.array([ONE, NEAR, FAR]))
    assert apart(corners, 0.5) == [0, 2]
    assert apart(corners, 0.99) == [0, 1, 2]
    assert apart(corners[:0], 0.5) == []


def test_surer_than_leaves_out_the_others_everywhere():
    found = Detections(np.zeros((3, 6)), np.array([0.9, 0.5, 0.2]), np.zeros((3, 4)))
    sure = found.surer_than(0.5)
    assert sure.scores.tolist() == [0.9, 0.5]
    assert sure.boxes_m.shape == (2, 6)
    assert sure.image_px.shape == (2, 4)
    assert Detections(np.zeros((1, 6)), np.ones(1), None).surer_than(0.5).image_px is None
