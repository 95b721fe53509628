import numpy as np
import pytest
import torch
from fake_scenes import scenes

from mmanomaly_ros.expectation import draw
from mmanomaly_ros.learning.comparator_task import ComparatorTask, dice_loss
from mmanomaly_ros.learning.context_task import ContextTask, labels_of, weighted_likelihood
from mmanomaly_ros.learning.denoiser_task import DenoiserTask, schedule_of
from mmanomaly_ros.learning.expectations import Generator, cache_expectations, spread_of
from mmanomaly_ros.learning.networks.sizes import LATENT_MAP, LATENTS, SPECTRUM, TOKENS
from mmanomaly_ros.learning.runs import make_network
from mmanomaly_ros.learning.schedule import kept_shares, noisy, schedule_with, v_of
from mmanomaly_ros.learning.scores import auroc
from mmanomaly_ros.learning.settings import NETWORKS, AnomalyTraining
from mmanomaly_ros.learning.vae_task import BaselineTask, VaeTask

SAMPLES, VALIDATION = scenes(count=2), scenes(count=1, seed=7)


def quiet(one, **_):
    return one


def settings(name, **other):
    return AnomalyTraining(f"mmanomaly-{name}", "tiny", batch=4, **other)


def made(name):
    torch.manual_seed(0)
    return make_network(settings(name)).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def denoiser_task(folder):
    return DenoiserTask(SAMPLES, VALIDATION, made("context"), made("vae"), folder, progress=quiet)


@pytest.fixture(scope="module")
def expectations(folder, denoiser_task):
    parts = Generator(made("context"), made("denoiser"), made("vae"), denoiser_task.schedule)
    return [
        cache_expectations(folder, one, parts, count=2, steps=1, progress=quiet)
        for one in (SAMPLES, VALIDATION)
    ]


def test_shapes_are_what_the_networks_hand_to_each_other():
    count = 2
    with torch.no_grad():
        seen = made("context")(
            torch.rand(count, 5, 96, 128), torch.rand(count, 6, 128, 64), torch.eye(3)[:count]
        )
        assert seen.tokens.shape == (count, *TOKENS)
        assert seen.latent_map.shape == (count, *LATENT_MAP)
        assert seen.mean.shape == seen.log_variance.shape == (count, *SPECTRUM)
        vae = made("vae")
        mean, log_variance = vae.moments(torch.rand(count, *SPECTRUM))
        assert mean.shape == log_variance.shape == (count, *LATENTS)
        assert vae.decode(mean).shape == (count, *SPECTRUM)
        heatmap, frame = made("comparator")(*torch.rand(3, count, *SPECTRUM), torch.eye(3)[:count])
        assert heatmap.shape == (count, 1, *SPECTRUM[1:])
        assert frame.shape == (count, 1)
        assert made("baseline")(mean.new_zeros(count, *SPECTRUM)).shape == (count, *SPECTRUM)


def test_one_scene_conditions_all_samples():
    net = made("denoiser")
    torch.manual_seed(1)
    latents, time = torch.randn(3, *LATENTS), torch.tensor([0.0, 500.0, 999.0])
    tokens, latent_map = torch.randn(1, *TOKENS), torch.randn(1, *LATENT_MAP)
    with torch.no_grad():
        together = net(latents, time, tokens, latent_map)
        apart = [net(latents[n : n + 1], time[n : n + 1], tokens, latent_map) for n in range(3)]
        other = net(latents, time, 2 * tokens, latent_map)
    torch.testing.assert_close(together, torch.cat(apart), atol=1e-4, rtol=1e-3)
    assert (other - together).abs().max() > 1e-4


def test_small_networks_are_as_small_as_they_must_be():
    count = {
        name: sum(one.numel() for one in make_network(AnomalyTraining(name, "small")).parameters())
        for name in NETWORKS
    }
    assert count["mmanomaly-comparator"] < 0.4e6
    assert sum(count.values()) < 10e6


