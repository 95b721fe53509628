"""A process of nodes: transport profile, exit status, clean end."""

import os
import signal
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree

import pytest

from mmwave.resources import share_path
from mmwave.ros.node import LifecycleNode
from mmwave.ros.parameters import Parameter
from mmwave.ros.process import PROFILE_VARIABLES, NodeProcess, run, use_transport_profile

NAMESPACE = "{http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles}"

PROGRAM = """
import faulthandler, sys
faulthandler.dump_traceback_later(40, exit=True)  # a program that hangs says where
from mmwave.ros.node import LifecycleNode
from mmwave.ros.parameters import Parameter
from mmwave.ros.process import run

class Lamp(LifecycleNode):
    PARAMETERS = (Parameter("level", 1.0, "Brightness", minimum=0.0, maximum=2.0),)
    def __init__(self, **options):
        super().__init__("lamp", **options)
    def activate(self):
        self.until_deactivate.callback(lambda: print("dark", flush=True))
        print("lit", self.parameters["level"], flush=True)

sys.exit(run(Lamp))
"""


@pytest.fixture
def no_profile(monkeypatch):
    for name in PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name, "")  # so that what the test sets is undone


def test_profile_is_used_unless_the_user_chose_one(no_profile, monkeypatch):
    path = share_path("config/fastdds.xml")
    assert use_transport_profile(path)
    assert {os.environ[name] for name in PROFILE_VARIABLES} == {str(path)}
    monkeypatch.setenv(PROFILE_VARIABLES[0], "/mine.xml")
    assert not use_transport_profile(path)
    assert os.environ[PROFILE_VARIABLES[0]] == "/mine.xml"


def test_missing_profile_is_named(no_profile, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.xml"):
        use_transport_profile(tmp_path / "none.xml")


def test_profile_gives_shared_memory_32_mebibytes_and_replaces_the_default():
    root = ElementTree.parse(share_path("config/fastdds.xml")).getroot()
    assert root.find(f".//{NAMESPACE}segment_size").text == str(32 * 2**20)
    participant = root.find(f"{NAMESPACE}participant")
    assert participant.get("is_default_profile") == "true"
    assert participant.find(f".//{NAMESPACE}useBuiltinTransports").text == "false"
    defined = {one.text for one in root.findall(f".//*/{NAMESPACE}transport_descriptor/*[1]")}
    used = {one.text for one in participant.findall(f".//{NAMESPACE}transport_id")}
    assert used <= defined


def test_missing_file_of_the_package_is_named():
    with pytest.raises(FileNotFoundError, match=r"config/none\.yaml"):
        share_path("config/none.yaml")


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_node_with_its_devices_released(number):
    with start("--ros-args", "-p", "autostart:=true", "-p", "level:=0.5") as process:
        assert process.stdout.readline() == "lit 0.5\n"
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert output == "dark\n"
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_bug_in_a_callback_ends_the_process_with_devices_released():
    broken = PROGRAM.replace(
        "self.until_deactivate", "self.create_timer(0.05, lambda: 1 / 0); self.until_deactivate", 1
    )
    command = [sys.executable, "-c", broken, "--ros-args", "-p", "autostart:=true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert done.stdout.endswith("dark\n")


def test_wrong_parameter_is_one_line_and_exit_status_1():
    with start("--ros-args", "-p", "level:=7.0") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "level" in errors
    assert "7.0" in errors
    assert "Traceback" not in errors


def test_missing_parameter_file_is_named():
    with start("--ros-args", "--params-file", "/none/robot.yaml") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "/none/robot.yaml" in errors
    assert "Traceback" not in errors


def test_process_shuts_nodes_down_last_first():
    ended = []

    class Named(LifecycleNode):
        PARAMETERS = (Parameter("size", 1, "Size"),)

        def configure(self):
            self.until_cleanup.callback(ended.append, self.get_name())

    with NodeProcess() as process:
        for name in ("one", "two"):
            process.add(lambda name=name, **options: Named(name, **options)).trigger_configure()
    assert ended == ["two", "one"]
    assert not process.context.ok()


def test_transitions_run_in_the_executors_thread_and_their_errors_reach_the_caller():
    with NodeProcess() as process:
        names = process.call(lambda: threading.current_thread().name)
        assert names == "executor"
        with pytest.raises(ValueError, match="mine"):
            process.call(lambda: int("mine"))
        assert process.call(lambda: 3) == 3  # the executor survived


def test_help_prints_the_parameters_and_starts_nothing(capsys):
    class Lamp(LifecycleNode):
        PARAMETERS = (Parameter("level", 1.0, "Brightness"),)

    assert run(Lamp, arguments=["--help"]) == 0
    told = capsys.readouterr().out
    assert "autostart (False): Configure and activate at start" in told
    assert "level (1.0): Brightness" in told
