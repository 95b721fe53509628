"""The range network begins as the classical answer, wraps around, and goes out as ONNX."""

import numpy as np
import pytest
import torch

from mmwave.inference import ModelError, OnnxModel, read_card
from mmwave.simulation.scene import SemanticClass
from mmwave.waveform import Waveform
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.export import export_range_net
from panoradar_ros.learning.losses import RangeTarget, RangeWeights, range_loss
from panoradar_ros.learning.networks.range_net import SIZES, RadarGrid, RangeNet, read_position
from panoradar_ros.recognition.range_image import RangeRecogniser

GRID = PanoramaGrid(columns=32, rows=8)
RADAR = RadarGrid(rows=8)
NOISE_DB, ECHO_DB = 0, 30


def steps(db):
    return np.uint8((db + 10) * 4)


def panorama(seed=0, columns=GRID.columns):
    """Echoes of one reflector a ray at known ranges, in a little noise; none in the last row."""
    rng = np.random.default_rng(seed)
    bins = rng.integers(20, 250, (GRID.rows, columns))
    echo = rng.integers(steps(-5), steps(5), (GRID.rows, columns, 256), dtype=np.uint8)
    rows, cells = np.indices(bins.shape)
    echo[rows[:-1], cells[:-1], bins[:-1]] = steps(ECHO_DB)
    axis_m = 0.08 * np.cos(GRID.elevation_rad)[:, None]
    range_m = (bins * RADAR.bin_m + axis_m).astype(np.float32)
    range_m[-1] = np.inf
    return echo, range_m


@pytest.fixture
def net():
    torch.manual_seed(3)
    return RangeNet(SIZES["tiny"], RADAR).eval()


def answer(net, echo):
    with torch.no_grad():
        return net(torch.from_numpy(echo)[None])


def test_before_training_the_answer_is_the_strongest_echo(net):
    echo, range_m = panorama()
    found = answer(net, echo).range_m[0].numpy()
    assert np.abs(found[:-1] - range_m[:-1]).max() < 0.08  # half a coarse bin
    assert np.isinf(found[-1]).all()


