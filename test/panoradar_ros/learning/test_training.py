"""Training: goes on where it stopped as if it had not, says what is wrong, keeps what is good."""

import json
from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest
import torch

from mmwave.inference import ModelError, card_path, file_sha256
from mmwave.learning.curves import save_curves
from mmwave.learning.training import begin_with, read_run, step_of, train
from mmwave.waveform import Waveform
from panoradar_ros.learning.dataset import (
    NO_AUGMENTATION,
    FrameSet,
    augmented,
    batches,
    range_batch,
)
from panoradar_ros.learning.export import export_range_net
from panoradar_ros.learning.frames import NAMES, Frame, write_building
from panoradar_ros.learning.range_task import RangeTask
from panoradar_ros.learning.settings import PanoramaTraining

ROWS, COLUMNS = 64, 32
BIN_M = Waveform().range_bin_m


def frame(seed):
    """One reflector a ray, straight ahead of it."""
    rng = np.random.default_rng(seed)
    bins = np.repeat(rng.integers(20, 240, (1, COLUMNS)), ROWS, axis=0)
    echo = rng.integers(20, 60, (ROWS, COLUMNS, 256), dtype=np.uint8)
    np.put_along_axis(echo, bins[..., None], 160, axis=-1)
    range_m = (bins * BIN_M + 0.08).astype(np.float32)
    normal = np.zeros((ROWS, COLUMNS, 3), np.int8)
    normal[..., 0] = -127
    shape = (ROWS, COLUMNS)
    return Frame(
        echo, range_m, range_m, normal, np.full(shape, 9, np.uint8), np.zeros(shape, np.int32),
        np.zeros(shape, bool),
    )  # fmt: skip


@pytest.fixture
def data(tmp_path):
    for number in range(3):
        frames = [frame(10 * number + one) for one in range(2)]
        write_building(tmp_path / "data" / f"b_{number}", frames, {"style": "b", "seed": number})
    return FrameSet.under(tmp_path / "data")


def settings(**other):
    return PanoramaTraining(**{"size": "tiny", "steps": 6, "batch": 2, "validations": 2, **other})


class StopTraining(Exception):  # noqa: N818 - it is no error
    pass


def stopping_after(count, why=StopTraining):
    def progress(steps, **_):
        for number, one in enumerate(steps):
            if number == count:
                raise why
            yield one

    return progress


