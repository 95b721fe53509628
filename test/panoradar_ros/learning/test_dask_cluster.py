"""Frames from several machines: what is asked of their cluster, and what is refused."""

import json
import os
import sys
from concurrent.futures import Future
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from panoradar_ros.cli import main
from panoradar_ros.learning import simulated

ADDRESS = "tcp://10.0.0.1:8786"
WORKERS = ("tcp://10.0.0.2:1", "tcp://10.0.0.3:1")


class KilledWorker(Exception):  # noqa: N818 - Dask's own name
    pass


class Cluster:
    """A stand-in for Dask's client and its executor: tasks run when they are submitted."""

    threads = 1
    there = WORKERS
    sees = True

    def __init__(self, address):
        self.address, self.calls, self.closed, self.cancelled = address, [], False, False
        type(self).last = self

    def nthreads(self):
        return dict.fromkeys(self.there, self.threads)

    def run(self, function, *arguments):
        return {worker: self.sees and function(*arguments) for worker in self.there}

    def get_executor(self, pure):
        assert not pure, "the same building asked for twice would be taken from memory"
        return self

    def submit(self, function, *arguments):
        self.calls.append(arguments)
        future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait):
        self.cancelled = not wait

    def close(self):
        self.closed = True


@pytest.fixture
def cluster(monkeypatch):
    class Own(Cluster):
        last = None

    module = ModuleType("distributed")
    module.Client, module.KilledWorker = Own, KilledWorker
    module.__spec__ = ModuleSpec("distributed", None)
    monkeypatch.setitem(sys.modules, "distributed", module)
    return Own


@pytest.fixture
def made(monkeypatch):
    """Buildings that were asked for; the robot has no room in number 8."""
    asked = []

    def simulate_building(root, style, seed, frames, people, motion_error_mps):
        if seed == 8:
            raise simulated.NoRoomError("too full")
        asked.append((root, style, seed, frames, people, motion_error_mps))

    monkeypatch.setattr(simulated, "simulate_building", simulate_building)
    return asked


def simulate(folder, *more):
    words = ["simulate", "dataset", str(folder), "--buildings", "3", "--frames", "2"]
    return main([*words, "--seed", "7", "--styles", "office", "--json", "--dask", ADDRESS, *more])


def test_buildings_are_tasks_of_the_cluster(cluster, made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert simulate("frames", "--motion-error", "0.05") == 0
    root = tmp_path / "frames"
    assert cluster.last.address == ADDRESS
    # an absolute path: workers run in folders of their own
    assert cluster.last.calls == [(root, "office", seed, 2, None, 0.05, 1) for seed in (7, 8, 9)]
    assert made == [(root, "office", seed, 2, None, 0.05) for seed in (7, 9)]
    result = json.loads(capsys.readouterr().out)
    assert (result["buildings"], result["frames"]) == (2, 4)
    assert result["skipped"] == ["office 8 left out: too full"]
    assert os.listdir(root) == []
    assert cluster.last.closed


@pytest.mark.parametrize(
    ("problem", "words"),
    [(OSError("disk full"), "disk full"), (KilledWorker("office"), "too little memory")],
)
def test_what_has_not_begun_is_cancelled_when_a_building_fails(
    cluster, tmp_path, monkeypatch, capsys, problem, words
):
    def simulate_building(*_, **__):
        raise problem

    monkeypatch.setattr(simulated, "simulate_building", simulate_building)
    assert simulate(tmp_path / "frames") == 1
    assert words in capsys.readouterr().err
    assert cluster.last.cancelled
    assert cluster.last.closed


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"there": ()}, "no worker is at tcp://10.0.0.1:8786: start some on each machine"),
        ({"threads": 4}, "would do several tasks at once: start workers with `dask worker tcp"),
        ({"sees": False}, "the output must be in a folder that all machines share"),
    ],
)
def test_a_cluster_that_cannot_do_it_is_refused(cluster, made, tmp_path, capsys, wrong, words):
    for name, value in wrong.items():
        setattr(cluster, name, value)
    assert simulate(tmp_path / "frames") == 1
    assert words in capsys.readouterr().err
    assert not made
    assert cluster.last.closed


def test_without_dask_the_extra_is_named(made, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert simulate(tmp_path / "frames") == 1
    assert "pip install 'panoradar_ros[sim,cluster]'" in capsys.readouterr().err
    assert not made


def test_jobs_are_of_this_machine_only(cluster, tmp_path, capsys):
    assert simulate(tmp_path / "frames", "--jobs", "2") == 1
    assert "--jobs is for this machine alone" in capsys.readouterr().err
    assert cluster.last is None


def test_a_full_disk_ends_the_work_of_this_machine_too(tmp_path, monkeypatch, capsys):
    """What has not begun is cancelled; the second of two buildings is not waited for."""
    asked = []

    class Pool:
        def __init__(self, *_, **__):
            self.futures = []

        def __enter__(self):
            return self

        def __exit__(self, *_):
            asked.extend(future.cancelled() for future in self.futures)

        def submit(self, *_):
            self.futures.append(Future())
            if len(self.futures) == 1:
                self.futures[0].set_exception(OSError("disk full"))
            return self.futures[-1]

    monkeypatch.setattr("panoradar_ros.commands.pool.ProcessPoolExecutor", Pool)
    words = ["simulate", "dataset", str(tmp_path / "x"), "--buildings", "3", "--frames", "1"]
    assert main([*words, "--json"]) == 1
    assert "disk full" in capsys.readouterr().err
    assert asked == [False, True, True]
