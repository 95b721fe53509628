"""The weights that come with the package see a simulated building that they never learned from."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from mmwave.inference import OnnxModel, read_card
from mmwave.simulation.scene import IGNORED_CLASS
from panoradar_ros.learning.evaluation import fresh_frames
from panoradar_ros.learning.range_scores import absolute_error_m, counted_pixels, strongest_echo_m
from panoradar_ros.learning.semantic_task import features_of
from panoradar_ros.recognition.models import INT8, SINGLE, mismatch, model_path

SEED = 61_000


@pytest.fixture(scope="module")
def fresh():
    (one,) = fresh_frames(SEED, 1, ["school"])
    return one.frame


@pytest.fixture(scope="module", params=[SINGLE, INT8], ids=["single", "int8"])
def models(request):
    return [model_path(one) for one in request.param]


@pytest.fixture(scope="module")
def answer(models, fresh):
    return OnnxModel(models[0]).run(echo=fresh.echo[None])


def test_ranges_are_within_centimetres_and_far_better_than_the_strongest_echo(fresh, answer):
    counted = counted_pixels(fresh)
    learned = absolute_error_m(answer["range_m"], fresh)[counted]
    strongest = absolute_error_m(strongest_echo_m(fresh.echo), fresh)[counted]
    assert np.median(learned) < 0.03
    assert learned.mean() < 0.3 * strongest.mean()


def test_most_pixels_get_their_class(models, fresh, answer):
    features = features_of(fresh.echo, answer)
    logits = OnnxModel(models[1]).run(features=features[None])["logits"]
    counted = fresh.label != IGNORED_CLASS
    assert (logits.argmax(axis=0) == fresh.label)[counted].mean() > 0.8


def test_both_belong_together(models):
    assert mismatch(*(read_card(path) for path in models)) == ""


def test_the_pair_in_8_bits_was_made_of_the_single_one():
    for single, small in zip(SINGLE, INT8, strict=True):
        assert largest_weight(model_path(small)) <= 64  # see test_quantised
        made_of = read_card(model_path(small)).about["quantised"]["sha256"]
        assert made_of == read_card(model_path(single)).sha256


def largest_weight(path):
    """Of the convolutions that are in 8 bits."""
    initializers = onnx.load(str(path)).graph.initializer
    weights = [numpy_helper.to_array(one) for one in initializers if len(one.dims) == 4]
    return max(np.abs(one.astype(int)).max() for one in weights if one.dtype == np.int8)
