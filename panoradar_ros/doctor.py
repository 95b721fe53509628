"""What is wrong with this machine, and the command that mends it.

Sources: TI SPRUIJ4 (DCA1000 addresses), Pololu Tic user's guide, section 4.7 (TTL serial through an
adapter), ROS 2 documentation "The ROS_DOMAIN_ID" (safe range on Linux), ip(7) and socket(7).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from mmwave.waveform import Waveform
from panoradar_ros.machine import Machine, SerialPort, ThisMachine


class Outcome(StrEnum):
    """How a check went: ``ok``, ``warn`` (something does not work), ``fail`` (nothing will)."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: What was looked at.
        outcome: How it went.
        what: What was found, in a sentence.
        remedy: Command or step that mends it; empty when nothing needs mending.

    Raises:
        ValueError: If something is wrong and no remedy is given.
    """

    name: str
    outcome: Outcome
    what: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.outcome != Outcome.OK and not self.remedy:
            raise ValueError(f"check {self.name!r} is {self.outcome} and needs a remedy")


PYTHON_VERSIONS = ((3, 11), (3, 12))
OLD_DISTRIBUTIONS = ("foxy", "galactic", "humble", "iron")
LARGEST_DOMAIN = 101
DISCOVERY_RANGES = ("LOCALHOST", "SUBNET", "OFF", "SYSTEM_DEFAULT")
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
NEEDED_MODULES = ("numpy", "scipy", "numba", "cv2", "serial", "yaml", "xwr", "rosbags", "psutil")
RECEIVE_BUFFER_BYTES = 6 * 2**20
XDS110 = (0x0451, 0xBEF3)
SERIAL_ADAPTERS = {0x0403: "FTDI", 0x067B: "Prolific", 0x10C4: "CP210x", 0x1A86: "CH340"}
HOST_ADDRESS = "192.168.33.30"
CACHE_NEEDED_BYTES = 2 * 2**30
SHARED_MEMORY_BYTES = 256 * 2**20
SHARED_MEMORY = Path("/dev/shm")


def check_python(machine: Machine) -> Check:
    """Python's version."""
    found = ".".join(map(str, machine.python_version))
    if machine.python_version in PYTHON_VERSIONS:
        return Check("Python", Outcome.OK, f"version {found}")
    return Check(
        "Python",
        Outcome.FAIL,
        f"version {found}, but 3.11 or 3.12 is needed",
        "make setup PYTHON=python3.12",
    )


def check_packages(machine: Machine) -> Check:
    """Python packages that everything needs."""
    missing = [name for name in NEEDED_MODULES if not machine.has_module(name)]
    if not missing:
        return Check("Python packages", Outcome.OK, "all there")
    return Check("Python packages", Outcome.FAIL, f"missing: {', '.join(missing)}", "make setup")


def check_ros(machine: Machine) -> Check:
    """ROS 2, of a distribution or from wheels."""
    distribution = machine.environment.get("ROS_DISTRO", "")
    if not machine.has_module("rclpy"):
        return Check(
            "ROS 2",
            Outcome.FAIL,
            "rclpy cannot be imported",
            f"source /opt/ros/{distribution or 'jazzy'}/setup.bash, or without ROS: make setup",
        )
    if distribution in OLD_DISTRIBUTIONS:
        return Check(
            "ROS 2",
            Outcome.WARN,
            f"distribution {distribution} is older than Jazzy and not tested",
            "install ROS 2 Jazzy, or open a shell without it and: make setup",
        )
    if machine.program("ros2"):
        return Check("ROS 2", Outcome.OK, f"distribution {distribution or 'unknown'}")
    return Check("ROS 2", Outcome.OK, "from wheels: no launch, TF or RViz; use `panoradar up`")


def check_middleware(machine: Machine) -> Check:
    """The middleware that carries messages."""
    name = machine.environment.get("RMW_IMPLEMENTATION", "")
    if name in ("", "rmw_fastrtps_cpp"):
        return Check("Middleware", Outcome.OK, "Fast DDS")
    return Check(
        "Middleware",
        Outcome.WARN,
        f"{name}: the settings for large messages that come with this package are for Fast DDS",
        "unset RMW_IMPLEMENTATION",
    )


def check_domain(machine: Machine) -> Check:
    """ROS_DOMAIN_ID."""
    text = machine.environment.get("ROS_DOMAIN_ID", "")
    if not text:
        return Check("ROS domain", Outcome.OK, "0, the default")
    if text.isdigit() and int(text) <= LARGEST_DOMAIN:
        return Check("ROS domain", Outcome.OK, text)
    return Check(
        "ROS domain",
        Outcome.FAIL,
        f"ROS_DOMAIN_ID is {text!r}, but must be a number from 0 to {LARGEST_DOMAIN}",
        "export ROS_DOMAIN_ID=0",
    )


