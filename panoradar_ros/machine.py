"""What the doctor can see of a machine; a test puts another machine in its place."""

from __future__ import annotations

import getpass
import grp
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil
from serial.tools import list_ports

from mmwave.resources import share_path


@dataclass(frozen=True)
class SerialPort:
    """A serial port.

    Attributes:
        device: e.g. ``/dev/ttyACM0``.
        vendor: USB vendor id, or None where it is not on USB.
        product: USB product id, or None.
        may_open: This user may read and write it.
    """

    device: str
    vendor: int | None
    product: int | None
    may_open: bool


class Machine(Protocol):
    """Questions about a machine."""

    @property
    def python_version(self) -> tuple[int, int]:
        """Major and minor version."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables."""

    @property
    def user(self) -> str:
        """Name of the user."""

    @property
    def groups(self) -> frozenset[str]:
        """Groups of this process."""

    def has_module(self, name: str) -> bool:
        """Whether Python can import a module."""

    def program(self, name: str) -> str | None:
        """Path of a program, or None."""

    def output(self, command: list[str]) -> str | None:
        """What a command prints, or None when it is missing, fails or takes over 10 s."""

    def text(self, path: str) -> str | None:
        """Content of a file, or None."""

    def shipped(self, relative: str) -> Path | None:
        """Path of a file of this package, or None."""

    def serial_ports(self) -> list[SerialPort]:
        """Serial ports."""

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """IPv4 addresses by network interface."""

    def free_bytes(self, path: Path) -> int:
        """Free space where ``path`` is or would be."""


class ThisMachine:
    """The machine this program runs on."""

    @property
    def python_version(self) -> tuple[int, int]:
        """Major and minor version."""
        return sys.version_info[:2]

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables."""
        return os.environ

    @property
    def user(self) -> str:
        """Name of the user, or the number where it has none."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return str(os.getuid())

    @property
    def groups(self) -> frozenset[str]:
        """Groups of this process."""
        names = set()
        for number in os.getgroups():
            try:
                names.add(grp.getgrgid(number).gr_name)
            except KeyError:
                names.add(str(number))
        return frozenset(names)

    def has_module(self, name: str) -> bool:
        """Whether Python can import a module; it is not imported."""
        try:
            return importlib.util.find_spec(name) is not None
        except (ImportError, ValueError):
            return False

    def program(self, name: str) -> str | None:
        """Path of a program, or None."""
        return shutil.which(name)

    def output(self, command: list[str]) -> str | None:
        """What a command prints, or None when it is missing, fails or takes over 10 s."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout

    def text(self, path: str) -> str | None:
        """Content of a file, or None."""
        try:
            return Path(path).read_text(encoding="utf-8")
        except OSError:
            return None

    def shipped(self, relative: str) -> Path | None:
        """Path of a file of this package, or None."""
        try:
            return share_path(relative)
        except FileNotFoundError:
            return None

    def serial_ports(self) -> list[SerialPort]:
        """Serial ports."""
        return [
            SerialPort(
                device=port.device,
                vendor=port.vid,
                product=port.pid,
                may_open=os.access(port.device, os.R_OK | os.W_OK),
            )
            for port in sorted(list_ports.comports())
        ]

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """IPv4 addresses by network interface."""
        return {
            name: tuple(one.address for one in found if one.family == socket.AF_INET)
            for name, found in psutil.net_if_addrs().items()
        }

    def free_bytes(self, path: Path) -> int:
        """Free space where ``path`` is or would be."""
        while not path.exists() and path != path.parent:
            path = path.parent
        return shutil.disk_usage(path).free
