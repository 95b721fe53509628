"""The web viewer, fed by real nodes, seen by a real browser."""

import threading
import time

import numpy as np
import psutil
import pytest
from devtools import Browser
from PIL import Image
from rclpy.parameter import Parameter
from viewer_scene import SceneRobot

from mmwave.ros.node import bring_up
from panoradar_ros.nodes.viewer import ViewerNode

pytestmark = pytest.mark.browser

BROWSER_DEADLINE_S = 150.0  # software rendering of a 43 MB page on two cores


def share(pixels: np.ndarray, chosen: np.ndarray) -> float:
    return float(chosen.mean()) if pixels.size else 0.0


def scene_signs(picture: np.ndarray) -> dict[str, float]:
    """Shares of pixels that only the scene can have, by what they show."""
    rows, columns = picture.shape[:2]
    building = picture[rows // 10 : -rows // 10, : int(0.58 * columns)].astype(int)
    pictures = picture[rows // 10 : rows // 2, int(0.62 * columns) :].astype(int)
    red, green, blue = np.moveaxis(building, -1, 0)
    floor = (blue > red + 40) & (blue > green + 20)
    warm = (red > green + 40) & (red > blue + 40)  # high points, the scan
    robot = (red > 180) & (green > 130) & (blue < 80)
    spread = np.ptp(pictures, axis=-1)
    return {
        "floor": share(building, floor),
        "points": share(building, warm),
        "robot": share(building, robot),
        "heatmap": share(pictures, spread > 90),
    }


def is_shown(picture: np.ndarray) -> bool:
    signs = scene_signs(picture)
    return (
        signs["floor"] > 0.02
        and signs["points"] > 0.002
        and signs["robot"] > 0.0003
        and signs["heatmap"] > 0.05
    )


def listening_addresses(process: psutil.Process) -> set[str]:
    return {
        one.laddr.ip
        for member in (process, *process.children(recursive=True))
        for one in member.net_connections(kind="tcp")
        if one.status == psutil.CONN_LISTEN
    }


def test_browser_shows_the_building_and_what_the_radar_sees(graph, tmp_path):
    node = graph.add(
        ViewerNode,
        parameter_overrides=[
            Parameter("mode", value="web"),
            Parameter("web_port", value=0),
            Parameter("grpc_port", value=0),
        ],
    )
    assert bring_up(node)
    robot = graph.add(SceneRobot)
    graph.wait_for(lambda: robot.all_subscribed, "the viewer subscribes")
    assert listening_addresses(psutil.Process()) == {"127.0.0.1"}

    browser = Browser(node.viewer.address)
    try:
        picture = wait_for_picture(browser, robot, is_shown)
        Image.fromarray(picture).save(tmp_path / "viewer.png")
        building = (slice(60, -60), slice(0, int(0.58 * picture.shape[1])))
        wait_for_picture(
            browser,
            robot,
            lambda now: (
                is_shown(now) and (now[building] != picture[building]).any(axis=-1).mean() > 0.005
            ),
        )
        # nothing outside this machine has answered, nothing but the blocked fonts was asked
        assert all(one.startswith("http://127.0.0.1:") for one in browser.answered)
        assert any("MessageProxyService" in one for one in browser.answered)
    finally:
        browser.close()


def wait_for_picture(browser, robot, condition):
    """Drive on and look, until the condition holds for what the page shows."""
    deadline_s, pause = time.monotonic() + BROWSER_DEADLINE_S, threading.Event()
    while True:
        robot.step()
        picture = browser.picture()
        if condition(picture):
            return picture
        if time.monotonic() > deadline_s:
            pytest.fail(f"the scene did not appear: {scene_signs(picture)}, {browser.console[-3:]}")
        pause.wait(0.5)
