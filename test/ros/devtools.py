"""A headless Chromium on loopback, driven over the DevTools protocol."""

import base64
import io
import json
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import websocket
from PIL import Image

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-address=127.0.0.1",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
    "--window-size=960,600",
)


def chromium() -> str:
    for name in ("chromium", "chromium-browser"):
        path = shutil.which(name)
        if path:
            return path
    pytest.fail("no Chromium in PATH: install Debian's package 'chromium' (apt install chromium)")


class Browser:
    """One page; records what it asked the network for."""

    def __init__(self, address: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [chromium(), *FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.requests: list[str] = []
        self.answered: list[str] = []
        self.console: list[str] = []
        self._number = 0
        try:
            port = self._debugging_port()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
                pages = json.load(answer)
            page = next(one for one in pages if one["type"] == "page")
            self._socket = websocket.create_connection(
                page["webSocketDebuggerUrl"], timeout=60, skip_utf8_validation=True
            )
            for domain in ("Page", "Network", "Runtime", "Log"):
                self.call(f"{domain}.enable")
            self.call("Page.navigate", url=address)
        except BaseException:
            self.close()
            raise

    def _debugging_port(self) -> int:
        file = Path(self._folder.name) / "DevToolsActivePort"
        deadline_s, pause = time.monotonic() + 30, threading.Event()
        while time.monotonic() < deadline_s:
            if file.exists() and file.read_text().strip():
                return int(file.read_text().split()[0])
            if self._process.poll() is not None:
                break
            pause.wait(0.05)
        pytest.fail("Chromium did not open its DevTools port")

    def call(self, method: str, **parameters: object) -> dict:
        answer = self.try_call(method, **parameters)
        if "error" in answer:
            pytest.fail(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def try_call(self, method: str, **parameters: object) -> dict:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                return message
            self._note(message)

    def _note(self, message: dict) -> None:
        parameters = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif message.get("method") == "Network.responseReceived":
            self.answered.append(parameters["response"]["url"])
        elif message.get("method") == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(one.get("value")) for one in parameters["args"]))
        elif message.get("method") == "Log.entryAdded":
            self.console.append(parameters["entry"]["text"])

    def picture(self) -> np.ndarray:
        """What the page shows, (row, column, 3) uint8; black while it is not there yet."""
        answer = self.try_call("Page.captureScreenshot", format="png")
        if "error" in answer:  # the page is being replaced
            return np.zeros((600, 960, 3), np.uint8)
        data = answer["result"]["data"]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    def close(self) -> None:
        if getattr(self, "_socket", None) is not None:
            self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()
