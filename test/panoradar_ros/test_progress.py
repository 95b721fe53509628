"""How far work is: a bar where somebody watches, lines in a file, nothing in what is printed."""

import sys
import time

import pytest

from panoradar_ros.commands import progress as module
from panoradar_ros.commands.progress import progress


@pytest.fixture(autouse=True)
def begun_now(monkeypatch):
    monkeypatch.setattr(module._Lines, "said_s", time.monotonic())


def worked(count=4):
    for _ in progress(range(count), desc="digging", unit="hole", mininterval=0):
        time.sleep(0.01)


def test_short_work_leaves_a_file_as_it_is(capsys):
    worked()
    told = capsys.readouterr()
    assert told.out == told.err == ""


def test_long_work_says_in_lines_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(module, "LINE_EVERY_S", 0.0)
    worked()
    told = capsys.readouterr()
    assert told.out == ""
    assert "\r" not in told.err
    lines = told.err.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("digging: ") for line in lines)
    assert any("3/4" in line for line in lines)


@pytest.fixture
def now_s(monkeypatch):
    """A clock of the test's own."""
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(module._Lines, "said_s", clock[0])
    return clock


def test_lines_come_once_a_minute_however_often_a_bar_is_drawn(now_s, capsys):
    with progress(total=100, unit="hole", mininterval=0) as bar:
        for number in range(100):
            now_s[0] += 3.0
            bar.update()
            bar.set_postfix_str(f"deep {number}")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert all("/100" in line for line in lines)


def test_the_clock_runs_on_from_one_bar_to_the_next(now_s, capsys):
    for phase in ("digging", "filling", "raking"):
        with progress(total=1, desc=phase, mininterval=0) as bar:
            now_s[0] += 40.0
            bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["filling"]


def test_what_is_said_beside_a_bar_is_in_a_line_of_its_own(now_s, capsys):
    with progress(total=2, mininterval=0) as bar:
        now_s[0] += 1000.0
        bar.update()
        bar.write("one is damaged", file=sys.stderr)
        bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert "one is damaged" in lines
    assert len(lines) == 2


def test_a_terminal_shows_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    worked()
    told = capsys.readouterr()
    assert told.out == ""
    assert "\rdigging: 100%" in told.err