def quiet(steps, **_):
    return steps


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(data, tmp_path, monkeypatch):
    monkeypatch.setattr("mmwave.learning.training.CHECKPOINT_S", 0.0)
    whole = train(RangeTask(data, data), tmp_path / "whole", settings(), quiet)
    with pytest.raises(StopTraining):
        train(RangeTask(data, data), tmp_path / "parts", settings(), stopping_after(4))
    resumed = train(RangeTask(data, data), tmp_path / "parts", settings(), quiet)
    assert whole.step == resumed.step == 6
    for one, other in zip(whole.net.parameters(), resumed.net.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    log = [json.loads(line) for line in (tmp_path / "parts" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "validation" in line] == [3, 6]


def test_who_interrupts_loses_nothing(data, tmp_path, monkeypatch):
    monkeypatch.setattr("mmwave.learning.training.LOGGED_STEPS", 1)
    folder, shown = tmp_path / "run", {}
    with pytest.raises(KeyboardInterrupt):
        train(RangeTask(data, data), folder, settings(), stopping_after(4, KeyboardInterrupt))
    assert step_of(folder) == 4

    def noted(steps, **words):
        shown.update(words)
        return steps

    resumed = train(RangeTask(data, data), folder, settings(), noted)
    assert (shown["initial"], shown["total"]) == (4, 6)
    whole = train(RangeTask(data, data), tmp_path / "whole", settings(), quiet)
    for one, other in zip(whole.net.parameters(), resumed.net.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    assert step_of(tmp_path / "nothing") == 0


def test_the_log_of_a_run_that_never_saved_is_begun_anew(data, tmp_path, monkeypatch):
    monkeypatch.setattr("mmwave.learning.training.LOGGED_STEPS", 1)
    with pytest.raises(StopTraining):
        train(RangeTask(data, data), tmp_path / "run", settings(), stopping_after(2))
    train(RangeTask(data, data), tmp_path / "run", settings(), quiet)
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines if "validation" not in line]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_steps_that_are_lost_with_a_process_are_not_in_the_log(data, tmp_path, monkeypatch):
    monkeypatch.setattr("mmwave.learning.training.LOGGED_STEPS", 1)
    monkeypatch.setattr("mmwave.learning.training.CHECKPOINT_S", 0.0)
    with pytest.raises(StopTraining):
        train(RangeTask(data, data), tmp_path / "run", settings(), stopping_after(2))
    monkeypatch.setattr("mmwave.learning.training.CHECKPOINT_S", 1e9)
    with pytest.raises(StopTraining):  # these steps are logged, and never saved
        train(RangeTask(data, data), tmp_path / "run", settings(), stopping_after(2))
    with (tmp_path / "run" / "log.jsonl").open("a") as file:
        file.write('{"step": 5, "secon')
    train(RangeTask(data, data), tmp_path / "run", settings(), quiet)
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines if "validation" not in line]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_products_in_bfloat16_leave_losses_and_weights_single(data):
    task, batch = RangeTask(data, data), [frame(3), frame(4)]
    torch.manual_seed(0)
    net = task.network(settings())
    torch.nn.init.normal_(net.answer.weight, std=0.02)  # zero at first: nothing would be heard
    parts = {}
    for precision in ("float32", "bfloat16"):
        net.zero_grad()
        parts[precision] = task.loss(net, batch, settings(precision=precision))
        parts[precision]["sum"].backward()
        assert {one.grad.dtype for one in net.parameters()} == {torch.float32}
    for name, single in parts["float32"].items():
        assert parts["bfloat16"][name].dtype == torch.float32
        torch.testing.assert_close(parts["bfloat16"][name], single, rtol=0.02, atol=0.01)
    assert not torch.equal(parts["bfloat16"]["sum"], parts["float32"]["sum"])
    with pytest.raises(ValueError, match="float32, bfloat16, got 'int8'"):
        settings(precision="int8")


def test_a_run_is_read_with_what_is_known_of_it(data, tmp_path):
    run = train(RangeTask(data, data), tmp_path / "run", settings(), quiet)
    net, about = read_run(tmp_path / "run", RangeTask(data, data))
    for one, other in zip(run.net.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    assert about["step"] == 6
    assert about["data"]["buildings"] == 3
    with pytest.raises(ValueError, match="holds no run"):
        read_run(tmp_path / "none", RangeTask(data, data))


def test_losses_and_validations_are_drawn(tmp_path):
    with (tmp_path / "log.jsonl").open("w") as file:
        for step in range(20, 420, 20):
            file.write(json.dumps({"step": step, "seconds": 1.0, "bins": 1.0, "sum": 2.0}) + "\n")
            if step % 100 == 0:
                line = {"step": step, "validation": {"miou": step / 10, "ap50": None}}
                file.write(json.dumps(line) + "\n")
    save_curves(tmp_path)
    picture = cv2.imread(str(tmp_path / "curves.png"))
    assert picture.shape == (440, 1280, 3)  # losses and mIoU, side by side
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10
    (tmp_path / "log.jsonl").write_text('{"step": 20, "sum": 1.0}\n')
    (tmp_path / "curves.png").unlink()
    save_curves(tmp_path)
    assert not (tmp_path / "curves.png").exists()


def test_other_settings_in_the_same_folder_are_refused(data, tmp_path):
    train(RangeTask(data, data), tmp_path / "run", settings(), quiet)
    with pytest.raises(ValueError, match="learning_rate"):
        train(RangeTask(data, data), tmp_path / "run", settings(learning_rate=1e-4), quiet)


def test_a_run_begins_with_the_weights_of_another(data, tmp_path):
    first = train(RangeTask(data, data), tmp_path / "first", settings(), quiet)
    net = RangeTask(data, data).network(settings(seed=9))
    with torch.no_grad():
        net.evidence.fill_(0.0)
    assert begin_with(net, tmp_path / "first") == []
    for one, other in zip(first.net.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    wanted = settings(begin_from=str(tmp_path / "first"), learning_rate=1e-9, weight_decay=1e-9)
    second = train(RangeTask(data, data), tmp_path / "second", wanted, quiet)
    for one, other in zip(first.net.parameters(), second.net.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    _, about = read_run(tmp_path / "second", RangeTask(data, data))
    assert about["settings"]["begin_from"] == "first"  # no path of this machine
    assert about["began_with"]["step"] == 6
    assert about["began_with"]["data"]["buildings"] == 3


def test_a_run_begins_with_an_exported_model(data, tmp_path):
    first = train(RangeTask(data, data), tmp_path / "first", settings(), quiet)
    path = tmp_path / "first.onnx"
    net, about = read_run(tmp_path / "first", RangeTask(data, data))
    export_range_net(net, path, data[0].echo, {"name": "first", "training": about})
    other = RangeTask(data, data).network(settings(seed=9))
    left = begin_with(other, path)
    assert all(name.endswith("num_batches_tracked") for name in left)
    found = other.state_dict()
    for name, value in first.net.state_dict().items():
        if name not in left:  # half precision
            torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-6)
    wanted = settings(begin_from=str(path), seed=5)
    train(RangeTask(data, data), tmp_path / "second", wanted, quiet)
    _, about = read_run(tmp_path / "second", RangeTask(data, data))
    assert about["began_with"]["sha256"] == file_sha256(path)
    assert about["began_with"]["settings"]["seed"] == settings().seed


def test_a_model_without_names_of_its_weights_is_refused(data, tmp_path):
    train(RangeTask(data, data), tmp_path / "first", settings(), quiet)
    path = tmp_path / "first.onnx"
    net, about = read_run(tmp_path / "first", RangeTask(data, data))
    export_range_net(net, path, data[0].echo, {"name": "first", "training": about})
    model = onnx.load(path)
    for number, one in enumerate(model.graph.initializer):
        one.name = str(number)
    onnx.save(model, path)
    with pytest.raises(ModelError, match="not the file that its card describes"):
        begin_with(net, path)
    card_path(path).write_text(json.dumps({"name": "first", "sha256": file_sha256(path)}))
    with pytest.raises(ValueError, match=r"by name: export it anew"):
        begin_with(net, path)


def test_what_does_not_fit_stays_and_what_is_of_another_network_is_refused(data, tmp_path):
    train(RangeTask(data, data), tmp_path / "first", settings(), quiet)
    other = RangeTask(data, data).network(settings(seed=9))
    other.feature = torch.nn.Linear(100, 8)
    left = begin_with(other, tmp_path / "first")
    assert left == ["feature.weight"]
    larger = RangeTask(data, data).network(settings(size="small"))
    for wrong in (larger, torch.nn.Linear(2, 2)):
        with pytest.raises(ValueError, match=r"of another network or size"):
            begin_with(wrong, tmp_path / "first")


def test_a_run_begins_with_a_part_of_another_network(data, tmp_path):
    first = train(RangeTask(data, data), tmp_path / "first", settings(), quiet)
    net = RangeTask(data, data).network(settings(seed=9))
    untouched = {name: value.clone() for name, value in net.state_dict().items()}
    part = next(name for name in untouched if "." in name).split(".")[0] + "."
    left = begin_with(net, tmp_path / "first", part)
    assert set(left) == {name for name in untouched if not name.startswith(part)} != set()
    for name, value in net.state_dict().items():
        torch.testing.assert_close(
            value, (untouched if name in left else first.net.state_dict())[name]
        )
    with pytest.raises(ValueError, match="no weight of the network begins with 'nothing'"):
        begin_with(net, tmp_path / "first", "nothing")
    with pytest.raises(ValueError, match="needs a network to begin from"):
        settings(begin_only=part)


def test_a_broken_checkpoint_is_named(data, tmp_path):
    train(RangeTask(data, data), tmp_path / "run", settings(), quiet)
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"checkpoint\.pt cannot be read"):
        train(RangeTask(data, data), tmp_path / "run", settings(), quiet)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"size": "huge"}, "size must be one of"), ({"steps": 0}, "steps must be positive")],
)
def test_wrong_settings_are_refused(data, tmp_path, wrong, words):
    with pytest.raises(ValueError, match=words):
        train(RangeTask(data, data), tmp_path / "run", settings(**wrong), quiet)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="finds no GPU"):
        settings(device="cuda")


