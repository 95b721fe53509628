"""DDIM against its closed forms, and what the graphs together draw."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_graphs import KEPT, loaded

from mmanomaly_ros.context import Context
from mmanomaly_ros.expectation import (
    DB_PER_UNIT,
    LEAST_SPREAD_DB,
    Expecter,
    Schedule,
    draw,
    spread_db,
)
from mmanomaly_ros.spectrum import from_unit
from mmwave.inference import ModelCard, ModelError

COSINE = np.cos(np.linspace(0.01, np.pi / 2, 1000)) ** 2 * 0.999


def schedule(kept=KEPT, prediction="v_prediction"):
    return Schedule(kept, prediction, np.zeros(8), np.ones(8))


def knows(truth, plan, deviation=0.0):
    """The ideal prediction for latents from N(truth, deviation^2)."""

    def denoise(noisy, time):
        kept = plan.alphas_cumulative[time]
        signal, noise = np.sqrt(kept), np.sqrt(1 - kept)
        gain = signal * deviation**2 / (kept * deviation**2 + 1 - kept)
        clean = truth + gain * (noisy - signal * truth)
        left = (noisy - signal * clean) / noise
        return left if plan.prediction == "epsilon" else signal * left - noise * clean

    return denoise


@pytest.mark.parametrize("steps", [1, 2, 4, 50])
@pytest.mark.parametrize(
    "plan",
    [schedule(), schedule(COSINE), schedule(0.995 * KEPT + 0.004, "epsilon")],
    ids=["v", "v to pure noise", "epsilon"],
)
def test_a_network_that_knows_the_latents_leads_there_in_any_number_of_steps(plan, steps):
    generator = np.random.default_rng(steps)
    truth = generator.standard_normal((3, 8, 16, 8))
    noise = generator.standard_normal(truth.shape)
    found = draw(plan, knows(truth, plan), noise, steps)
    np.testing.assert_allclose(found, truth, atol=1e-4)


def test_many_steps_draw_from_a_normal_distribution():
    plan = schedule(COSINE)
    noise = np.random.default_rng(2).standard_normal((4000, 1))
    found = draw(plan, knows(0.7, plan, 0.3), noise, 200)
    assert found.mean() == pytest.approx(0.7, abs=0.02)
    assert found.std() == pytest.approx(0.3, rel=0.05)
    # deterministic: the way is monotone, so that the order of the noise is kept
    assert (np.argsort(found[:, 0]) == np.argsort(noise[:, 0])).all()


@given(st.integers(1, 1000))
def test_the_way_back_begins_at_noise_and_ends_clean(steps):
    pairs = schedule().way_back(steps)
    assert len(pairs) == steps
    assert (pairs[0][0], pairs[-1][1]) == (999, -1)
    assert all(time > after for time, after in pairs)


@pytest.mark.parametrize("steps", [0, 1001])
def test_steps_that_there_are_not_are_refused(steps):
    with pytest.raises(ValueError, match="steps must be from 1 to 1000"):
        schedule().way_back(steps)


def test_schedules_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="falling"):
        schedule(KEPT[::-1])
    with pytest.raises(ValueError, match="prediction must be of"):
        schedule(prediction="sample")
    with pytest.raises(ValueError, match="the last alpha is 0"):
        schedule(KEPT, "epsilon")
    with pytest.raises(ModelError, match="Export it anew"):
        Schedule.of(ModelCard("other", "", {}))
    told = {"alphas_cumulative": KEPT.tolist(), "prediction": "v_prediction"}
    with pytest.raises(ModelError, match="8 numbers"):
        Schedule.of(ModelCard("other", "", {"schedule": {**told, "shift": [0], "scale": [1]}}))


def test_spread_adds_draws_and_floor_in_squares():
    draws = np.array([[1.0, 5.0], [7.0, 5.0]])  # deviations sqrt(18) and 0
    np.testing.assert_allclose(spread_db(draws, np.array([3.0, 2.0])), [np.sqrt(27), 2], rtol=1e-6)
    np.testing.assert_allclose(spread_db(draws[:1], np.array([3.0, 2.0]), 2.0), [6, 4], rtol=1e-6)
    assert spread_db(draws[:1], np.array([0.0, 0.0])).tolist() == [LEAST_SPREAD_DB] * 2


def scene(red=0.0):
    image = np.zeros((5, 96, 128), np.float32)
    image[0] = red
    return Context(image, np.zeros((6, 128, 64), np.float32), 0)


@pytest.mark.parametrize(("samples", "steps"), [(1, 1), (3, 4), (2, 50)])
def test_the_graphs_together_draw_what_the_denoiser_knows(tmp_path, samples, steps):
    graphs = loaded(tmp_path, level=-0.5)
    expecter = Expecter(graphs["context"], graphs["denoiser"], graphs["decoder"], samples, steps)
    found = expecter(scene(0.25), np.random.default_rng(0))
    assert found.samples_db.shape == (samples, 3, 128, 64)
    # shift and scale of the card were taken back, or the level would be another
    np.testing.assert_allclose(found.mean_db, from_unit(-0.5), atol=1e-2)
    np.testing.assert_allclose(found.spread_db, 0.05 * DB_PER_UNIT, rtol=1e-2)
    np.testing.assert_allclose(found.regression_db, from_unit(0.25), atol=1e-4)
    np.testing.assert_allclose(found.wall, 1 / 9)
    assert found.pose.argmax() == 2
    again = expecter(scene(0.25), np.random.default_rng(0))
    np.testing.assert_array_equal(again.samples_db, found.samples_db)


def test_without_draws_the_regression_is_expected(tmp_path):
    graphs = loaded(tmp_path, spread_scale=2.0)
    expecter = Expecter(graphs["context"], graphs["denoiser"], graphs["decoder"], 0)
    found = expecter(scene(0.25), np.random.default_rng(0))
    np.testing.assert_allclose(found.mean_db, from_unit(0.25), atol=1e-4)
    np.testing.assert_allclose(found.spread_db, 2 * 0.05 * DB_PER_UNIT, rtol=1e-5)


def test_models_of_other_exports_or_kinds_are_refused(tmp_path):
    graphs = loaded(tmp_path)
    names = ("context", "denoiser", "decoder")
    with pytest.raises(ModelError, match="not an image and its map"):
        Expecter(*(graphs[name] for name in ("decoder", "denoiser", "decoder")))
    card = graphs["denoiser"].path.with_suffix(".json")
    told = json.loads(card.read_text())
    (tmp_path / "other").mkdir()
    other = loaded(tmp_path / "other", context_sha256="another")
    assert told["context_sha256"] != "another"
    with pytest.raises(ModelError, match="one export"):
        Expecter(*(other[name] for name in names))
    (tmp_path / "scaled").mkdir()
    scaled = loaded(tmp_path / "scaled", spread_scale=-1)
    with pytest.raises(ModelError, match="spread_scale"):
        Expecter(*(scaled[name] for name in names))
    with pytest.raises(ValueError, match="samples must not be negative"):
        Expecter(*(graphs[name] for name in names), samples=-1)


def test_models_that_give_no_numbers_are_told(tmp_path):
    graphs = loaded(tmp_path, level=np.nan)
    expecter = Expecter(graphs["context"], graphs["denoiser"], graphs["decoder"])
    with pytest.raises(ModelError, match="gives no numbers"):
        expecter(scene(), np.random.default_rng(0))
