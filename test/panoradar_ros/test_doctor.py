import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from panoradar_ros import doctor
from panoradar_ros.doctor import Check, Outcome
from panoradar_ros.machine import SerialPort, ThisMachine

OK, WARN, FAIL = Outcome.OK, Outcome.WARN, Outcome.FAIL
GIGABYTE = 2**30


@dataclass(frozen=True)
class FakeMachine:
    """A healthy robot computer; tests change one thing about it."""

    python_version: tuple[int, int] = (3, 12)
    environment: dict = field(default_factory=lambda: {"HOME": "/home/ada", "DISPLAY": ":0"})
    user: str = "ada"
    groups: frozenset = frozenset({"ada", "dialout"})
    missing: frozenset = frozenset()
    programs: tuple = ("chromium", "ros2")
    outputs: dict = field(default_factory=dict)
    texts: dict = field(default_factory=lambda: {"/proc/sys/net/core/rmem_max": "6291456\n"})
    files: dict = field(default_factory=lambda: {"config/fastdds.xml": Path("/p/fastdds.xml")})
    ports: tuple = (
        SerialPort("/dev/ttyACM0", 0x0451, 0xBEF3, True),
        SerialPort("/dev/ttyACM1", 0x0451, 0xBEF3, True),
        SerialPort("/dev/ttyUSB0", 0x0403, 0x6001, True),
        SerialPort("/dev/ttyS0", None, None, False),
    )
    interfaces: dict = field(
        default_factory=lambda: {"lo": ("127.0.0.1",), "enp3s0": ("192.168.33.30",)}
    )
    free: int = 50 * GIGABYTE

    def has_module(self, name):
        return name not in self.missing

    def program(self, name):
        return f"/usr/bin/{name}" if name in self.programs else None

    def output(self, command):
        return self.outputs.get(command[0])

    def text(self, path):
        return self.texts.get(path)

    def shipped(self, relative):
        return self.files.get(relative)

    def serial_ports(self):
        return list(self.ports)

    def addresses(self):
        return self.interfaces

    def free_bytes(self, path):
        return self.free


HEALTHY = FakeMachine()


def with_environment(**values) -> FakeMachine:
    return replace(HEALTHY, environment={**HEALTHY.environment, **values})


def closed(groups: set) -> FakeMachine:
    ports = tuple(replace(port, may_open=False) for port in HEALTHY.ports)
    return replace(HEALTHY, ports=ports, groups=frozenset(groups))