def trained(net, steps_done=60):
    """A few steps on one panorama with other normals, so that every weight counts."""
    echo, range_m = panorama(1)
    normal = torch.zeros(1, 3, *range_m.shape)
    normal[:, 2] = 1
    target = RangeTarget(torch.from_numpy(range_m)[None], normal, torch.ones(1, *range_m.shape) > 0)
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)
    net.train()
    losses = []
    for _ in range(steps_done):
        loss = range_loss(net, net(torch.from_numpy(echo)[None]), target)["sum"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    net.eval()
    return losses


def test_training_lowers_the_loss_and_finds_position_and_normal(net):
    losses = trained(net, 150)
    assert losses[-1] < 0.4 * losses[0]
    echo, range_m = panorama(1)
    image = answer(net, echo)
    error = np.abs(image.range_m[0].numpy()[:-1] - range_m[:-1])
    assert np.median(error) < 0.03
    assert image.normal[0, 2].mean() > 0.8


def test_a_rolled_panorama_gives_the_rolled_answer(net):
    trained(net)
    echo, _ = panorama(2)
    step = 2 * 2  # patches of the stem and of the tiny U-Net
    image = answer(net, echo)
    rolled = answer(net, np.roll(echo, step, axis=1))
    for one, other in zip(image, rolled, strict=True):
        torch.testing.assert_close(torch.roll(one, step, dims=-1), other, atol=1e-4, rtol=1e-4)


def test_without_wrapping_the_seam_shows():
    torch.manual_seed(3)
    net = RangeNet(SIZES["tiny"], RADAR, wraps=False).eval()
    trained(net)
    echo, _ = panorama(2)
    image, rolled = answer(net, echo), answer(net, np.roll(echo, 16, axis=1))
    apart = (torch.roll(image.confidence, 16, dims=-1) - rolled.confidence).abs()
    seams = apart[..., [0, 15, 16, 31]].max()
    assert seams > 1e-3


def test_loss_is_least_at_the_truth_and_glass_does_not_count(net):
    echo, range_m = panorama(4)
    output = net(torch.from_numpy(echo)[None])
    normal = torch.zeros(1, 3, *range_m.shape)
    normal[:, 0] = -1

    def loss(range_m, counts=None):
        counts = torch.ones(1, *range_m.shape, dtype=torch.bool) if counts is None else counts
        target = RangeTarget(torch.from_numpy(range_m)[None], normal, counts)
        return {
            name: float(part.detach()) for name, part in range_loss(net, output, target).items()
        }

    right, wrong = loss(range_m), loss(range_m + np.float32(0.5))
    assert right["bins"] < wrong["bins"]
    glass = np.zeros(range_m.shape, bool)
    glass[:, 5] = True
    other = range_m.copy()
    other[:, 5] = 1.0
    counts = torch.from_numpy(~glass)[None]
    assert loss(other, counts)["sum"] == pytest.approx(loss(range_m, counts)["sum"])


def test_a_ray_of_a_person_counts_as_often_as_the_weight_says(net):
    echo, range_m = panorama(4)
    output = net(torch.from_numpy(echo)[None])
    person = np.zeros(range_m.shape, bool)
    person[2:5, 8:12] = True
    label = np.where(person, int(SemanticClass.PERSON), int(SemanticClass.WALL))

    def of_bins(counts):
        target = RangeTarget(
            torch.from_numpy(range_m)[None],
            torch.zeros(1, 3, *range_m.shape),
            torch.from_numpy(counts)[None],
            torch.from_numpy(label)[None],
        )
        weights = RangeWeights(objects=3.0)
        return float(range_loss(net, output, target, weights)["bins"].detach())

    few, many = 3.0 * person.sum(), (~person).sum()
    expected = (few * of_bins(person) + many * of_bins(~person)) / (few + many)
    assert of_bins(np.ones_like(person)) == pytest.approx(expected, rel=1e-5)
    assert of_bins(person) != pytest.approx(of_bins(~person), rel=1e-3)


def test_onnx_says_what_pytorch_says(net, tmp_path):
    trained(net)
    echo, _ = panorama(5)
    path = tmp_path / "range.onnx"
    errors = export_range_net(net, path, echo, {"name": "range", "licence": "Apache-2.0"})
    assert errors["range_median_m"] < 1e-3
    card = read_card(path)
    assert card.about["onnx_against_pytorch"] == errors
    image = answer(net, echo)
    found = OnnxModel(path).run(echo=echo[None])
    both = np.isfinite(found["range_m"]) & np.isfinite(image.range_m[0].numpy())
    assert np.abs(found["range_m"][both] - image.range_m[0].numpy()[both]).max() < 0.02
    np.testing.assert_allclose(found["confidence"], image.confidence[0], atol=5e-3)
    size = path.stat().st_size
    assert (
        size < 2.5 * sum(one.numel() for one in net.parameters()) + 120_000
    )  # half precision, and the graph


def test_recogniser_makes_normals_of_the_robots_axes_and_marks_what_was_not_received(net, tmp_path):
    trained(net)
    path = tmp_path / "range.onnx"
    export_range_net(net, path, panorama(5)[0], {"name": "range"})
    recognise = RangeRecogniser(OnnxModel(path), GRID)
    power = 10 ** (np.float32(0.025) * (panorama(5)[0].astype(np.float32) - 40))
    coverage = np.ones(GRID.columns)
    coverage[7] = 0.2
    image = recognise(power, coverage)
    assert np.isnan(image.range_m[:, 7]).all()
    assert np.isnan(image.confidence[:, 7]).all()
    assert not np.isnan(image.range_m[:, 8]).any()
    seen = np.isfinite(image.range_m)
    np.testing.assert_allclose(np.linalg.norm(image.normal[seen], axis=-1), 1, atol=1e-3)
    assert (image.normal[~seen] == 0).all()
    # up for the ray is up for the robot at the horizon, and leans back above it
    assert image.normal[..., 2][3:5][seen[3:5]].mean() > 0.8


@pytest.fixture
def recognise(net, tmp_path):
    trained(net)
    path = tmp_path / "range.onnx"
    export_range_net(net, path, panorama(5)[0], {"name": "range"})
    return RangeRecogniser(OnnxModel(path), GRID)


def power_of(echo):
    return 10 ** (np.float32(0.025) * (echo.astype(np.float32) - 40))


def test_a_lost_sector_does_not_change_the_echoes_of_the_others(recognise):
    power, coverage = power_of(panorama(5)[0]), np.ones(GRID.columns)
    recognise(power, coverage)
    whole = recognise.echo.copy()
    power[:, 8:24], coverage[8:24] = 0.0, 0.0
    image = recognise(power, coverage)
    rest = np.r_[0:8, 24:32]
    apart = np.abs(recognise.echo[:, rest].astype(int) - whole[:, rest])
    assert apart.max() <= 1  # the median of half as many cells: a quarter of a decibel
    assert np.isnan(image.range_m[:, 8:24]).all()
    assert (image.hint[:, :, 8:24] == 0).all()
    with pytest.raises(ValueError, match="were all its positions lost"):
        recognise(power, np.zeros(GRID.columns))


@pytest.mark.parametrize("columns", [slice(3, 5), slice(0, 1), slice(0, 32, 8)])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_rays_with_cells_that_are_no_numbers_are_unknown(recognise, columns, wrong):
    power = power_of(panorama(5)[0])
    power[2:6, columns, 100:103] = wrong
    image = recognise(power, np.ones(GRID.columns))
    hurt = np.zeros(power.shape[:2], bool)
    hurt[2:6, columns] = True
    for one in (image.range_m, image.confidence, image.spread_m):
        np.testing.assert_array_equal(np.isnan(one), hurt)
    assert (image.normal[hurt] == 0).all()


@pytest.mark.parametrize("change", ["hint", "rank", "type", "classes"])
def test_a_model_of_another_version_is_refused_before_it_runs(recognise, change):
    model = recognise.model
    if change == "hint":
        model.output_shapes.pop("hint")
    elif change == "rank":
        model.input_shapes["echo"] = (1, 8, 32)
    elif change == "type":
        model._types["echo"] = "tensor(float)"
    else:
        model.output_shapes["hint"] = (12, 8, 32)
    with pytest.raises(ModelError, match=r"range\.onnx (takes|gives)"):
        RangeRecogniser(model, GRID)


def test_wrong_models_and_cubes_are_refused(net, tmp_path):
    path = tmp_path / "range.onnx"
    export_range_net(net, path, panorama(5)[0], {"name": "range"})
    model = OnnxModel(path)
    with pytest.raises(ModelError, match="choose a panoradar_range model"):
        RangeRecogniser(model, PanoramaGrid())
    with pytest.raises(ModelError, match="takes cubes of"):
        RangeRecogniser(model, GRID)(np.ones((8, 32, 128), np.float32), np.ones(32))
    with pytest.raises(ModelError, match=r"range bins of 37\.50 mm, the cube's are 74\.99 mm"):
        RangeRecogniser(model, GRID)(
            np.ones((8, 32, 256), np.float32), np.ones(32), 2 * Waveform().range_bin_m
        )
    with pytest.raises(ModelError, match="echo must be"):
        model.run(echo=np.zeros((1, 8, 32, 256), np.float32))
    with pytest.raises(ModelError, match="takes echo, got other"):
        model.run(other=np.zeros(1, np.uint8))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ModelError, match="damaged"):
        OnnxModel(path)
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match="has no card"):
        OnnxModel(path)
    with pytest.raises(ModelError, match="there is no model"):
        OnnxModel(tmp_path / "none.onnx")


