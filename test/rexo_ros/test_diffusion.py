"""Boxes from noise: a network that knows the answer leads every box there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rexo_ros.diffusion import LEAST_SIZE, SCALE, Answer, Sampler, Schedule, to_boxes, to_variables

TRUE = np.array([0.4, 0.3, 0.6, 0.1, 0.5, 0.2])


def test_the_schedule_goes_from_clean_to_noise():
    kept = Schedule(100).kept
    assert kept[0] > 0.999
    assert kept[-1] < 1e-3
    assert (np.diff(kept) < 0).all()
    # the curve that it is made of: cos^2 of the share of the way
    assert kept[49] == pytest.approx(np.cos((0.5 + 0.008) / 1.008 * np.pi / 2) ** 2, rel=1e-3)


@given(st.integers(1, 100))
def test_the_way_back_visits_so_many_times_and_ends_clean(steps):
    pairs = list(Schedule(100).way_back(steps))
    assert len(pairs) == steps
    assert pairs[0][0] == 99
    assert pairs[-1][1] == -1
    assert all(time > after for time, after in pairs)
    assert [after for _, after in pairs[:-1]] == [time for time, _ in pairs[1:]]


@given(arrays(np.float64, (5, 6), elements=st.floats(0.02, 0.98)))
def test_boxes_and_variables_go_back_and_forth(boxes):
    variables = to_variables(boxes)
    assert np.abs(variables).max() <= SCALE
    np.testing.assert_allclose(to_boxes(variables), boxes, atol=1e-12)


def test_sizes_are_never_nothing():
    boxes = to_boxes(np.full((2, 6), -9.0))
    assert (boxes[:, :3] == 0).all()
    assert (boxes[:, 3:] == LEAST_SIZE).all()


def knows(seen):
    """A network that says the truth of the first half of the boxes, and nothing of the others."""

    def denoise(boxes, time):
        seen.append((boxes.copy(), time))
        score = (np.arange(len(boxes)) < len(boxes) // 2).astype(float)
        return Answer(np.tile(TRUE, (len(boxes), 1)), score, np.zeros((len(boxes), 4)))

    return denoise


@pytest.mark.parametrize("steps", [1, 3, 10])
@pytest.mark.parametrize("ensemble", [True, False])
def test_boxes_end_where_the_network_says_whatever_their_number(steps, ensemble):
    seen = []
    sampler = Sampler(boxes=14, steps=steps, ensemble=ensemble)
    answer = sampler(knows(seen), np.random.default_rng(3))
    assert len(seen) == steps
    assert answer.boxes.shape == (14 * (steps if ensemble else 1), 6)
    np.testing.assert_array_equal(answer.boxes, np.tile(TRUE, (len(answer.boxes), 1)))


def test_sure_boxes_come_near_and_others_are_drawn_anew():
    seen = []
    Sampler(boxes=400, steps=10)(knows(seen), np.random.default_rng(4))
    off = [np.abs(boxes - TRUE).mean(axis=1) for boxes, _ in seen]
    assert off[-1][:200].mean() < 0.35 * off[0][:200].mean()
    assert off[-1][200:].mean() == pytest.approx(off[0][200:].mean(), rel=0.1)


def test_without_added_noise_the_same_seed_makes_the_same_boxes():
    def run():
        seen = []
        Sampler(boxes=6, steps=4, eta=0.0)(knows(seen), np.random.default_rng(5))
        return np.concatenate([boxes for boxes, _ in seen])

    np.testing.assert_array_equal(run(), run())


def test_a_step_is_the_papers_equation():
    """Equations (27) and (28) for one box, with noise that is known and reaches beyond the room."""
    seen = []
    said = np.full((1, 6), 0.4)

    def denoise(boxes, time):
        seen.append(boxes.copy())
        return Answer(said, np.ones(1), np.zeros((1, 4)))

    Sampler(boxes=1, steps=2, eta=0.7)(denoise, np.random.default_rng(8))
    again = np.random.default_rng(8)
    begun, fresh = again.standard_normal((1, 6)), again.standard_normal((2, 1, 6))[0]
    (time, after), _ = Schedule().way_back(2)
    kept, kept_after = Schedule().kept[[time, after]]
    assert np.abs(begun).max() > SCALE
    clean = (2 * said - 1) * SCALE
    noise = (begun - np.sqrt(kept) * clean) / np.sqrt(1 - kept)
    sigma = 0.7 * np.sqrt((1 - kept_after) / (1 - kept) * (1 - kept / kept_after))
    expected = np.sqrt(kept_after) * clean + np.sqrt(1 - kept_after - sigma**2) * noise
    np.testing.assert_allclose(seen[1], to_boxes(expected + sigma * fresh), atol=1e-12)


def test_numbers_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="steps must be from 1 to 100, got 101"):
        Sampler(steps=101)
    with pytest.raises(ValueError, match="boxes must be at least 1"):
        Sampler(boxes=0)
    with pytest.raises(ValueError, match="times must be at least 2"):
        Schedule(1)
