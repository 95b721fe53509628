"""Learning: noise as the schedule says, the same batches wherever a run was begun, losses fall."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rooms import sequence

from mmwave.learning.training import read_checkpoint, train
from rexo_ros.diffusion import Schedule
from rexo_ros.learning.losses import RexoTarget, centre_loss
from rexo_ros.learning.networks.query_net import QueryNet
from rexo_ros.learning.networks.rexo_net import RexoNet
from rexo_ros.learning.samples import SimulatedSet
from rexo_ros.learning.settings import RexoTraining
from rexo_ros.learning.task import RexoTask, denoiser, make_network, noisy_boxes, only
from rexo_ros.space import SPACES, VERTICAL

SPACE = SPACES["room"]


@pytest.fixture(scope="module")
def task():
    samples = SimulatedSet([sequence(room, people=1 + room % 3) for room in range(6)])
    return RexoTask(samples, SimulatedSet([sequence(50, people=2)]))


def settings(**other):
    return RexoTraining(**{"size": "tiny", "steps": 4, "batch": 2, "validations": 1, **other})


@given(time=st.integers(0, 99), people=st.integers(0, 14), seed=st.integers(0, 1000))
def test_there_are_as_many_noisy_boxes_as_wanted(time, people, seed):
    generator = np.random.default_rng(seed)
    boxes = generator.uniform(0.2, 0.4, (people, 6))
    noisy = noisy_boxes(boxes, 10, time, Schedule(), generator)
    assert noisy.shape == (10, 6)
    assert (noisy >= 0).all()
    assert (noisy <= 1).all()
    assert (noisy[:, 3:] >= 0.01).all()


def test_at_the_first_time_boxes_are_nearly_clean_and_at_the_last_they_are_noise():
    generator = np.random.default_rng(0)
    boxes = generator.uniform(0.3, 0.6, (4, 6))
    schedule = Schedule()
    near = noisy_boxes(boxes, 10, 0, schedule, np.random.default_rng(1))
    distance = np.abs(near[None] - boxes[:, None]).max(axis=-1).min(axis=1)
    assert distance.max() < 0.05
    many = np.concatenate(
        [noisy_boxes(boxes, 4, 99, schedule, np.random.default_rng(n)) for n in range(400)]
    )
    # a normal distribution of variance 1, stretched to -2..2 and cut there
    assert many[:, :3].mean() == pytest.approx(0.5, abs=0.02)
    assert many[:, :3].std() == pytest.approx(0.22, abs=0.02)


def test_people_of_another_frame_are_added_where_heatmaps_show_what_moves_alone(task, monkeypatch):
    wanted = settings(mixed_share=0.99, batch=40, one_view_share=0.0)
    (mixed,) = task.batches(wanted, range(1))
    counts = [len(one.boxes) for one in mixed]
    assert max(counts) > 3  # no sequence has more than three
    assert max(counts) <= 5
    assert all(len(one.boxes) == len(one.image) for one in mixed)
    monkeypatch.setattr(SimulatedSet, "partners", lambda *_: ())
    (alone,) = task.batches(wanted, range(1))
    assert max(len(one.boxes) for one in alone) <= 3


def test_boxes_in_the_image_are_those_of_the_frames_own_camera():
    sequences = [sequence(room, people=1 + room % 2, pose=room % 3) for room in range(12)]
    task = RexoTask(SimulatedSet(sequences), SimulatedSet([sequence(50)]))
    (batch,) = task.batches(settings(mixed_share=0.9, batch=60, one_view_share=0.0), range(1))
    cameras = {one.camera for one in batch}
    assert len(cameras) == 5  # three poses, and two of them with right and left exchanged
    added = [one for one in batch if len(one.boxes) > 2]  # no sequence has more than two
    assert len(added) > 10
    assert len({one.camera for one in added}) > 3
    for one in batch:
        size = np.tile(one.camera.size_px, 2)
        wanted = one.camera.around(SPACE.to_metres(one.boxes)).clip(0, size) / size
        np.testing.assert_allclose(one.image, wanted, atol=2e-3)
    net = task.network(settings())
    assert torch.isfinite(task.loss(net, batch[:4], settings())["sum"])


def test_batches_are_the_same_wherever_the_run_was_begun(task):
    whole = list(task.batches(settings(), range(4)))
    later = list(task.batches(settings(), range(2, 4)))
    for one, other in zip(whole[2:], later, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine.heatmaps, theirs.heatmaps)
            np.testing.assert_array_equal(mine.noisy, theirs.noisy)
            assert mine.time == theirs.time


@pytest.mark.parametrize("network", ["rexo", "query"])
def test_products_in_bfloat16_leave_losses_single(task, network):
    batch = next(iter(task.batches(settings(), range(1))))
    torch.manual_seed(0)
    net = task.network(settings(network=network))
    parts = [
        task.loss(net, batch, settings(network=network, precision=precision))
        for precision in ("float32", "bfloat16")
    ]
    for name, single in parts[0].items():
        assert parts[1][name].dtype == torch.float32
        torch.testing.assert_close(parts[1][name], single, rtol=0.05, atol=0.02)
    assert not torch.equal(parts[0]["sum"], parts[1]["sum"])


def test_a_view_is_missing_in_some_frames(task):
    wanted = settings(one_view_share=0.5, batch=40)
    batch = next(iter(task.batches(wanted, range(1))))
    blank = np.array([[(view == 0).all() for view in one.heatmaps] for one in batch])
    assert 8 < blank.any(axis=1).sum() < 32
    assert not blank.all(axis=1).any()
    assert blank.any(axis=0).all()  # either of them


@pytest.mark.parametrize(
    ("other", "kind", "views"),
    [
        ({}, RexoNet, 2),
        ({"views": "vertical"}, RexoNet, 1),
        ({"network": "flat"}, RexoNet, 1),
        ({"network": "query"}, QueryNet, 2),
    ],
)
def test_networks_are_what_the_settings_say(task, other, kind, views):
    net = task.network(settings(**other))
    assert isinstance(net, kind)
    assert len(net.space.views) == views
    batch = next(iter(task.batches(settings(**other), range(1))))
    parts = task.loss(net, batch, settings(**other))
    assert torch.isfinite(parts["sum"])
    parts["sum"].backward()
    unused = [
        name
        for name, weight in net.named_parameters()
        if weight.grad is None or not torch.isfinite(weight.grad).all()
    ]
    assert not unused


def test_a_frozen_backbone_stays_to_the_last_bit_and_heads_learn(task, tmp_path):
    quiet = {"progress": lambda steps, **_: steps}
    train(task, tmp_path / "before", settings(steps=1), **quiet)
    wanted = settings(
        begin_from=str(tmp_path / "before"), begin_only="backbone.", backbone_frozen=True, seed=3
    )
    begun = read_checkpoint(tmp_path / "before")["net"]
    after = train(task, tmp_path / "after", wanted, **quiet).net.state_dict()
    backbone = [name for name in after if name.startswith("backbone.")]
    assert any("running_var" in name for name in backbone)
    assert all(torch.equal(after[name], begun[name]) for name in backbone)
    torch.manual_seed(wanted.seed)
    untrained = task.network(wanted).state_dict()
    heads = [name for name in after if name.startswith("heads.") and name.endswith("weight")]
    assert sum(not torch.equal(after[name], untrained[name]) for name in heads) > len(heads) / 2


def test_a_backbone_is_frozen_only_if_it_is_given():
    with pytest.raises(ValueError, match="needs a network to begin from"):
        settings(backbone_frozen=True)


def test_bodies_of_the_flat_baseline_have_one_height_and_stand(task):
    net = make_network(settings(network="flat"), SPACE, 1.7).eval()
    denoise = denoiser(net, np.zeros((1, 4, 256, 128), np.float32))
    found = SPACE.to_metres(denoise(np.random.default_rng(0).uniform(0.2, 0.8, (5, 6)), 50).boxes)
    np.testing.assert_allclose(found[:, 3 + VERTICAL], 1.7, atol=1e-5)
    np.testing.assert_allclose(found[:, VERTICAL] - 0.85, SPACE.floor_m, atol=1e-5)


def test_queries_do_not_depend_on_noise_and_know_depth_in_both_views():
    net = make_network(settings(network="query"), SPACE, 1.7).eval()
    heatmaps = np.random.default_rng(0).normal(size=(2, 4, 256, 128)).astype(np.float32)
    denoise = denoiser(net, heatmaps)
    one = denoise(np.full((10, 6), 0.2), 3)
    other = denoise(np.full((10, 6), 0.7), 90)
    np.testing.assert_array_equal(one.boxes, other.boxes)
    assert one.boxes.shape == (10, 6)


def test_losses_fall_and_the_run_goes_on(task, tmp_path):
    wanted = settings(steps=60, learning_rate=5e-3, batch=4, seed=3)
    done = train(task, tmp_path, wanted, progress=lambda steps, **_: steps)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    sums = [json.loads(line)["sum"] for line in lines if '"sum"' in line]
    assert sums[-1] < 0.8 * sums[0]
    assert done.step == 60
    assert train(task, tmp_path, wanted, progress=lambda steps, **_: steps).step == 60


def test_only_the_wanted_views_are_handed_on():
    heatmaps = np.stack([np.zeros((4, 8, 8)), np.ones((4, 8, 8))]).astype(np.float32)
    assert only(heatmaps, SPACE, settings()) is heatmaps
    assert only(heatmaps, SPACE, settings(views="vertical")).max() == 1
    assert only(heatmaps, SPACE, settings(views="horizontal")).max() == 0
    assert only(heatmaps, SPACE, settings(network="flat", views="vertical")).max() == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"network": "yolo"}, "network must be one of rexo, flat, query"),
        ({"views": "three"}, "views must be one of all, both, horizontal, vertical"),
        ({"boxes": 0}, "boxes must be at least 1"),
        ({"early_matches": 0}, "early_matches must be at least 1"),
        ({"mixed_share": 1.0}, "mixed_share must be at least 0 and below 1"),
        ({"weight_decay": -1e-4}, "weight_decay must not be negative"),
        ({"image_weight": -1.0}, "weights must not be negative"),
        ({"one_view_share": 1.0}, "one_view_share must be at least 0 and below 1"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        settings(**wrong)


def test_views_that_the_data_do_not_have_are_named(task):
    with pytest.raises(ValueError, match="there is no vertical view, only"):
        make_network(settings(), SPACE.seen_by("horizontal"), 1.7)
    with pytest.raises(ValueError, match="size must be one of tiny, small"):
        task.network(settings(size="huge"))


def test_centres_are_told_by_the_cell_of_the_middle():
    boxes = torch.tensor([[0.5, 0.4, 0.25, 0.1, 0.5, 0.05]])
    targets = [RexoTarget(boxes, torch.zeros(1, 4))]
    logits = torch.full((1, 2, 64, 32), -12.0)
    logits[0, 0, 48, 16] = logits[0, 1, 48, 12] = 12.0  # depth 0.25 is three quarters down
    right = centre_loss(logits, targets, SPACE)
    wrong = centre_loss(logits.roll(4, dims=3), targets, SPACE)
    assert right < 0.1
    assert wrong > 5


def test_a_network_begins_by_saying_nobody_is_there():
    """Even odds in all cells would cost a hundred times what is worth learning."""
    torch.manual_seed(0)
    net = make_network(settings(), SPACE, 1.7).eval()
    with torch.no_grad():
        logits = net.centre_logits(net.features(torch.randn(2, 2, 4, 256, 128)))
    assert float(logits.sigmoid().median()) < 0.05
    boxes = torch.tensor([[0.5, 0.4, 0.25, 0.1, 0.5, 0.05]])
    targets = [RexoTarget(boxes, torch.zeros(1, 4))] * 2
    assert float(centre_loss(logits, targets, SPACE)) < 10
    assert float(centre_loss(torch.zeros_like(logits), targets, SPACE)) > 100


def test_a_data_set_without_a_camera_is_learned_in_space_alone(task):
    class Blind(SimulatedSet):
        def __getitem__(self, number):
            return replace(super().__getitem__(number), camera=None)

    samples = Blind([sequence(3, people=2)])
    blind = RexoTask(samples, samples)
    net = blind.network(settings()).eval()
    batch = next(iter(blind.batches(settings(), range(1))))
    parts = blind.loss(net, batch, settings())
    assert parts["image_absolute"] == 0
    figures = blind.validate(net, settings())
    assert figures["ap"] is None
    assert figures["ap_3d"] is not None
