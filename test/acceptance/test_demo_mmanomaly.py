"""The demo of a watch as a user runs it, with the networks that come with the package.

Scene 9073 is none that the networks were trained or chosen on.
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
    folder = tmp_path_factory.mktemp("watch")
    words = ["demo", "--system", "mmanomaly", "--watch", "intruder", "--headless", "--json"]
    words += ["--seed", "9073", "--seconds", "18", "--scene-seconds", "14"]
    done = subprocess.run(
        [sys.executable, "-m", "panoradar_ros.cli", *words, "--output", str(folder / "out")],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONUNBUFFERED": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout), folder / "out"


def test_an_intruder_raises_the_alarm_at_their_place_and_nobody_does_not(demo):
    report, _ = demo
    assert report["simulated"] is True
    assert report["frames"] > 10
    assert report["states"]["anomaly"] > 0
    assert report["states"]["normal"] > 0
    assert report["alarmed"] > 0.5
    frames, share = report["frames"], report["false_alarmed"]
    anomalous = (report["states"]["anomaly"] - share * frames) / (report["alarmed"] - share)
    # an alarm lasts as long as the window that is looked at, 20 frames, longer than its cause; the
    # intruder is there from 3.5 to 10.5 s and, as the scene begins anew, from 17.5 s on
    assert share * (frames - anomalous) < 25
    assert report["place_median_m"] < 1.0


def test_report_and_pictures_are_written(demo):
    report, folder = demo
    assert json.loads((folder / "report.json").read_text()) == report
    for name in ("anomaly_there", "nothing_there"):
        picture = cv2.imread(str(folder / f"{name}.png"))
        assert picture.shape[1] > picture.shape[0] > 300
        assert picture.std() > 10
