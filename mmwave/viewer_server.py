"""Rerun's viewer on this machine only: native or in a browser, with nothing sent elsewhere.

Rerun's own servers listen on every network unless told otherwise, and its web page fetches fonts
and sends usage statistics. Here they listen on the loopback address, the statistics are off, and
the page is passed on with a content security policy: the browser may talk to this machine only.

Source: W3C Content Security Policy Level 3 (connect-src, script-src).
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlsplit

LOOPBACK = "127.0.0.1"
MODES = ("native", "web", "file", "off")
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
SERVER_MEMORY = "256MB"
_PASSED_ON = ("Content-Type", "Content-Length", "rerun-final-length")


class ViewerError(RuntimeError):
    """The viewer cannot be shown; the message says why and what to do."""


def rerun_module() -> Any:
    """The ``rerun`` package.

    Raises:
        ViewerError: If it is not installed.
    """
    try:
        import rerun
    except ImportError as error:
        raise ViewerError(
            "the viewer needs Rerun: pip install 'rerun-sdk>=0.41', or start with viewer off"
        ) from error
    return rerun


def free_port() -> int:
    """A port of the loopback address that nothing uses now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def check_port(port: int, purpose: str) -> int:
    """The port itself, or a free one for 0.

    Raises:
        ViewerError: If something else listens there.
    """
    if port == 0:
        return free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise ViewerError(
                f"port {port} for {purpose} cannot be used ({error.strerror}): "
                "is another viewer running? Give another port, or 0 for any."
            ) from error
    return port


def rerun_executable() -> Path:
    """Rerun's program, from the wheel.

    Raises:
        ViewerError: If Rerun is not installed.
    """
    rerun_module()
    import rerun_cli

    path = Path(rerun_cli.__file__).with_name("rerun")
    if not path.exists():
        raise ViewerError(f"Rerun's program is missing at {path}: reinstall rerun-sdk")
    return path


def quiet_environment() -> dict[str, str]:
    """Environment in which Rerun's program sends no usage statistics.

    Rerun switches them off where ``CI`` is set; its configuration file belongs to the user.
    """
    return {**os.environ, "CI": "1"}


