"""Several processes train as one does, weights stay equal, and one of them writes."""

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mmwave.learning import training
from mmwave.learning.distributed import (
    ALONE,
    Processes,
    average_gradients,
    joined,
    processes_of_torchrun,
)
from mmwave.learning.training import read_checkpoint, train
from panoradar_ros.learning.dataset import FrameSet, batches
from panoradar_ros.learning.frames import Frame, write_building
from panoradar_ros.learning.range_task import RangeTask
from panoradar_ros.learning.settings import PanoramaTraining

STEPS, BATCH = 6, 4


def frame(seed):
    rng = np.random.default_rng(seed)
    bins = np.repeat(rng.integers(20, 240, (1, 32)), 64, axis=0)
    echo = rng.integers(20, 60, (64, 32, 256), dtype=np.uint8)
    np.put_along_axis(echo, bins[..., None], 160, axis=-1)
    range_m = (bins * 0.03747 + 0.08).astype(np.float32)
    normal = np.zeros((64, 32, 3), np.int8)
    normal[..., 0] = -127
    flat, nothing = np.full((64, 32), 9, np.uint8), np.zeros((64, 32), np.int32)
    return Frame(echo, range_m, range_m, normal, flat, nothing, nothing.astype(bool))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("frames")
    write_building(root / "b_0", [frame(one) for one in range(4)], {"style": "b", "seed": 0})
    other = {"style": "b", "seed": 1}
    write_building(root / "validation" / "b_1", [frame(one) for one in range(4, 6)], other)
    return root


def settings(**other):
    return PanoramaTraining(
        **{"size": "tiny", "steps": STEPS, "batch": BATCH, "validations": 1, **other}
    )


class StopTraining(Exception):  # noqa: N818 - it is no error
    pass


class Toy:
    """A curve through points; ends early where it is asked to."""

    def __init__(self, last=STEPS):
        self.last, self.validated = last, 0

    def network(self, _):
        return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()

    def batches(self, settings, steps):
        for step in steps:
            if step == self.last:
                raise StopTraining
            rng = np.random.default_rng([settings.seed, step])
            yield list(torch.from_numpy(rng.normal(size=(settings.batch, 4))))

    def loss(self, net, batch, _):
        points = torch.stack(batch)
        return {"sum": (net(points[:, :3]) - points[:, 3:]).square().mean()}

    def validate(self, _, __):
        self.validated += 1
        return {}

    def describe(self):
        return {}


def gradients(processes):
    """A gradient of all processes, one of the second only, one of none."""
    of_all, of_one, of_none = (nn.Parameter(torch.zeros(2, 2)) for _ in range(3))
    of_all.grad = torch.full((2, 2), 1.0 + processes.rank)
    of_one.grad = torch.ones(2, 2) if processes.rank else None
    average_gradients([of_all, of_one, of_none], processes)
    return of_all.grad[0, 0].item(), of_one.grad[0, 0].item(), of_none.grad


def one_of_two(rank, ports, folder, data):
    """All that the two processes do together, each with a folder of its own to be looked into."""
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    processes = processes_of_torchrun()
    ports = iter(ports)

    def trained(task, name, **other):
        os.environ["MASTER_PORT"] = str(next(ports))
        return train(task, folder / name, settings(**other), training._silent, processes)

    toy = Toy()
    whole = trained(toy, "toy")
    training.CHECKPOINT_S = 0.0
    for name in ("parts", "begun"):
        with pytest.raises(StopTraining):
            trained(Toy(last=3), name)
    resumed = trained(Toy(), "parts")
    frames = FrameSet.under(data)
    tiny = trained(RangeTask(frames, frames), "tiny", steps=3)
    apart = folder / f"apart_{rank}"
    if rank == 0:
        train(Toy(), apart, settings(steps=1), training._silent)
    os.environ["MASTER_PORT"] = str(next(ports))
    with pytest.raises(ValueError, match=r"steps \[0, 1\]: the run's folder must be one"):
        train(Toy(), apart, settings(steps=1), training._silent, processes)
    os.environ["MASTER_PORT"] = str(next(ports))
    with joined(processes, "cpu"):
        averaged = gradients(processes)
    weights = [[one.detach().numpy() for one in run.net.parameters()] for run in
               (whole, resumed, tiny)]  # fmt: skip
    return weights, averaged, toy.validated


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="module")
def two(data, tmp_path_factory):
    """The folder of the runs, and what each of two processes returned."""
    folder, ports = tmp_path_factory.mktemp("two"), free_ports(7)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        both = [pool.submit(one_of_two, rank, ports, folder, data) for rank in range(2)]
        return folder, [one.result(timeout=120) for one in both]