def check_discovery(machine: Machine) -> Check:
    """How far nodes are seen."""
    text = machine.environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "")
    if text and text not in DISCOVERY_RANGES:
        return Check(
            "Discovery",
            Outcome.FAIL,
            f"ROS_AUTOMATIC_DISCOVERY_RANGE is {text!r}, not one of {', '.join(DISCOVERY_RANGES)}",
            "export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST",
        )
    if text == "OFF":
        return Check(
            "Discovery",
            Outcome.WARN,
            "off: nodes in different processes do not find each other",
            "export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST",
        )
    if text == "LOCALHOST":
        return Check("Discovery", Outcome.OK, "this machine only")
    return Check("Discovery", Outcome.OK, "the local network sees these nodes")


def check_profile(machine: Machine) -> Check:
    """Fast DDS profile with segments that hold large messages."""
    chosen = {name: machine.environment.get(name, "") for name in PROFILE_VARIABLES}
    for name, path in chosen.items():
        if path and machine.text(path) is None:
            return Check(
                "Fast DDS profile",
                Outcome.FAIL,
                f"{name} names {path}, which cannot be read",
                f"unset {name}",
            )
    if any(chosen.values()):
        return Check("Fast DDS profile", Outcome.OK, next(filter(None, chosen.values())))
    if machine.shipped("config/fastdds.xml"):
        return Check("Fast DDS profile", Outcome.OK, "the one that comes with this package")
    return Check(
        "Fast DDS profile",
        Outcome.WARN,
        "config/fastdds.xml is missing: large best-effort messages may be lost silently",
        "install this package again: make setup, or colcon build",
    )


def check_shared_memory(machine: Machine) -> Check:
    """Room for messages between processes."""
    free = machine.free_bytes(SHARED_MEMORY)
    if free >= SHARED_MEMORY_BYTES:
        return Check("Shared memory", Outcome.OK, f"{free // 2**20} MB free")
    return Check(
        "Shared memory",
        Outcome.WARN,
        f"{free // 2**20} MB free in {SHARED_MEMORY}, {SHARED_MEMORY_BYTES // 2**20} MB are needed",
        f"sudo mount -o remount,size=1G {SHARED_MEMORY} (in a container: --shm-size=1g)",
    )


def check_receive_buffer(machine: Machine) -> Check:
    """Largest receive buffer of a socket, against the radar's frames."""
    needed = 2 * Waveform().bytes_per_frame
    remedy = f"sudo sysctl -w net.core.rmem_max={RECEIVE_BUFFER_BYTES}"
    text = (machine.text("/proc/sys/net/core/rmem_max") or "").strip()
    if not text.isdigit():
        return Check("Socket buffer", Outcome.WARN, "net.core.rmem_max cannot be read", remedy)
    if int(text) >= needed:
        return Check("Socket buffer", Outcome.OK, f"net.core.rmem_max is {text}")
    return Check(
        "Socket buffer",
        Outcome.WARN,
        f"net.core.rmem_max is {text}; two frames, {needed} bytes, must fit or a busy moment "
        "loses packets",
        remedy,
    )


def check_radar_port(machine: Machine) -> Check:
    """The radar's command line, on the XDS110 of the board."""
    ports = [one for one in machine.serial_ports() if (one.vendor, one.product) == XDS110]
    return _check_ports(
        "Radar port", ports, machine, "no XDS110: the AWR1843 is not connected", "its USB cable"
    )


def check_stepper_port(machine: Machine) -> Check:
    """The stepper controller, behind a USB serial adapter."""
    ports = [one for one in machine.serial_ports() if one.vendor in SERIAL_ADAPTERS]
    return _check_ports(
        "Stepper port",
        ports,
        machine,
        "no USB serial adapter: the Tic is not connected",
        "its serial adapter",
    )


def _check_ports(
    name: str, ports: list[SerialPort], machine: Machine, absent: str, cable: str
) -> Check:
    if not ports:
        return Check(name, Outcome.WARN, absent, f"connect {cable}; the emulated radar needs none")
    closed = [port.device for port in ports if not port.may_open]
    if not closed:
        return Check(name, Outcome.OK, ", ".join(port.device for port in ports))
    if "dialout" in machine.groups:
        return Check(
            name,
            Outcome.FAIL,
            f"no right to open {', '.join(closed)}, although {machine.user} is in group dialout",
            f"sudo chmod a+rw {' '.join(closed)}",
        )
    return Check(
        name,
        Outcome.FAIL,
        f"no right to open {', '.join(closed)}",
        f"sudo usermod -aG dialout {machine.user}, then log in again",
    )


