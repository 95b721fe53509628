"""A wall that looks like none that was learned from makes expectations less sure."""

import json
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
from tiny_graphs import written

from mmanomaly_ros.adaptation import Adaptation, AdaptedExpecter
from mmanomaly_ros.context import Context, context_of
from mmanomaly_ros.expectation import Expecter
from mmanomaly_ros.learning.known_walls import known_walls
from mmanomaly_ros.looks import (
    FEATURES,
    MOST_GROWTH,
    NEW_WALL,
    WallLooks,
    growth_of,
    wall_look,
)
from mmanomaly_ros.watch import WALLS
from mmwave.camera import RGBD_CAMERA
from mmwave.inference import ModelError, OnnxModel

WHITE, YELLOW = (0.75, 0.75, 0.72), (0.8, 0.6, 0.35)
FINE, COARSE = 0.5, 3.0


def pattern(blur_px, rng):
    noise = cv2.GaussianBlur(rng.normal(0, 1, (96, 128)), (0, 0), blur_px)
    return noise / noise.std()


def seen(colour=WHITE, blur_px=FINE, contrast=0.04, depth_m=2.0, seed=0, person=False):
    """The context of a wall that fills the image."""
    rng = np.random.default_rng(seed)
    light = rng.uniform(0.7, 1.1) * (1 + contrast * pattern(blur_px, rng))
    rgb = np.array(colour) * light[..., None] + rng.normal(0, 0.004, (96, 128, 3))
    depth = np.full((96, 128), depth_m * rng.uniform(0.8, 1.2))
    if person:
        rgb[20:, 50:80], depth[20:, 50:80] = (0.1, 0.5, 0.2), 1.0
    return context_of((255 * np.clip(rgb, 0, 1)).astype(np.uint8), depth, RGBD_CAMERA, 1)


@pytest.fixture(scope="module")
def known():
    looks = [wall_look(seen(WHITE, seed=seed)) for seed in range(30)]
    looks += [wall_look(seen(YELLOW, seed=seed)) for seed in range(30)]
    walls = np.repeat([1, 3], 30)
    return WallLooks.fitted(np.array(looks), walls, [f"{n}" for n in range(60)])


def novelties(known, **wall):
    return np.array([known.novelty(wall_look(seen(seed=seed, **wall))) for seed in range(100, 120)])


def test_known_walls_are_usual_and_others_new(known):
    for colour in (WHITE, YELLOW):
        assert np.median(novelties(known, colour=colour)) < 1
        assert (novelties(known, colour=colour) < NEW_WALL).mean() >= 0.8
    assert (novelties(known, blur_px=COARSE, contrast=0.15) > NEW_WALL).all()
    assert (novelties(known, colour=(0.3, 0.3, 0.7)) > NEW_WALL).all()


def test_who_stands_before_the_wall_does_not_change_its_look(known):
    assert np.median(novelties(known, person=True)) < 1
    assert (novelties(known, person=True, blur_px=COARSE, contrast=0.15) > NEW_WALL).all()


def test_less_light_is_no_novelty_and_in_the_dark_nothing_is_said(known):
    for share in (0.75, 0.4):
        contexts = [seen(seed=seed) for seed in range(100, 120)]
        for one in contexts:
            one.image[:3] = share * (one.image[:3] + 0.5) - 0.5
        found = np.array([known.novelty(wall_look(one)) for one in contexts])
        np.testing.assert_allclose(found, novelties(known), rtol=0.05, atol=0.02)
    dark = seen()
    dark.image[:3] = 0.05 * (dark.image[:3] + 0.5) - 0.5
    assert wall_look(dark) is None


def test_of_a_wall_that_is_hardly_seen_nothing_is_said():
    image = np.zeros((5, 96, 128), np.float32)
    empty = Context(image, np.zeros((6, 128, 64), np.float32), 1)
    assert wall_look(empty) is None
    image[3, :10, :10], image[4, :10, :10] = 0.5, 1.0
    assert wall_look(replace(empty, image=image)) is None


def test_expectations_spread_wider_over_new_walls_up_to_a_limit():
    assert [growth_of(one) for one in (0.0, 0.9, 1.0)] == [1, 1, 1]
    assert growth_of(1.25) == pytest.approx((1 + MOST_GROWTH) / 2)
    assert growth_of(1.5) == growth_of(9.0) == MOST_GROWTH
    assert growth_of(np.nan) == 1