def test_rolling_and_flipping_keep_truth_and_echoes_together():
    one = frame(1)
    normal = np.array(one.normal)
    normal[..., 1] = 40
    one = Frame(**{**{name: getattr(one, name) for name in NAMES}, "normal": normal})
    wanted = replace(NO_AUGMENTATION, roll=True, flip=True)
    flipped = set()
    for seed in range(8):
        other = augmented(one, wanted, np.random.default_rng(seed))
        found_m = other.echo.argmax(axis=-1) * BIN_M + 0.08
        np.testing.assert_allclose(found_m, other.range, atol=1e-3)
        flipped.add(int(other.normal[0, 0, 1]))
    assert flipped == {40, -40}


def test_without_augmentation_nothing_changes():
    one = frame(1)
    other = augmented(one, NO_AUGMENTATION, np.random.default_rng(0))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_noise_is_as_large_as_asked_and_differs_from_ray_to_ray():
    one = frame(1)
    other = augmented(one, replace(NO_AUGMENTATION, noise_db=2.0), np.random.default_rng(0))
    error = other.echo.astype(float) - one.echo
    assert error.std() / 4 == pytest.approx(2.0, rel=0.05)
    correlation = np.corrcoef(error[0, 0], error[0, 1])[0, 1]
    assert abs(correlation) < 0.2


def test_batches_of_a_step_do_not_depend_on_where_the_run_began(data):
    long = list(batches(data, 2, range(6), 3))
    short = list(batches(data, 2, range(4, 6), 3))
    for one, other in zip(long[4:], short, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a.echo, b.echo)
    seen = [f.range[0, 0] for batch in long[:3] for f in batch]
    assert len(seen) == 6


def test_normals_are_unit_vectors_again_after_bytes_and_none_stays_none():
    one = frame(2)
    normal = np.array(one.normal)
    normal[0, 0], normal[0, 1] = (-73, 73, 74), 0
    one = Frame(**{**{name: getattr(one, name) for name in NAMES}, "normal": normal})
    _, target = range_batch([one])
    length = target.normal[0].norm(dim=0)
    assert length[0, 0] == pytest.approx(1)
    assert length[0, 1] == 0


def test_glass_does_not_count():
    one = frame(2)
    glass = np.zeros((ROWS, COLUMNS), bool)
    glass[3, 4] = True
    one = Frame(**{**{name: getattr(one, name) for name in NAMES}, "glass": glass})
    _, target = range_batch([one])
    assert not target.counts[0, 3, 4]
    assert target.counts.sum() == ROWS * COLUMNS - 1
