"""The semantic network learns, wraps around, and goes out as ONNX; its scores are what they say."""

import json

import numpy as np
import pytest
import torch

from mmwave.inference import ModelError, OnnxModel
from panoradar_ros.learning.boxes import ObjectBox, boxes_of
from panoradar_ros.learning.export import export_semantic_net
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.networks.semantic_net import (
    CHANNELS,
    SIZES,
    SemanticNet,
    SemanticOutput,
)
from panoradar_ros.learning.people_scores import PeopleScores
from panoradar_ros.learning.semantic_scores import SemanticScores
from panoradar_ros.learning.semantic_targets import (
    cells_of,
    overlap,
    semantic_loss,
    semantic_target,
)
from panoradar_ros.learning.semantic_task import (
    SeenFrame,
    changed,
    class_weights,
    drawing_shares,
    without_sector,
)
from panoradar_ros.recognition.detections import Detection
from panoradar_ros.recognition.range_image import LearnedRangeImage
from panoradar_ros.recognition.semantics import IGNORED, SemanticRecogniser, coloured

ROWS, COLUMNS = 16, 64
OBJECTS = ((0, 7, 2, COLUMNS - 3, 8, 6), (1, 8, 10, 30, 5, 9))


@pytest.fixture
def net():
    torch.manual_seed(2)
    return SemanticNet(SIZES["tiny"]).eval()


def features(frame, seed=0):
    """What names the classes by itself: the label as a range."""
    rng = np.random.default_rng(seed)
    out = rng.normal(0, 0.1, (len(CHANNELS), ROWS, COLUMNS)).astype(np.float32)
    out[0] = frame.label / 10
    return out