CASES = [
    (doctor.check_python, HEALTHY, OK, "3.12", ""),
    (doctor.check_python, replace(HEALTHY, python_version=(3, 9)), FAIL, "version 3.9", "PYTHON="),
    (doctor.check_packages, HEALTHY, OK, "all there", ""),
    (
        doctor.check_packages,
        replace(HEALTHY, missing=frozenset({"xwr", "numba"})),
        FAIL,
        "missing: numba, xwr",
        "make setup",
    ),
    (doctor.check_ros, with_environment(ROS_DISTRO="jazzy"), OK, "distribution jazzy", ""),
    (doctor.check_ros, replace(HEALTHY, programs=()), OK, "wheels", ""),
    (doctor.check_ros, with_environment(ROS_DISTRO="humble"), WARN, "older than Jazzy", "Jazzy"),
    (
        doctor.check_ros,
        replace(HEALTHY, missing=frozenset({"rclpy"})),
        FAIL,
        "rclpy cannot be imported",
        "source /opt/ros/jazzy/setup.bash",
    ),
    (doctor.check_middleware, HEALTHY, OK, "Fast DDS", ""),
    (
        doctor.check_middleware,
        with_environment(RMW_IMPLEMENTATION="rmw_zenoh_cpp"),
        WARN,
        "rmw_zenoh_cpp",
        "unset RMW_IMPLEMENTATION",
    ),
    (doctor.check_domain, HEALTHY, OK, "default", ""),
    (doctor.check_domain, with_environment(ROS_DOMAIN_ID="101"), OK, "101", ""),
    (doctor.check_domain, with_environment(ROS_DOMAIN_ID="102"), FAIL, "0 to 101", "export"),
    (doctor.check_domain, with_environment(ROS_DOMAIN_ID="my"), FAIL, "'my'", "export"),
    (doctor.check_discovery, HEALTHY, OK, "local network", ""),
    (
        doctor.check_discovery,
        with_environment(ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST"),
        OK,
        "this machine only",
        "",
    ),
    (
        doctor.check_discovery,
        with_environment(ROS_AUTOMATIC_DISCOVERY_RANGE="OFF"),
        WARN,
        "do not find each other",
        "=LOCALHOST",
    ),
    (
        doctor.check_discovery,
        with_environment(ROS_AUTOMATIC_DISCOVERY_RANGE="localhost"),
        FAIL,
        "'localhost'",
        "=LOCALHOST",
    ),
    (doctor.check_profile, HEALTHY, OK, "comes with this package", ""),
    (doctor.check_profile, replace(HEALTHY, files={}), WARN, "lost silently", "make setup"),
    (
        doctor.check_profile,
        with_environment(FASTRTPS_DEFAULT_PROFILES_FILE="/gone.xml"),
        FAIL,
        "/gone.xml, which cannot be read",
        "unset FASTRTPS_DEFAULT_PROFILES_FILE",
    ),
    (
        doctor.check_profile,
        replace(
            with_environment(FASTDDS_DEFAULT_PROFILES_FILE="/mine.xml"),
            texts={"/mine.xml": "<dds/>"},
        ),
        OK,
        "/mine.xml",
        "",
    ),
    (doctor.check_shared_memory, HEALTHY, OK, "MB free", ""),
    (doctor.check_shared_memory, replace(HEALTHY, free=2**26), WARN, "64 MB free", "--shm-size"),
    (doctor.check_receive_buffer, HEALTHY, OK, "6291456", ""),
    (
        doctor.check_receive_buffer,
        replace(HEALTHY, texts={"/proc/sys/net/core/rmem_max": "212992"}),
        WARN,
        "212992; two frames, 1048576 bytes",
        "sudo sysctl -w net.core.rmem_max=6291456",
    ),
    (doctor.check_receive_buffer, replace(HEALTHY, texts={}), WARN, "cannot be read", "sysctl"),
    (doctor.check_radar_port, HEALTHY, OK, "/dev/ttyACM0, /dev/ttyACM1", ""),
    (doctor.check_radar_port, replace(HEALTHY, ports=()), WARN, "no XDS110", "USB cable"),
    (
        doctor.check_radar_port,
        closed({"ada"}),
        FAIL,
        "no right to open /dev/ttyACM0, /dev/ttyACM1",
        "sudo usermod -aG dialout ada",
    ),
    (doctor.check_radar_port, closed({"dialout"}), FAIL, "although ada is in", "sudo chmod a+rw"),
    (doctor.check_stepper_port, HEALTHY, OK, "/dev/ttyUSB0", ""),
    (doctor.check_stepper_port, replace(HEALTHY, ports=()), WARN, "the Tic is not", "adapter"),
    (doctor.check_stepper_port, closed({"ada"}), FAIL, "/dev/ttyUSB0", "usermod -aG dialout ada"),
    (doctor.check_capture_network, HEALTHY, OK, "192.168.33.30 on enp3s0", ""),
    (
        doctor.check_capture_network,
        replace(HEALTHY, interfaces={"lo": ("127.0.0.1",), "eth0": ("10.0.0.2",), "enp9s0": ()}),
        WARN,
        "no interface has 192.168.33.30",
        "sudo ip address add 192.168.33.30/24 dev enp9s0",
    ),
    (
        doctor.check_capture_network,
        replace(HEALTHY, interfaces={"lo": ("127.0.0.1",)}),
        WARN,
        "no interface has",
        "dev <interface>",
    ),
    (doctor.check_gpu, HEALTHY, OK, "NumPy", ""),
    (doctor.check_gpu, replace(HEALTHY, outputs={"nvidia-smi": "H200\n"}), OK, "H200 with", ""),
    (
        doctor.check_gpu,
        replace(HEALTHY, outputs={"nvidia-smi": "H200\n"}, missing=frozenset({"cupy"})),
        WARN,
        "H200, but CuPy is not installed",
        "pip install cupy-cuda13x",
    ),
    (doctor.check_models, HEALTHY, WARN, "no trained models", "models folder"),
    (doctor.check_viewer, HEALTHY, OK, "native or in a browser", ""),
    (doctor.check_viewer, with_environment(DISPLAY=""), OK, "there is no display", ""),
    (
        doctor.check_viewer,
        replace(HEALTHY, missing=frozenset({"rerun"})),
        WARN,
        "Rerun is not installed",
        "pip install",
    ),
    (doctor.check_browser, HEALTHY, OK, "/usr/bin/chromium", ""),
    (doctor.check_browser, replace(HEALTHY, programs=()), OK, "only `make test` needs it", ""),
    (doctor.check_cache, HEALTHY, OK, "50.0 GB free for /home/ada/.cache/panoradar_ros", ""),
    (doctor.check_cache, replace(HEALTHY, free=GIGABYTE), WARN, "need 2 GB", "XDG_CACHE_HOME"),
    (doctor.check_cache, replace(HEALTHY, free=2**20), FAIL, "0.0 GB free", "XDG_CACHE_HOME"),
    (doctor.check_cache, with_environment(XDG_CACHE_HOME="/big"), OK, "for /big/panoradar", ""),
]


@pytest.mark.parametrize(("check", "machine", "outcome", "what", "remedy"), CASES)
def test_each_check_says_what_it_finds_and_what_mends_it(check, machine, outcome, what, remedy):
    found = check(machine)
    assert found.outcome == outcome
    assert what in found.what
    assert remedy in found.remedy
    assert bool(found.remedy) == (outcome != OK)


def test_every_check_has_been_tried_here():
    assert {case[0] for case in CASES} == set(doctor.CHECKS)


def test_models_are_named(tmp_path):
    (tmp_path / "segmentation.onnx").write_bytes(b"")
    found = doctor.check_models(replace(HEALTHY, files={"models": tmp_path}))
    assert (found.outcome, found.what) == (OK, "segmentation")


def test_a_failure_is_unhealthy_a_warning_is_not():
    checks = doctor.run_doctor(replace(HEALTHY, ports=()))
    assert [check.outcome for check in checks].count(WARN) == 3
    assert doctor.is_healthy(checks)
    assert not doctor.is_healthy(doctor.run_doctor(replace(HEALTHY, python_version=(3, 8))))


def test_text_puts_the_remedy_under_the_problem():
    checks = [Check("One", OK, "fine"), Check("Other", FAIL, "broken", "mend it")]
    assert doctor.as_text(checks).splitlines() == [
        "ok    One    fine",
        "fail  Other  broken",
        "             -> mend it",
    ]
    assert doctor.as_text([]) == ""


def test_json_holds_everything():
    checks = [Check("One", OK, "fine"), Check("Other", FAIL, "broken", "mend it")]
    assert json.loads(doctor.as_json(checks)) == {
        "healthy": False,
        "checks": [
            {"name": "One", "outcome": "ok", "what": "fine", "remedy": ""},
            {"name": "Other", "outcome": "fail", "what": "broken", "remedy": "mend it"},
        ],
    }


def test_a_problem_without_a_remedy_is_refused():
    with pytest.raises(ValueError, match="check 'Other' is fail and needs a remedy"):
        Check("Other", FAIL, "broken")


def test_this_machine_answers(tmp_path):
    machine = ThisMachine()
    assert doctor.check_python(machine).outcome == OK
    assert doctor.check_packages(machine).outcome == OK
    assert {check.name for check in doctor.run_doctor()} >= {"ROS 2", "Cache", "GPU"}
    assert machine.has_module("json")
    assert not machine.has_module("no_such_module.inside")
    assert machine.text(str(tmp_path / "nothing")) is None
    assert machine.shipped("no/such/file") is None
    assert machine.output(["no-such-program"]) is None
    assert machine.output(["false"]) is None
    assert machine.output(["echo", "here"]) == "here\n"
    assert machine.free_bytes(tmp_path / "not" / "yet" / "made") > 0
    assert "127.0.0.1" in machine.addresses()["lo"]
    assert machine.user