@pytest.mark.parametrize("name", NETWORKS)
def test_a_size_that_is_not_there_is_named(name):
    with pytest.raises(ValueError, match="size must be one of tiny, small, got 'huge'"):
        make_network(AnomalyTraining(name, "huge"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"network": "rexo"}, "network must be one of mmanomaly-context"),
        ({"normal_share": 1.5}, "normal_share must be from 0 to 1, got 1.5"),
        ({"misalignment_m": -0.1}, "misalignment_m must not be negative, got -0.1"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        AnomalyTraining(**wrong)


def test_noise_is_all_there_is_at_the_last_time():
    kept = kept_shares()
    assert kept[0] > 0.999
    assert kept[-1] == 0
    clean, noise = torch.randn(2, 1, 8, 16, 8)
    last = torch.tensor(kept[-1:])
    torch.testing.assert_close(noisy(clean, noise, last), noise)
    torch.testing.assert_close(v_of(clean, noise, last), -clean)


@pytest.mark.parametrize("steps", [1, 4, 25])
def test_the_way_back_with_a_perfect_denoiser_ends_at_the_latents(steps):
    rng = np.random.default_rng(0)
    clean, noise = rng.standard_normal((2, 3, *LATENTS))
    kept = kept_shares()

    def perfect(latents, time):
        share = kept[time]
        left = (latents - np.sqrt(share) * clean) / np.sqrt(1 - share)
        return np.sqrt(share) * left - np.sqrt(1 - share) * clean

    schedule = schedule_with(np.zeros(8), np.ones(8))
    np.testing.assert_allclose(draw(schedule, perfect, noise, steps), clean, atol=1e-4)


def test_the_likelihood_is_least_at_the_true_variance():
    torch.manual_seed(0)
    spectra = 0.3 * torch.randn(1, 3, 64, 64)
    mean = torch.zeros_like(spectra)
    losses = [
        float(weighted_likelihood(mean, torch.full_like(mean, value), spectra, 0.0))
        for value in np.log(np.array([0.1, 0.3, 0.9]) ** 2)
    ]
    assert losses[1] == min(losses)


def test_nobody_wears_nothing_that_could_be_learned():
    frames = [SAMPLES[number] for number in range(len(SAMPLES))]
    told = {frame.task: labels_of(frame) for frame in frames}
    assert told[0][1] == -100  # no wall
    assert told[1][1] > 0


def overfitted(task, name, steps=12, rate=4e-3):
    """Loss of one batch before and after a few steps on it."""
    chosen = settings(name)
    net = task.network(chosen).train()
    optimiser = torch.optim.AdamW(net.parameters(), rate)
    batch = next(iter(task.batches(chosen, range(1))))
    losses = []
    for _ in range(steps):
        torch.manual_seed(0)
        parts = task.loss(net, batch, chosen)
        optimiser.zero_grad()
        parts["sum"].backward()
        optimiser.step()
        losses.append(float(parts["sum"].detach()))
    assert np.isfinite(losses).all()
    return losses[0], min(losses[-3:])


@pytest.mark.parametrize(
    ("name", "kind"), [("vae", VaeTask), ("baseline", BaselineTask), ("context", ContextTask)]
)
def test_spectra_are_learned_in_a_few_steps(name, kind):
    torch.manual_seed(0)
    task = kind(SAMPLES, VALIDATION)
    before, after = overfitted(task, name)
    assert after < (before - 0.1 if name == "context" else 0.8 * before)
    scores = task.validate(made(name), settings(name))
    assert scores["mae_db"] > 0
    assert scores["frames"] == len(VALIDATION)


def test_noise_is_learned_in_a_few_steps(denoiser_task):
    torch.manual_seed(0)
    before, after = overfitted(denoiser_task, "denoiser")
    assert after < 0.9 * before
    scores = denoiser_task.validate(made("denoiser"), settings("denoiser"))
    assert scores["mae_db"] > 0
    assert scores["spread_db"] > 0


def test_latents_are_normalised_and_the_run_tells_how(denoiser_task):
    items = [
        one for batch in denoiser_task.batches(settings("denoiser"), range(12)) for one in batch
    ]
    latents = np.stack([one.latents for one in items])
    np.testing.assert_allclose(latents.mean(axis=(0, 2, 3)), 0, atol=0.2)
    np.testing.assert_allclose(latents.std(axis=(0, 2, 3)), 1, atol=0.2)
    told = schedule_of({"data": denoiser_task.describe()})
    np.testing.assert_allclose(told.shift, denoiser_task.schedule.shift)
    np.testing.assert_allclose(told.scale, denoiser_task.schedule.scale)


def test_anomalies_are_learned_in_a_few_steps(expectations):
    torch.manual_seed(0)
    task = ComparatorTask(SAMPLES, expectations[0], VALIDATION, expectations[1])
    before, after = overfitted(task, "comparator")
    assert after < 0.9 * before
    scores = task.validate(made("comparator"), settings("comparator"))
    assert 0 <= scores["weapon_pasted_auroc"] <= 1
    assert scores["weapon_auroc"] is None  # no real anomaly is there


def test_half_of_the_frames_are_left_normal(expectations):
    task = ComparatorTask(SAMPLES, expectations[0], VALIDATION, expectations[1])
    items = [one for batch in task.batches(settings("comparator"), range(12)) for one in batch]
    normal = [one for one in items if not one.anomalous]
    assert 12 <= len(normal) <= 36
    assert not any(one.mask.any() for one in normal)
    same = next(iter(task.batches(settings("comparator"), range(5, 6))))
    np.testing.assert_array_equal(same[0].measured, items[20].measured)


def test_spreads_hold_draws_and_regression(expectations):
    rng = np.random.default_rng(0)
    drawn = 0.3 * rng.standard_normal((1, 4000, 1, 2, 2))
    variance = np.full((1, 1, 2, 2), 0.4**2)
    np.testing.assert_allclose(spread_of(drawn, np.log(variance)), 0.5, rtol=0.05)
    mean, spread = expectations[0][3]
    assert mean.shape == spread.shape == SPECTRUM
    scale = expectations[0].spread_scale(SAMPLES)
    errors = [
        np.square((SAMPLES[n].unit - expectations[0][n][0]) / expectations[0][n][1] / scale)
        for n in range(len(SAMPLES))
    ]
    assert np.mean(errors) == pytest.approx(1, rel=0.01)


def test_overlap_and_order():
    mask = torch.zeros(2, 1, 8, 8)
    mask[0, 0, 2:4, 2:4] = 1
    assert float(dice_loss(40 * mask - 20, mask)) < 0.01
    assert float(dice_loss(20 - 40 * mask, mask)) > 0.8
    assert auroc(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 1
    assert auroc(np.array([0.0, 2.0]), np.array([1.0])) == 0.5
    assert np.isnan(auroc(np.array([]), np.array([1.0])))