def test_gradients_are_averaged_and_absent_ones_count_as_zero(two):
    for _, averaged, _ in two[1]:
        assert averaged == (1.5, 0.5, None)


def test_two_processes_train_as_one_does_with_the_whole_batch(two, tmp_path):
    alone = train(Toy(), tmp_path / "alone", settings(), training._silent)
    for weights, _, _ in two[1]:
        for one, other in zip(alone.net.parameters(), weights[0], strict=True):
            np.testing.assert_allclose(one.detach(), other, rtol=1e-9, atol=1e-12)


def test_two_processes_that_were_stopped_go_on_as_if_they_had_not(two):
    for (whole, resumed, _), _, _ in two[1]:
        for one, other in zip(whole, resumed, strict=True):
            np.testing.assert_array_equal(one, other)


def test_one_process_goes_on_with_what_two_began(two):
    folder, ((weights, _, _), _) = two
    assert read_checkpoint(folder / "begun")["step"] == 3
    run = train(Toy(), folder / "begun", settings(), training._silent)
    assert run.step == STEPS
    for one, other in zip(run.net.parameters(), weights[0], strict=True):
        np.testing.assert_allclose(one.detach(), other, rtol=1e-9, atol=1e-12)


def test_weights_of_the_range_network_stay_equal_and_are_those_saved(two):
    folder, ((first, _, _), (second, _, _)) = two
    for one, other in zip(first[2], second[2], strict=True):
        np.testing.assert_array_equal(one, other)
    saved = read_checkpoint(folder / "tiny")
    assert saved["step"] == 3
    net = RangeTask([], []).network(settings())
    net.load_state_dict(saved["net"])
    for one, other in zip(net.parameters(), first[2], strict=True):
        np.testing.assert_array_equal(one.detach(), other)


def test_the_first_process_alone_writes_and_validates(two):
    folder, (first, second) = two
    assert (first[2], second[2]) == (1, 0)
    lines = (folder / "toy" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [STEPS]
    assert json.loads((folder / "toy" / "run.json").read_text())["processes"] == 2


def test_torchrun_trains_from_the_command_line(data, tmp_path):
    words = ["torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    words += ["-m", "panoradar_ros.cli", "train", "range", "--size", "tiny", "--steps", "2"]
    words += [
        "--data",
        data,
        "--validation",
        data / "validation",
        "--output",
        tmp_path / "run",
        "--json",
    ]
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (result,) = done.stdout.splitlines()
    assert json.loads(result)["steps"] == 2
    assert read_checkpoint(tmp_path / "run")["step"] == 2


def test_shares_are_the_whole_batch_and_no_frame_twice(data):
    (batch,) = batches(FrameSet.under(data), BATCH, range(7, 8), 3)
    shares = [batch[Processes(rank, 2, rank, 2).share(BATCH)] for rank in range(2)]
    assert [len(one) for one in shares] == [2, 2]
    for one, other in zip(batch, [*shares[0], *shares[1]], strict=True):
        np.testing.assert_array_equal(one.echo, other.echo)


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"batch of 3 frames .* by 2 processes.*multiple of 2"):
        train(Toy(), tmp_path / "run", settings(batch=3), processes=Processes(0, 2, 0, 2))
    assert not (tmp_path / "run").exists()


def test_torchrun_tells_who_this_is():
    assert processes_of_torchrun({}) == ALONE
    told = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}
    assert processes_of_torchrun(told) == Processes(5, 8, 1, 8)
    assert processes_of_torchrun(told | {"LOCAL_WORLD_SIZE": "4"}) == Processes(5, 8, 1, 4)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"RANK": "0", "WORLD_SIZE": "2"}, "without LOCAL_RANK: start .* torchrun"),
        ({"RANK": "0", "WORLD_SIZE": "two", "LOCAL_RANK": "0"}, "should be numbers"),
        ({"RANK": "2", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}, "rank must be from 0"),
    ],
)
def test_an_environment_that_is_not_torchruns_is_refused(told, words):
    with pytest.raises(ValueError, match=words):
        processes_of_torchrun(told)


def test_each_process_takes_its_own_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert Processes(3, 4, 1, 2).device("cuda") == "cuda:1"
    assert Processes(3, 4, 1, 2).device("cpu") == "cpu"
    assert ALONE.device("cuda") == "cuda"
    with pytest.raises(ValueError, match="cuda:1 is one GPU for 4 processes"):
        Processes(3, 4, 1, 2).device("cuda:1")
    with pytest.raises(ValueError, match="4 processes on a machine with 2 GPUs"):
        Processes(3, 4, 3, 4).device("cuda")