class RerunProcess:
    """Rerun's program, listening for recordings on the loopback address.

    Args:
        grpc_port: Where recordings come in.
        arguments: More of the program's options.

    Raises:
        ViewerError: If it does not start.
    """

    def __init__(self, grpc_port: int, arguments: list[str]) -> None:
        self.url = f"rerun+http://{LOOPBACK}:{grpc_port}/proxy"
        self._process = subprocess.Popen(
            [
                str(rerun_executable()),
                *("--bind", LOOPBACK),
                *("--port", str(grpc_port)),
                *("--server-memory-limit", SERVER_MEMORY),
                "--hide-welcome-screen",
                *arguments,
            ],
            env=quiet_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for the nodes, which then close this in order
        )
        self._last_lines: list[str] = []
        self._reader = threading.Thread(target=self._read, name="rerun-log", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """False once the user has closed the window, or the program has failed."""
        return self._process.poll() is None

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self._last_lines = [*self._last_lines[-9:], line.rstrip()]

    def wait_for_port(self, port: int) -> None:
        """Wait until it listens on a port.

        Raises:
            ViewerError: If it ends or takes longer than :data:`START_TIMEOUT_S`.
        """
        deadline_s = time.monotonic() + START_TIMEOUT_S
        pause = threading.Event()
        while time.monotonic() < deadline_s:
            if not self.is_running:
                self._reader.join(1.0)
                raise ViewerError(
                    "Rerun's viewer did not start: " + " / ".join(self._last_lines[-4:])
                )
            with socket.socket() as probe:
                probe.settimeout(0.5)
                if probe.connect_ex((LOOPBACK, port)) == 0:
                    return
            pause.wait(0.05)
        raise ViewerError(f"Rerun's viewer did not listen on port {port} in {START_TIMEOUT_S} s")

    def close(self) -> None:
        """End the program."""
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(STOP_TIMEOUT_S)
        if self._process.stderr:
            self._process.stderr.close()


def security_policy(grpc_port: int) -> str:
    """Content security policy of the viewer's page: this machine and nothing else."""
    recordings = f"http://{LOOPBACK}:{grpc_port}"
    return "; ".join(
        (
            "default-src 'self' data: blob:",
            "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            f"connect-src 'self' {recordings} data: blob:",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


class PageServer:
    """Passes Rerun's web page on at a loopback port, showing the recording without being asked.

    Args:
        port: Where the browser looks.
        upstream_port: Where Rerun's own web server listens.
        grpc_port: Where the page gets the recording.

    Raises:
        ViewerError: If the port is taken.
    """

    def __init__(self, port: int, upstream_port: int, grpc_port: int) -> None:
        recording = quote(f"rerun+http://{LOOPBACK}:{grpc_port}/proxy", safe="")
        start = f"/?url={recording}&hide_welcome_screen=1&persist=0&theme=dark"
        policy = security_policy(grpc_port)
        allowed_hosts = {f"{LOOPBACK}:{port}", f"localhost:{port}"}

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.headers.get("Host") not in allowed_hosts:
                    # another site's name that was made to point here
                    self.send_error(403)
                    return
                address = urlsplit(self.path)
                if address.path == "/" and "url" not in parse_qs(address.query):
                    self.send_response(302)
                    self.send_header("Location", start)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self._pass_on()

            def _pass_on(self) -> None:
                upstream = http.client.HTTPConnection(LOOPBACK, upstream_port, timeout=30)
                try:
                    upstream.request("GET", self.path)
                    answer = upstream.getresponse()
                    self.send_response(answer.status)
                    for name in _PASSED_ON:
                        value = answer.getheader(name)
                        if value is not None:
                            self.send_header(name, value)
                    self.send_header("Content-Security-Policy", policy)
                    self.send_header("Referrer-Policy", "no-referrer")
                    self.end_headers()
                    shutil.copyfileobj(answer, self.wfile, 1 << 18)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the browser went away
                except OSError:
                    self.send_error(502)
                finally:
                    upstream.close()

            def log_message(self, format: str, *arguments: Any) -> None:
                return

        try:
            self._server = ThreadingHTTPServer((LOOPBACK, port), Page)
        except OSError as error:
            raise ViewerError(f"port {port} for the web page cannot be used: {error}") from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="viewer-page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(STOP_TIMEOUT_S)


class Viewer:
    """A Rerun recording that is shown in one of :data:`MODES` while this object lives.

    Args:
        mode: ``native`` opens a window, ``web`` serves a page on the loopback address, ``file``
            writes an ``.rrd`` file, ``off`` shows nothing.
        path: File to write in mode ``file``.
        web_port: Of the page; 0 for any.
        grpc_port: Of the recording; 0 for any.
        environment: To find a display in; the process's own by default.
        layout: Makes the window's layout; Rerun chooses one without.

    Attributes:
        recording: The :class:`rerun.RecordingStream` to log to, or None in mode ``off``.
        address: What to open in a browser, or None.

    Raises:
        ViewerError: If the viewer cannot be shown; the message says what to do.
        ValueError: If ``mode`` is unknown.
    """

    def __init__(
        self,
        mode: str,
        *,
        path: Path | str | None = None,
        web_port: int = 9090,
        grpc_port: int = 9876,
        environment: Mapping[str, str] = os.environ,
        layout: Callable[[], Any] = lambda: None,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        self.mode = mode
        self._layout = layout
        self.recording: Any = None
        self.address: str | None = None
        self.process: RerunProcess | None = None
        self._page: PageServer | None = None
        try:
            if mode == "file":
                self._open_file(path)
            elif mode == "web":
                self._open_web(check_port(web_port, "the web page"), grpc_port)
            elif mode == "native":
                self._open_native(grpc_port, environment)
        except BaseException:
            self.close()
            raise

    @property
    def is_shown(self) -> bool:
        """Whether what is logged reaches anyone: False once a native window was closed."""
        return self.recording is not None and (self.process is None or self.process.is_running)

    def _new_recording(self) -> Any:
        recording = rerun_module().RecordingStream("panoradar")
        recording.set_log_tick_enabled(False)
        recording.set_log_time_enabled(False)
        return recording

    def _open_file(self, path: Path | str | None) -> None:
        if path is None or not str(path):
            raise ViewerError("the viewer in mode file needs the path of an .rrd file to write")
        path = Path(path)
        if not path.parent.is_dir():
            raise ViewerError(f"cannot write {path}: there is no folder {path.parent}")
        self.recording = self._new_recording()
        try:
            self.recording.save(path, default_blueprint=self._layout())
        except (OSError, RuntimeError) as error:
            raise ViewerError(f"cannot write {path}: {error}") from error

    def _open_web(self, web_port: int, grpc_port: int) -> None:
        grpc_port = check_port(grpc_port, "the recording")
        upstream_port = free_port()
        self.process = RerunProcess(
            grpc_port, ["--serve-web", "--web-viewer-port", str(upstream_port)]
        )
        self.process.wait_for_port(grpc_port)
        self.process.wait_for_port(upstream_port)
        self._page = PageServer(web_port, upstream_port, grpc_port)
        self.address = f"http://{LOOPBACK}:{web_port}"
        self._connect()

    def _open_native(self, grpc_port: int, environment: Mapping[str, str]) -> None:
        displays = ("DISPLAY", "WAYLAND_DISPLAY")
        if sys.platform == "linux" and not any(environment.get(name) for name in displays):
            raise ViewerError(
                "there is no display for a window (DISPLAY and WAYLAND_DISPLAY are not set); "
                "use the viewer in mode web, or off"
            )
        grpc_port = check_port(grpc_port, "the recording")
        self.process = RerunProcess(grpc_port, ["--expect-data-soon", "--memory-limit", "1GB"])
        self.process.wait_for_port(grpc_port)
        self._connect()

    def _connect(self) -> None:
        if self.process is not None:
            self.recording = self._new_recording()
            self.recording.connect_grpc(self.process.url, default_blueprint=self._layout())

    def close(self) -> None:
        """Flush what was logged and end what was started. Safe to call again."""
        recording, self.recording = self.recording, None
        if recording is not None:
            if self.process is None or self.process.is_running:
                recording.flush(timeout_sec=STOP_TIMEOUT_S)
            recording.disconnect()
        if self._page is not None:
            self._page.close()
            self._page = None
        if self.process is not None:
            self.process.close()
            self.process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
