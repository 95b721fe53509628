"""The demo of two fixed radars as a user runs it, with the networks that come with the package.

Room 71 is none that the networks were trained or chosen on.
"""

import json
import os
import subprocess
import sys

import cv2
import pytest

pytestmark = [pytest.mark.ros, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rexo")
    words = ["demo", "--system", "rexo", "--headless", "--json", "--seed", "71", "--people", "2"]
    words += ["--seconds", "8", "--room-seconds", "10.5", "--output", str(folder / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "panoradar_ros.cli", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONUNBUFFERED": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout), folder / "out"


def test_people_are_followed_from_the_bytes_of_two_radars(demo):
    report, _ = demo
    assert report["simulated"] is True
    assert report["frames"] > 10
    assert report["people"] > 10
    assert report["found"] > 0.8
    assert report["place_median_m"] < 0.3
    assert report["false_per_frame"] < 1
    assert report["switches"] <= 2
    assert report["frames_with_both_radars"] > 0.5


def test_report_and_picture_are_written(demo):
    report, folder = demo
    assert json.loads((folder / "report.json").read_text()) == report
    picture = cv2.imread(str(folder / "people.png"))
    assert picture.shape[1] > picture.shape[0] > 300
    assert picture.std() > 10