def check_capture_network(machine: Machine) -> Check:
    """The address to which the DCA1000 sends."""
    addresses = machine.addresses()
    for interface, own in addresses.items():
        if HOST_ADDRESS in own:
            return Check("DCA1000 network", Outcome.OK, f"{HOST_ADDRESS} on {interface}")
    wired = [name for name in addresses if name.startswith(("en", "eth"))]
    unused = [name for name in wired if not addresses[name]]
    interface = (unused or wired or ["<interface>"])[0]
    return Check(
        "DCA1000 network",
        Outcome.WARN,
        f"no interface has {HOST_ADDRESS}, where the DCA1000 sends; the emulated radar needs none",
        f"sudo ip address add {HOST_ADDRESS}/24 dev {interface}",
    )


def check_gpu(machine: Machine) -> Check:
    """A GPU and what uses it."""
    listing = machine.output(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])
    if not (listing or "").strip():
        return Check("GPU", Outcome.OK, "none; NumPy does the work")
    name = (listing or "").strip().splitlines()[0]
    if machine.has_module("cupy"):
        return Check("GPU", Outcome.OK, f"{name} with CuPy")
    return Check(
        "GPU", Outcome.WARN, f"{name}, but CuPy is not installed", "pip install cupy-cuda13x"
    )


def check_models(machine: Machine) -> Check:
    """Trained models."""
    folder = machine.shipped("models")
    found = sorted(folder.glob("*.onnx")) if folder else []
    if found:
        return Check("Models", Outcome.OK, ", ".join(path.stem for path in found))
    return Check(
        "Models",
        Outcome.WARN,
        "no trained models: imaging works, recognition does not",
        "get a version of this package with its models folder",
    )


def check_viewer(machine: Machine) -> Check:
    """Rerun and a display."""
    if not machine.has_module("rerun"):
        return Check(
            "Viewer", Outcome.WARN, "Rerun is not installed", "pip install 'rerun-sdk>=0.41'"
        )
    if machine.environment.get("DISPLAY") or machine.environment.get("WAYLAND_DISPLAY"):
        return Check("Viewer", Outcome.OK, "Rerun, native or in a browser")
    return Check("Viewer", Outcome.OK, "Rerun; there is no display, so in a browser (viewer web)")


def check_browser(machine: Machine) -> Check:
    """A Chromium, which only the tests need."""
    path = machine.program("chromium") or machine.program("chromium-browser")
    if path:
        return Check("Chromium", Outcome.OK, path)
    return Check("Chromium", Outcome.OK, "not installed; only `make test` needs it")


def check_cache(machine: Machine) -> Check:
    """Room for simulated drives."""
    # the same folder as the simulator's, which run-time code does not import
    base = machine.environment.get("XDG_CACHE_HOME")
    home = Path(machine.environment.get("HOME", "/"))
    folder = (Path(base) if base else home / ".cache") / "panoradar_ros"
    free = machine.free_bytes(folder)
    if free >= CACHE_NEEDED_BYTES:
        return Check("Cache", Outcome.OK, f"{free / 2**30:.1f} GB free for {folder}")
    return Check(
        "Cache",
        Outcome.WARN if free >= CACHE_NEEDED_BYTES // 4 else Outcome.FAIL,
        f"{free / 2**30:.1f} GB free for {folder}, simulated drives need "
        f"{CACHE_NEEDED_BYTES / 2**30:.0f} GB",
        "free some space, or choose another place: export XDG_CACHE_HOME=/large/disk",
    )


CHECKS: tuple[Callable[[Machine], Check], ...] = (
    check_python,
    check_packages,
    check_ros,
    check_middleware,
    check_domain,
    check_discovery,
    check_profile,
    check_shared_memory,
    check_receive_buffer,
    check_radar_port,
    check_stepper_port,
    check_capture_network,
    check_gpu,
    check_models,
    check_viewer,
    check_browser,
    check_cache,
)


def run_doctor(machine: Machine | None = None) -> list[Check]:
    """Run every check.

    Args:
        machine: What to look at; this machine by default.
    """
    machine = machine or ThisMachine()
    return [check(machine) for check in CHECKS]


def is_healthy(checks: Iterable[Check]) -> bool:
    """Whether no check failed; a warning is no failure."""
    return all(check.outcome != Outcome.FAIL for check in checks)


def as_text(checks: Iterable[Check]) -> str:
    """The checks for a terminal, one a line, remedies indented under what they mend."""
    checks = list(checks)
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        lines.append(f"{check.outcome:<4}  {check.name:<{width}}  {check.what}")
        if check.remedy:
            lines.append(f"{'':<4}  {'':<{width}}  -> {check.remedy}")
    return "\n".join(lines)


def as_json(checks: Iterable[Check]) -> str:
    """The checks as one JSON object with ``healthy`` and ``checks``."""
    checks = list(checks)
    return json.dumps(
        {"healthy": is_healthy(checks), "checks": [asdict(check) for check in checks]}
    )
