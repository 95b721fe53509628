import json
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from panoradar_ros.cli import main
from panoradar_ros.commands.children import STOP_TIMEOUT_S
from panoradar_ros.demo_report import TruePath, motion_against_truth, scan_score

START_NS = 1_700_000_000_000_000_000


def circle(seconds=5.0, yaw=0.0):
    time_s = np.linspace(0, seconds, 251)
    pose = np.column_stack([np.cos(time_s), np.sin(time_s), np.full(251, yaw)])
    return TruePath(START_NS + np.rint(time_s * 1e9).astype(np.int64), pose)


def test_mean_velocity_is_that_between_two_places_in_the_robots_frame():
    path = circle(yaw=np.pi / 2)
    velocity = path.mean_velocity_mps(START_NS, START_NS + 500_000_000)
    world = np.array([np.cos(0.5) - 1, np.sin(0.5)]) / 0.5
    assert velocity == pytest.approx([world[1], -world[0]], abs=1e-4)


def test_turns_that_the_truth_does_not_cover_do_not_count():
    path = circle()
    right = tuple(path.mean_velocity_mps(START_NS + 500_000_000, START_NS + 1_000_000_000))
    velocity = {START_NS + 750_000_000: right, START_NS + 100: (9.0, 9.0)}
    score = motion_against_truth(velocity, 0.5, path)
    assert score.rotations == 1
    assert score.speed_mae_mps == pytest.approx(0, abs=1e-9)


def test_no_scan_is_said():
    with pytest.raises(ValueError, match="no scan"):
        scan_score([], [])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["demo", "--seconds", "1"], "--seconds must be more than 2 and finite, got 1.0"),
        (["demo", "--loss", "1.5"], "--loss must be in [0, 1), got 1.5"),
        (["demo", "--style", "castle", "--headless"], "castle"),
        (["up", "--params-file", "/nowhere.yaml"], "no parameter file /nowhere.yaml"),
        (["up", "--set", "serial_port"], "--set takes NODE:NAME=VALUE"),
        (["up", "--set", "imager:device=cpu"], "no node imager; there are imaging, motor, capture"),
        (["up", "--set", "imaging:devise=cpu"], "imaging has no devise; did you mean device"),
        (["up", "--set", "recognition:semantic=true"], "recognition needs --recognition"),
        (
            ["up", "--recognition", "--set", "recognition:semantics=true"],
            "recognition has no semantics; did you mean semantic",
        ),
        (["bench", "imaging", "--trials", "0"], "--trials must be at least 1, got 0"),
        (["replay", "/no/bag"], "no bag at /no/bag"),
    ],
)
def test_a_users_mistake_is_one_line_and_no_traceback(words, message, capsys):
    assert main(words) == 1
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: ")
    assert message in error
    assert "\n" not in error


def test_every_command_explains_itself(capsys):
    from panoradar_ros.cli import COMMANDS

    for name in COMMANDS:
        with pytest.raises(SystemExit) as stopped:
            main([name, "--help"])
        assert stopped.value.code == 0
        assert json.dumps(name)[1:-1] in capsys.readouterr().out


def test_a_terminated_demo_leaves_no_process_behind(tmp_path):
    """SIGTERM ends it like Ctrl-C; a killed parent takes its children along."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        up = tmp_path / f"up_{number}"
        life = f"import pathlib, time; pathlib.Path({str(up)!r}).touch(); time.sleep(60)"
        program = (
            "import sys, time\n"
            "from panoradar_ros.commands.children import ChildProcess\n"
            "from panoradar_ros.cli import main\n"
            "import panoradar_ros.commands.doctor as doctor\n"
            "def run(arguments):\n"
            f"    with ChildProcess(['-c', {life!r}]) as child:\n"
            "        print(child.usage.pid, flush=True)\n"
            "        time.sleep(60)\n"
            "doctor.run = run\n"
            "sys.exit(main(['doctor']))\n"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
        )
        child = psutil.Process(int(parent.stdout.readline()))
        # an interpreter that is just starting may swallow the interrupt
        deadline_s = time.monotonic() + 30
        while not up.exists() and time.monotonic() < deadline_s:
            time.sleep(0.02)
        parent.send_signal(number)
        patience_s = STOP_TIMEOUT_S + 10
        assert parent.wait(patience_s) == (130 if number == signal.SIGTERM else -signal.SIGKILL)
        _gone, alive = psutil.wait_procs([child], timeout=10)
        assert not alive
        parent.stdout.close()