@pytest.fixture
def expecter(tmp_path, known):
    paths = written(tmp_path, level=-0.5)
    card = paths["context"].with_suffix(".json")
    card.write_text(json.dumps({**json.loads(card.read_text()), "wall_looks": known.as_json()}))
    names = ("context", "denoiser", "decoder")
    return Expecter(*(OnnxModel(paths[name], threads=1) for name in names), 2, 2)


def test_the_spread_is_that_of_a_known_wall_times_its_growth(expecter):
    usual, new = seen(seed=100), seen(blur_px=COARSE, contrast=0.15, seed=100)
    found = [expecter(one, np.random.default_rng(0)) for one in (usual, new)]
    assert found[0].wall_novelty < 1
    assert found[1].wall_novelty > 1.5
    ratio = found[1].spread_db / found[0].spread_db
    np.testing.assert_allclose(ratio, MOST_GROWTH, rtol=1e-4)
    # the weapon watch looks through no wall
    worn = expecter(replace(new, watch=0), np.random.default_rng(0))
    assert np.isnan(worn.wall_novelty)
    np.testing.assert_allclose(worn.spread_db, found[0].spread_db, rtol=1e-4)
    # a place that was adapted to is known
    adapted = AdaptedExpecter(expecter, Adaptation.none())(new, np.random.default_rng(0))
    assert np.isnan(adapted.wall_novelty)


def test_looks_come_back_from_a_card_and_what_is_none_is_refused(expecter, known, tmp_path):
    assert known.lines.shape == (2, 2, len(FEATURES) - 1)
    back = expecter.wall_looks
    np.testing.assert_allclose(back.lines, known.lines, atol=1e-5)
    np.testing.assert_allclose(back.usual, known.usual, atol=1e-5)
    card = expecter._context.card
    assert WallLooks.of(replace(card, about={})) is None
    for wrong in (
        {"usual": [1.0]},
        {"usual": [1.0, -1.0]},
        {"features": ["red"]},
        {"lines": [[1.0]]},
        {"precision": [[np.nan] * 7] * 7},
    ):
        told = {**known.as_json(), **wrong}
        with pytest.raises(ModelError, match="no usable wall_looks"):
            WallLooks.of(replace(card, about={"wall_looks": told}))
    with pytest.raises(ModelError, match="no usable wall_looks"):
        WallLooks.of(replace(card, about={"wall_looks": {"features": list(FEATURES)}}))


def test_a_wall_of_too_few_sequences_is_not_learned():
    looks = np.array([wall_look(seen(seed=seed)) for seed in range(6)])
    with pytest.raises(ValueError, match="wall 1 has 2 sequences, not 5 and more"):
        WallLooks.fitted(looks, np.ones(6, int), ["a", "a", "a", "b", "b", "b"])


@dataclass
class Filmed:
    """As much of a sequence as is looked at: two frames before a wall, or before none."""

    wall: int
    seed: int
    task: int = 1

    def __post_init__(self):
        rng = np.random.default_rng([self.wall + 1, self.seed])
        light = rng.uniform(0.7, 1.1) * (1 + 0.04 * pattern(FINE, rng))
        rgb = 255 * np.array(WHITE if self.wall == 1 else YELLOW) * light[..., None]
        self.name = f"{self.wall}_{self.seed}"
        self.rgb = np.stack([rgb.clip(0, 255).astype(np.uint8)] * 2)
        self.depth_mm = np.full((2, 96, 128), 2000, np.uint16)

    def __len__(self):
        return 2


def test_known_walls_are_those_that_were_learned_from():
    many = [Filmed(wall, seed) for wall in (-1, 1, 3) for seed in range(6)]
    learned = (WALLS[1], WALLS[3])
    known = known_walls(many, RGBD_CAMERA, learned)
    assert len(known.lines) == 2
    assert known.novelty(wall_look(seen(blur_px=COARSE, contrast=0.15))) > NEW_WALL
    one = known_walls(many, RGBD_CAMERA, learned[:1])
    assert len(one.lines) == 1
    assert one.novelty(wall_look(seen(YELLOW))) > NEW_WALL
    with pytest.raises(ValueError, match="wall 3 has 3 sequences, not 5 and more"):
        known_walls(many[:15], RGBD_CAMERA, learned)
    with pytest.raises(ValueError, match="no wall that the networks learned from"):
        known_walls(many[:6], RGBD_CAMERA, learned)
