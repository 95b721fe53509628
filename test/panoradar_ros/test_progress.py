"""How far work is: a bar where somebody watches, lines in a file, nothing in what is printed."""

import sys
import time

from panoradar_ros.commands import progress as module
from panoradar_ros.commands.progress import progress


def worked(count=4):
    for _ in progress(range(count), desc="digging", unit="hole"):
        time.sleep(0.01)


def test_short_work_leaves_a_file_as_it_is(capsys):
    worked()
    told = capsys.readouterr()
    assert told.out == told.err == ""


def test_long_work_says_in_lines_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(module, "LINE_EVERY_S", 0.001)
    worked()
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.strip().splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("digging: ") for line in lines)
    assert "3/4" in lines[2]


def test_lines_come_once_a_minute(monkeypatch, capsys):
    now_s = [1000.0]
    bar = progress(total=100, unit="hole")
    monkeypatch.setattr(bar, "_time", lambda: now_s[0])
    bar.start_t = bar.last_print_t = now_s[0]
    for _ in range(100):
        now_s[0] += 3.0
        bar.update()
    bar.close()
    assert len(capsys.readouterr().err.strip().splitlines()) == 5


def test_a_terminal_shows_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    worked()
    told = capsys.readouterr()
    assert told.out == ""
    assert "\rdigging: 100%" in told.err
