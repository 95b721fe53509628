"""The web viewer's servers: this machine only, and nothing sent elsewhere."""

import http.client
import socket
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from mmwave.viewer_server import MODES, Viewer, ViewerError, free_port


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def web(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        patch.delenv("XDG_DATA_HOME", raising=False)
        with Viewer("web", web_port=0, grpc_port=0) as viewer:
            yield viewer


def get(address: str, path: str = "/", **headers: str):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_every_server_listens_on_loopback_only(web) -> None:
    processes = (psutil.Process(), psutil.Process(web.process.pid))
    listening = [
        one.laddr
        for process in processes
        for one in process.net_connections(kind="tcp")
        if one.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3  # the page, Rerun's page, the recording
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert urlsplit(web.address).hostname == "127.0.0.1"


def test_page_leads_to_the_recording(web) -> None:
    answer, _ = get(web.address)
    assert answer.status == 302
    query = parse_qs(urlsplit(answer.getheader("Location")).query)
    assert query["url"] == [web.process.url]
    answer, page = get(web.address, answer.getheader("Location"))
    assert answer.status == 200
    assert b"re_viewer_bg.wasm" in page
    answer, program = get(web.address, "/re_viewer_bg.wasm")
    assert answer.getheader("Content-Type") == "application/wasm"
    assert program.startswith(b"\0asm")
    assert len(program) == int(answer.getheader("rerun-final-length"))


def test_browser_is_told_to_talk_to_this_machine_alone(web) -> None:
    answer, _ = get(web.address, "/?url=x")
    policy = dict(
        rule.strip().split(" ", 1)
        for rule in answer.getheader("Content-Security-Policy").split(";")
    )
    assert policy["default-src"] == "'self' data: blob:"
    hosts = [source for source in policy["connect-src"].split() if "//" in source]
    assert hosts == [web.process.url.removeprefix("rerun+").removesuffix("/proxy")]
    assert not any("//" in policy[name] for name in ("script-src", "style-src"))


def test_names_that_only_point_here_are_refused(web) -> None:
    answer, _ = get(web.address, Host="evil.example:80")
    assert answer.status == 403
    port = urlsplit(web.address).port
    answer, _ = get(web.address, Host=f"localhost:{port}")
    assert answer.status == 302


def test_no_usage_statistics_are_kept(web, home) -> None:
    assert web.is_shown
    assert not list(home.rglob("*"))


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ViewerError, match=f"port {port} for the web page cannot be used"):
            Viewer("web", web_port=port)
        with pytest.raises(ViewerError, match=f"port {port} for the recording cannot be used"):
            Viewer("web", web_port=0, grpc_port=port)


def test_closing_ends_the_servers() -> None:
    viewer = Viewer("web", web_port=free_port(), grpc_port=0)
    process = psutil.Process(viewer.process.pid)
    address = urlsplit(viewer.address)
    viewer.close()
    viewer.close()
    assert not process.is_running()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port), timeout=5)


def test_a_viewer_that_ended_is_noticed() -> None:
    with Viewer("web", web_port=0, grpc_port=0) as viewer:
        process = psutil.Process(viewer.process.pid)
        process.kill()
        process.wait(10)
        assert not viewer.is_shown


def test_a_window_needs_a_display() -> None:
    with pytest.raises(ViewerError, match=r"there is no display for a window .* mode web"):
        Viewer("native", environment={})


def test_off_shows_nothing() -> None:
    with Viewer("off") as viewer:
        assert viewer.recording is None
        assert not viewer.is_shown


def test_a_file_needs_a_place(tmp_path) -> None:
    with pytest.raises(ViewerError, match="needs the path"):
        Viewer("file", path="")
    with pytest.raises(ViewerError, match="there is no folder"):
        Viewer("file", path=tmp_path / "nowhere" / "drive.rrd")


def test_modes_are_named() -> None:
    with pytest.raises(ValueError, match=f"mode must be one of {', '.join(MODES)}, got 'tv'"):
        Viewer("tv")