def trained(net, frame, steps=120):
    optimiser = torch.optim.AdamW(net.parameters(), 1e-2)
    target = semantic_target([frame])
    net.train()
    losses = []
    for step in range(steps):
        loss = semantic_loss(net(torch.from_numpy(features(frame, step))[None]), target)["sum"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    net.eval()
    return losses


def answer(net, array):
    with torch.no_grad():
        return [one[0].numpy() for one in net(torch.from_numpy(array)[None])]


def test_training_finds_classes_and_boxes_across_the_seam(net, object_scene):
    frame = object_scene(*OBJECTS)
    losses = trained(net, frame)
    assert losses[-1] < 0.5 * losses[0]
    scores = SemanticScores()
    scores.add(*answer(net, features(frame, 999)), frame, frame.range)
    found = scores.as_json()
    assert found["pixel_accuracy"] > 97
    assert found["ap50"] > 90
    assert found["people_found"] == found["people"] == 1
    assert found["person_azimuth_deg"] < 6


def test_a_rolled_panorama_gives_the_rolled_answer(net, object_scene):
    frame = object_scene(*OBJECTS)
    trained(net, frame, 10)
    array = features(frame)
    one, other = answer(net, array), answer(net, np.roll(array, 8, axis=2))
    np.testing.assert_allclose(np.roll(one[0], 8, axis=2), other[0], atol=1e-4)
    np.testing.assert_allclose(np.roll(one[1], 4, axis=2), other[1], atol=1e-4)


def test_the_truth_scores_full_marks(object_scene):
    frame = object_scene(*OBJECTS)
    logits = np.eye(11, dtype=np.float32)[frame.label].transpose(2, 0, 1)
    objects, _, edges = cells_of(frame)
    scores = SemanticScores()
    scores.add(logits, 20 * objects - 10, edges, frame, frame.range)
    found = scores.as_json()
    assert found["miou"] == found["pixel_accuracy"] == pytest.approx(100)
    assert found["ap"] == found["ap50"] == pytest.approx(100)
    assert found["person_range_m"] == 0


def test_where_nobody_is_there_is_nothing_to_find(object_scene):
    frame = object_scene()
    logits = np.eye(11, dtype=np.float32)[frame.label].transpose(2, 0, 1)
    scores = SemanticScores()
    scores.add(logits, np.full((2, 8, 32), -9.0), np.ones((4, 8, 32)), frame, frame.range)
    found = scores.as_json()
    assert found["ap50"] is None
    assert found["person_range_m"] is found["person_azimuth_deg"] is None
    assert found["people_found"] == found["people_false"] == found["people"] == 0
    json.dumps(SemanticScores().as_json(), allow_nan=False)


def test_cells_that_are_half_in_an_object_count_for_neither(object_scene):
    frame = object_scene((0, 7, 2, 11, 8, 6))  # columns 11 to 16: half of the cells at both ends
    objects, counts, edges = cells_of(frame)
    assert not counts[1:5, 5].any()
    assert not counts[1:5, 8].any()
    assert objects[0, 1:5, 6:8].all()
    assert objects.sum() == 8
    # from the middle of cell (1, 6), at row 3 and column 13
    assert edges[:, 1, 6].tolist() == [2, 1, 4, 7]


def test_overlap_of_boxes_about_a_cell():
    one = torch.tensor([2.0, 1, 4, 7]).reshape(1, 4, 1, 1)
    assert overlap(one, one).item() == pytest.approx(1)
    assert overlap(one, 2 * one).item() == pytest.approx(0.25)


def test_classes_that_do_not_exist_are_refused(object_scene):
    with pytest.raises(ValueError, match=r"classes must be 0 to 10 or 255, got \[33\]"):
        semantic_target([object_scene((33, 7, 2, 11, 8, 6))])


def test_rare_classes_weigh_more(object_scene):
    weight = class_weights([object_scene(*OBJECTS)])
    assert weight[1] > weight[0] > weight[9]  # 45, 48 and 931 pixels
    assert weight[[0, 1, 9]].mean() == pytest.approx(1)
    assert weight[4] == 1


def test_frames_with_rare_classes_are_drawn_more_often(object_scene):
    frames = [object_scene(OBJECTS[0])] + 7 * [object_scene()]
    share = drawing_shares(frames)
    assert share.sum() == pytest.approx(1)
    assert share[0] == pytest.approx(2 * share[1])  # an eighth of the frames: sqrt(0.5 / 0.125)
    np.testing.assert_allclose(share[1:], share[1])


def test_the_score_that_costs_least_is_the_overlap_of_the_box(object_scene):
    frame = object_scene(OBJECTS[0])
    target = semantic_target([frame])
    shape = target.objects.shape[2:]
    edges = target.edges.clone()
    edges[:, 2] += edges[:, 0] + edges[:, 2]  # boxes of twice the width: half of the overlap
    logits = torch.zeros(1, 11, ROWS, COLUMNS)
    costs = []
    scores = np.arange(0.1, 0.95, 0.1)
    for score in scores:
        odds = torch.where(target.objects > 0, float(np.log(score / (1 - score))), -9.0)
        output = SemanticOutput(logits, odds.reshape(1, 2, *shape), edges)
        costs.append(float(semantic_loss(output, target)["objects"]))
    assert scores[np.argmin(costs)] == pytest.approx(0.5)


def test_a_changed_frame_keeps_features_and_truth_together(object_scene):
    frame = object_scene(*OBJECTS)
    array = features(frame)
    array[CHANNELS.index("left")] = 0.3
    one = SeenFrame(array.astype(np.float16), frame, frame.range)
    left = CHANNELS.index("left")
    signs, whole = set(), 0
    for seed in range(16):
        other = changed(one, np.random.default_rng(seed))
        there = other.frame.label[0] != 255
        told, label = other.features[0][:, there], other.frame.label[:, there]
        np.testing.assert_allclose(told, label / 10, atol=1e-3)
        signs.add(float(np.sign(other.features[left, 0, there][0])))
        if there.all():
            whole += 1
            assert len(boxes_of(other.frame)) == 2
    assert signs == {1.0, -1.0}
    assert 8 <= whole < 16  # a sector is missing from a fifth


def image(frame):
    zero = np.zeros(frame.range.shape, np.float32)
    normal = np.zeros((*frame.range.shape, 3), np.float32)
    range_m = np.array(frame.range)
    range_m[:, 5] = np.nan
    hint = np.zeros((11, *frame.range.shape), np.float32)
    return LearnedRangeImage(range_m, zero, zero + 1, normal, normal, hint)


def test_onnx_says_what_pytorch_says_and_the_recogniser_names_it(net, object_scene, tmp_path):
    frame = object_scene(*OBJECTS)
    trained(net, frame)
    path = tmp_path / "semantic.onnx"
    errors = export_semantic_net(net, path, features(frame), {"name": "semantic"})
    assert errors["objects"] < 0.1
    found = OnnxModel(path).run(features=features(frame)[None])
    for one, name in zip(answer(net, features(frame)), ("logits", "objects"), strict=False):
        np.testing.assert_allclose(found[name], one, atol=0.05)
    recognise = SemanticRecogniser(OnnxModel(path))
    named = recognise(np.full((ROWS, COLUMNS, 256), 60, np.uint8), image(frame))
    assert (named.label[:, 5] == IGNORED).all()
    assert named.label[:, 6:].max() < 11
    assert (coloured(named.label)[:, 5] == 0).all()


def test_pixels_without_a_class_count_as_wrong(object_scene):
    frame = object_scene(*OBJECTS)
    logits = np.eye(11, dtype=np.float32)[frame.label].transpose(2, 0, 1)
    objects, _, edges = cells_of(frame)
    range_m = frame.range.copy()
    person = frame.label == 0
    rows = np.flatnonzero(person.any(axis=1))
    range_m[rows[0] : rows[0] + 3][person[rows[0] : rows[0] + 3]] = np.inf
    lost = (person & ~np.isfinite(range_m)).sum() / person.sum()
    scores = SemanticScores()
    scores.add(logits, 20 * objects - 10, edges, frame, range_m)
    found = scores.as_json()
    assert found["iou_by_class"]["person"] == pytest.approx(100 * (1 - lost))
    assert found["pixel_accuracy"] < 100


def test_the_surest_detection_takes_the_person_and_the_others_are_false():
    range_m = np.full((16, 64), 3.0)
    box = ObjectBox(0, 10, 2, 18, 12, 7)
    sure = Detection(0, 0.9, 11.0, 2.0, 18.0, 12.0)
    better = Detection(0, 0.5, 10.0, 2.0, 18.0, 12.0)
    nobody = Detection(0, 0.3, 40.0, 2.0, 48.0, 12.0)
    scores = PeopleScores()
    scores.add([sure, better, nobody], [box], range_m + 0.1, range_m)
    found = scores.as_json(least_score=0.2)
    assert (found["people"], found["people_found"], found["people_false"]) == (1, 1, 2)
    assert found["person_range_m"] == pytest.approx(0.1)
    assert found["person_azimuth_deg"] == pytest.approx(0.5 * 360 / 64)
    assert scores.as_json(least_score=0.6)["people_false"] == 0
    assert scores.as_json(least_score=0.95)["person_range_m"] is None


def test_a_sector_that_was_not_received_has_no_classes_and_no_boxes(object_scene):
    frame = object_scene(*OBJECTS)
    array = features(frame).astype(np.float16)
    one = SeenFrame(array.copy(), frame, frame.range.copy())
    widths = {box.instance: box.right - box.left for box in boxes_of(frame)}
    lost = without_sector(one, np.random.default_rng(3))
    gone = (lost.features[: CHANNELS.index("row")] == 0).all(axis=(0, 1))
    assert 0 < gone.sum() <= COLUMNS
    assert (lost.frame.label[:, gone] == 255).all()
    assert np.isnan(lost.range_m[:, gone]).all()
    row = CHANNELS.index("row")
    np.testing.assert_array_equal(lost.features[row], array[row])
    np.testing.assert_array_equal(lost.features[:, :, ~gone], array[:, :, ~gone])
    objects, counts, edges = cells_of(lost.frame)
    part = (objects.max(axis=0) > 0) & counts
    in_lost = gone.reshape(-1, 2).all(axis=1)
    assert not part[:, in_lost].any()
    for box in boxes_of(lost.frame):
        assert box.right - box.left <= widths[box.instance]
    # to the left and to the right edge together is the width of a box that is left
    across = (edges[0] + edges[2])[part]
    assert set(np.round(across).astype(int)) <= {b.right - b.left for b in boxes_of(lost.frame)}


def test_boxes_where_nothing_was_received_are_not_told(net, object_scene, tmp_path):
    frame = object_scene(*OBJECTS)
    trained(net, frame)
    path = tmp_path / "semantic.onnx"
    export_semantic_net(net, path, features(frame), {"name": "semantic"})
    recognise = SemanticRecogniser(OnnxModel(path), least_score=0.02)
    echo = np.full((ROWS, COLUMNS, 256), 60, np.uint8)
    whole = image(frame)
    assert recognise(echo, whole).detections
    whole.range_m[:] = np.nan
    assert recognise(echo, whole).detections == []


def test_another_model_is_refused(net, object_scene, tmp_path):
    path = tmp_path / "semantic.onnx"
    export_semantic_net(net, path, features(object_scene()), {"name": "semantic"})
    model = OnnxModel(path)
    model.input_shapes = {"echo": (1, 64, 512, 256)}
    with pytest.raises(ModelError, match="choose a panoradar_semantic model"):
        SemanticRecogniser(model)


def test_a_frame_needs_every_array(object_scene):
    frame = object_scene()
    with pytest.raises(ValueError, match="label must be"):
        Frame(frame.echo, frame.range, frame.classical, frame.normal, frame.label[:3],
              frame.instance, frame.glass)  # fmt: skip
