"""REXO's network: crops are exact, boxes are cut where they are, any number of them."""

import numpy as np
import pytest
import torch

from rexo_ros.learning.networks.backbone import STRIDE, Backbone
from rexo_ros.learning.networks.base import SIZES, on_view
from rexo_ros.learning.networks.cropping import by_rows, crop
from rexo_ros.learning.networks.denoiser import moved
from rexo_ros.learning.networks.rexo_net import RexoNet
from rexo_ros.space import THREE, Space

SPACE = Space(rows=64, columns=64)


@pytest.fixture
def net():
    torch.manual_seed(3)
    return RexoNet(SIZES["tiny"], SPACE).eval()


def some_boxes(number, count, seed=0):
    rng = np.random.default_rng(seed)
    boxes = rng.uniform(0.1, 0.9, (number, count, 6))
    boxes[..., 3:] *= 0.4
    return torch.from_numpy(boxes).float()


def test_crops_of_a_slope_are_the_slope():
    """Bilinear samples of what is linear are exact, also between cells."""
    rows, columns = torch.arange(16.0), torch.arange(12.0)
    features = torch.stack([rows[:, None].expand(16, 12), columns.expand(16, 12)])[None]
    boxes = torch.tensor([[[0.25, 0.2, 0.75, 0.6], [0.4, 0.3, 0.5, 0.9]]])
    found = crop(by_rows(features), boxes, 4)
    share = (torch.arange(4) + 0.5) / 4
    for number in range(2):
        left, top, right, bottom = boxes[0, number]
        down = (top + (bottom - top) * share) * 16 - 0.5
        across = (left + (right - left) * share) * 12 - 0.5
        torch.testing.assert_close(found[0, number, 0], down[:, None].expand(4, 4))
        torch.testing.assert_close(found[0, number, 1], across.expand(4, 4))


def test_crops_of_a_batch_are_those_of_its_frames_and_bend_to_their_boxes():
    features = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    boxes = on_view(some_boxes(2, 5), SPACE, "horizontal").requires_grad_()
    together = crop(by_rows(features), boxes, 3)
    for number in range(2):
        alone = crop(by_rows(features[number : number + 1]), boxes[number : number + 1], 3)
        torch.testing.assert_close(together[number], alone[0])
    together.square().sum().backward()
    assert (boxes.grad.abs().sum(dim=-1) > 0).all()


def test_views_are_those_of_the_room():
    boxes = some_boxes(2, 4)
    for view in THREE.views:
        expected = THREE.on_view(boxes.numpy(), view)
        np.testing.assert_allclose(on_view(boxes, THREE, view).numpy(), expected, atol=1e-6)


def test_a_quarter_of_the_heatmap_comes_out():
    backbone = Backbone(4, 8, 16, 1).eval()
    found = backbone(torch.zeros(2, 4, 64, 32))
    assert found.shape == (2, 16, 64 // STRIDE, 32 // STRIDE)


def test_before_training_boxes_stay_where_they_are_on_the_floor(net):
    heatmaps = torch.randn(2, 2, 4, 64, 64, generator=torch.Generator().manual_seed(2))
    boxes = some_boxes(2, 6)
    outputs = net(net.features(heatmaps), boxes, torch.tensor([5, 90]))
    assert len(outputs) == SIZES["tiny"].heads
    expected = SPACE.grounded(boxes.numpy())
    for output in outputs:
        np.testing.assert_allclose(output.boxes.detach().numpy(), expected, atol=1e-5)
        assert output.logits.shape == (2, 6, 2)
    free = RexoNet(SIZES["tiny"], SPACE, grounded=False).eval()
    output = free(free.features(heatmaps), boxes, torch.tensor([5, 90]))[-1]
    torch.testing.assert_close(output.boxes, boxes)


@pytest.mark.parametrize("count", [1, 7, 40])
def test_boxes_in_another_order_give_answers_in_that_order(net, count):
    features = net.features(
        torch.randn(1, 2, 4, 64, 64, generator=torch.Generator().manual_seed(4))
    )
    boxes = some_boxes(1, count, 5)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        one = net(features, boxes, torch.tensor([50]))[-1]
        other = net(features, boxes[:, order], torch.tensor([50]))[-1]
    torch.testing.assert_close(one.logits[:, order], other.logits, atol=1e-5, rtol=1e-4)


def test_batches_of_any_size_say_what_their_frames_say_alone(net):
    heatmaps = torch.randn(3, 2, 4, 64, 64, generator=torch.Generator().manual_seed(7))
    boxes, time = some_boxes(3, 4, 8), torch.tensor([3, 50, 99])
    with torch.no_grad():
        together = net(net.features(heatmaps), boxes, time)[-1]
        for n in range(3):
            part = slice(n, n + 1)
            alone = net(net.features(heatmaps[part]), boxes[part], time[part])[-1]
            torch.testing.assert_close(alone.logits[0], together.logits[n], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("views", [("horizontal",), ("vertical",), THREE.views])
def test_any_number_of_views(views):
    space = THREE.seen_by(*views)
    torch.manual_seed(3)
    net = RexoNet(SIZES["tiny"], space).eval()
    heatmaps = torch.randn(1, len(views), 4, 64, 64)
    boxes, time = some_boxes(1, 3), torch.tensor([1])
    said = net(net.features(heatmaps), boxes, time)[-1]
    assert said.boxes.shape == (1, 3, 6)
    for view in range(len(views)):  # none is looked past
        other = heatmaps.clone()
        other[:, view] += 1
        assert not torch.equal(net(net.features(other), boxes, time)[-1].logits, said.logits)


def test_the_crops_of_a_view_grow_with_the_number_of_views_alone():
    """The cost is linear: a head's layer that joins crops has as many weights for every view."""
    sizes = {
        count: RexoNet(SIZES["tiny"], THREE.seen_by(*THREE.views[:count])).heads[0].dynamic.join
        for count in (1, 2, 3)
    }
    weights = {count: layer.weight.numel() for count, layer in sizes.items()}
    assert weights[2] == 2 * weights[1]
    assert weights[3] == 3 * weights[1]


def test_offsets_move_by_sizes_and_grow_by_factors():
    boxes = torch.tensor([0.5, 0.5, 0.5, 0.1, 0.2, 0.3])
    offsets = torch.tensor([1.0, -0.5, 0.0, float(np.log(2.0)), 0.0, 99.0])
    found = moved(boxes, offsets, 0.01)
    torch.testing.assert_close(found, torch.tensor([0.6, 0.4, 0.5, 0.2, 0.2, 1.0]))
    assert moved(boxes, torch.full((6,), -99.0), 0.01)[3:].tolist() == pytest.approx([0.01] * 3)