def test_slopes_are_numbers_where_nothing_is_within_reach(net):
    echo, range_m = panorama(6)
    echo[-3:], range_m[-3:-1] = 30, 5.0  # no echo where there is something, and none where not
    normal = torch.zeros(1, 3, *range_m.shape)
    target = RangeTarget(torch.from_numpy(range_m)[None], normal, torch.ones(1, *range_m.shape) > 0)
    range_loss(net, net(torch.from_numpy(echo)[None]), target)["sum"].backward()
    assert all(torch.isfinite(one.grad).all() for one in net.parameters())


def test_nothing_is_said_when_it_is_likelier_than_all_ranges_together():
    probability = torch.zeros(65, 1, 2)
    probability[20:28, 0, 0], probability[-1, 0, 0] = 0.08, 0.35  # a surface that is not sharp
    probability[24, 0, 0] = 0.09
    probability[20:28, 0, 1], probability[-1, 0, 1] = 0.06, 0.52
    logits = probability.clamp_min(1e-9).log()[None]
    found = read_position(logits, torch.zeros(1, 1, 2), torch.zeros(1), RADAR.coarse_m)
    assert 20 * RADAR.coarse_m < found.range_m[0, 0, 0] < 27 * RADAR.coarse_m
    assert torch.isinf(found.range_m[0, 0, 1])
    assert found.confidence[0, 0, 0] == pytest.approx(0.25)  # of that range, not of nothing
    assert found.confidence[0, 0, 1] == pytest.approx(0.52)
