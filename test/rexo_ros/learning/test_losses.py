"""Losses of boxes: closed forms, slopes, and who is given to whom."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmwave.boxes import box_overlap
from rexo_ros.camera import MMVR_CAMERA, Camera, camera_pose
from rexo_ros.learning.losses import (
    RexoTarget,
    RexoWeights,
    corners,
    generalised_overlap,
    matched,
    rexo_loss,
)
from rexo_ros.learning.networks.base import RexoOutput
from rexo_ros.learning.projection import image_boxes
from rexo_ros.space import Space, low_and_high

SPACE, CAMERA = Space(), Camera()
BOXES = arrays(np.float64, (2, 6), elements=st.floats(0.1, 0.9))


@given(BOXES)
def test_generalised_overlap_is_at_most_the_overlap_and_one_for_the_same(boxes):
    one, other = torch.from_numpy(low_and_high(boxes))
    found = float(generalised_overlap(one, other))
    plain = float(box_overlap(one.numpy(), other.numpy()[None])[0])
    assert -1 <= found <= plain + 1e-12
    assert float(generalised_overlap(one, one)) == pytest.approx(1)
    assert float(generalised_overlap(other, one)) == pytest.approx(found)


def test_generalised_overlap_of_two_cubes_apart():
    """Unit cubes with a gap of one: hull 3, union 2, so -1/3."""
    one = torch.tensor([0.0, 0, 0, 1, 1, 1])
    other = torch.tensor([2.0, 0, 0, 3, 1, 1])
    assert float(generalised_overlap(one, other)) == pytest.approx(-1 / 3)
    square = torch.tensor([0.0, 0, 2, 2])
    half = torch.tensor([1.0, 0, 3, 2])
    assert float(generalised_overlap(square, half)) == pytest.approx(1 / 3)


@given(BOXES, arrays(np.float64, (2, 4), elements=st.floats(-0.3, 0.3)), st.booleans())
def test_boxes_in_the_image_are_those_of_the_camera(boxes, offsets, other):
    camera = MMVR_CAMERA if other else CAMERA
    size = np.tile(camera.size_px, 2)
    metres = SPACE.to_metres(boxes)
    found = image_boxes(torch.from_numpy(boxes), None, SPACE, camera).numpy() * size
    np.testing.assert_allclose(found, camera.around(metres), rtol=1e-6, atol=1e-6)
    refined = image_boxes(torch.from_numpy(boxes), torch.from_numpy(offsets), SPACE, camera)
    cut = np.clip(refined.numpy() * size, 0, size)
    np.testing.assert_allclose(cut, camera.refined(metres, offsets), rtol=1e-6, atol=1e-6)


def truth(count, seed=0, camera=CAMERA):
    rng = np.random.default_rng(seed)
    boxes = np.concatenate([rng.uniform(0.2, 0.8, (count, 3)), np.full((count, 3), 0.2)], axis=1)
    boxes = torch.from_numpy(SPACE.grounded(boxes))
    return RexoTarget(boxes, image_boxes(boxes, None, SPACE, camera), camera)


def unseen(target):
    """The same without a camera."""
    return RexoTarget(target.boxes, target.image)


def said(boxes, sure):
    logits = torch.stack([torch.zeros_like(sure), sure], dim=-1)
    return RexoOutput(boxes[None], logits[None], torch.zeros(1, len(boxes), 4).double())


def test_everybody_is_given_the_box_that_is_theirs():
    target = truth(3)
    order = torch.tensor([2, 0, 1])
    noise = truth(4, 9).boxes
    boxes = torch.cat([noise, target.boxes[order] + 0.01])
    seen = image_boxes(boxes, None, SPACE, CAMERA)
    logits = torch.zeros(len(boxes), 2).double()
    chosen, people = matched(boxes, logits, seen, target, RexoWeights())
    assert dict(zip(people.tolist(), chosen.tolist(), strict=True)) == {2: 4, 0: 5, 1: 6}


def test_the_truth_costs_nothing_and_being_unsure_of_it_something():
    target = truth(2)
    boxes = torch.cat([target.boxes, truth(2, 5).boxes])
    sure = torch.tensor([30.0, 30.0, -30.0, -30.0]).double()
    right = rexo_loss([said(boxes, sure)], [target], SPACE)
    assert float(right["sum"]) == pytest.approx(0, abs=1e-6)
    unsure = rexo_loss([said(boxes, 0 * sure)], [target], SPACE)
    weights = RexoWeights()
    expected = (2 + 2 * weights.background) * np.log(2) / 2
    assert float(unsure["named"]) == pytest.approx(expected)
    assert float(unsure["absolute"]) == pytest.approx(0, abs=1e-9)


def test_every_frame_is_judged_by_its_own_camera():
    cameras = [CAMERA, camera_pose(3)]
    targets = [truth(2, number, camera) for number, camera in enumerate(cameras)]
    boxes = torch.stack([target.boxes for target in targets])
    logits = torch.tensor([[-30.0, 30.0]] * 2).double().expand(2, 2, 2)
    output = RexoOutput(boxes, logits, torch.zeros(2, 2, 4).double())
    assert float(rexo_loss([output], targets, SPACE)["sum"]) == pytest.approx(0, abs=1e-6)
    exchanged = [RexoTarget(one.boxes, one.image, other.camera)
                 for one, other in zip(targets, targets[::-1], strict=True)]  # fmt: skip
    wrong = rexo_loss([output], exchanged, SPACE)
    assert float(wrong["absolute"]) == 0
    assert float(wrong["image_absolute"]) > 0.1


def test_a_shift_costs_its_length_in_space_and_more_in_all_heads():
    target = truth(1)
    shifted = target.boxes + torch.tensor([0.05, 0, 0, 0, 0, 0])
    sure = torch.full((1,), 30.0).double()
    one = rexo_loss([said(shifted, sure)], [unseen(target)], SPACE)
    assert float(one["absolute"]) == pytest.approx(0.05)
    assert float(one["image_absolute"]) == 0
    two = rexo_loss([said(shifted, sure)] * 2, [unseen(target)], SPACE)
    assert float(two["sum"]) == pytest.approx(2 * float(one["sum"]))


def test_everybody_is_given_several_boxes_but_for_in_the_last_head():
    target = truth(2)
    near = torch.cat([target.boxes + shift for shift in (0.0, 0.01, 0.02)])  # of 0, 1, 0, 1, 0, 1
    boxes = torch.cat([near, truth(4, 9).boxes])
    logits = torch.zeros(len(boxes), 2).double()
    chosen, people = matched(boxes, logits, None, target, RexoWeights(), 3)
    given = dict(zip(chosen.tolist(), people.tolist(), strict=True))
    assert given == {0: 0, 1: 1, 2: 0, 3: 1, 4: 0, 5: 1}
    # less boxes than are wanted: as many for everybody as there are
    fewer, _ = matched(boxes[:5], logits[:5], None, target, RexoWeights(), 3)
    assert len(fewer) == 4
    # the last head tells off who is sure of a second box, the others those who are not
    last = torch.tensor([30.0, 30.0] + [-30.0] * 8).double()
    all_three = torch.tensor([30.0] * 6 + [-30.0] * 4).double()
    heads = [said(boxes, all_three), said(boxes, last)]
    right = rexo_loss(heads, [unseen(target)], SPACE, early_matches=3)
    assert float(right["named"]) == pytest.approx(0, abs=1e-6)
    assert float(right["absolute"]) == pytest.approx(6 * (0 + 0.01 + 0.02) / 3)
    wrong = rexo_loss(heads[::-1], [unseen(target)], SPACE, early_matches=3)
    assert float(wrong["named"]) > 1


def test_slopes_lead_boxes_to_the_truth():
    target = truth(1)
    boxes = (target.boxes + 0.1 * torch.tensor([1.0, 0, -1, 0.3, 0.2, 0.4])).requires_grad_()
    optimiser = torch.optim.Adam([boxes], 0.01)
    sure = torch.full((1,), 3.0).double()
    for _ in range(300):
        loss = rexo_loss([said(boxes, sure)], [target], SPACE)["sum"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    overlap = generalised_overlap(corners(boxes), corners(target.boxes))
    assert float(overlap.detach()) > 0.9


def test_frames_without_people_and_with_more_people_than_boxes():
    nobody = RexoTarget(torch.zeros(0, 6).double(), torch.zeros(0, 4).double(), CAMERA)
    boxes = truth(2, 3).boxes
    sure = torch.tensor([-1.0, -1.0]).double()
    alone = rexo_loss([said(boxes, sure)], [nobody], SPACE)
    assert float(alone["absolute"]) == 0
    assert float(alone["named"]) > 0
    crowd = rexo_loss([said(boxes, sure)], [truth(5)], SPACE)
    assert np.isfinite(float(crowd["sum"]))
