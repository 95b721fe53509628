"""Pieces of work side by side."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tqdm import tqdm

from panoradar_ros.commands import pool


class Interrupted(tqdm):
    """A bar at whose second step somebody presses Ctrl-C."""

    steps = 0

    def update(self, n=1):
        self.steps += n
        if self.steps == 2:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def threads(monkeypatch):
    monkeypatch.setattr(pool, "_workers", lambda *_: ThreadPoolExecutor(1))


def test_who_interrupts_does_not_wait_for_what_has_not_begun(tmp_path):
    begun = []

    def work(number):
        begun.append(number)
        time.sleep(0.02)
        return ""

    with pytest.raises(KeyboardInterrupt):
        pool.run_all(work, [(n,) for n in range(200)], Interrupted(disable=True), tmp_path)
    assert 2 <= len(begun) < 100


def test_a_piece_that_fails_ends_the_others_and_problems_are_told(tmp_path, capsys):
    def odd(number):
        return "" if number % 2 else f"{number} is even"

    skipped = pool.run_all(odd, [(n,) for n in range(4)], tqdm(disable=True), tmp_path)
    assert sorted(skipped) == ["0 is even", "2 is even"]
    assert "2 is even" in capsys.readouterr().err

    def full(number):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        pool.run_all(full, [(n,) for n in range(100)], tqdm(disable=True), tmp_path)
