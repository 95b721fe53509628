"""Everything that the launch files name exists: executables, parameters, files, arguments."""

import importlib
import itertools
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml
from launch_stub import LaunchFile, Made

from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmanomaly_ros.watch import TASKS
from mmwave.resources import port_folder, share_path
from mmwave.ros.node import AUTOSTART, LifecycleNode
from mmwave.waveform import Waveform
from panoradar_ros.hardware.radar import check_waveform
from panoradar_ros.nodes.capture_parameters import WAVEFORM_FIELDS
from rexo_ros.heatmaps import ROOM_WAVEFORM

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PACKAGE = "panoradar_ros"
FOREIGN = {
    ("robot_state_publisher", "robot_state_publisher"): {"robot_description", "use_sim_time"},
    ("rviz2", "rviz2"): {"use_sim_time"},
}
ROBOT = {
    "sim",
    "namespace",
    "params_file",
    "rviz",
    "viewer",
    "record",
    "rexo",
    "mmanomaly",
    "watch",
}


@pytest.fixture(scope="module")
def robot():
    return LaunchFile(share_path("launch/robot.launch.py"))


@pytest.fixture(scope="module")
def replay():
    return LaunchFile(share_path("launch/replay.launch.py"))


def node_class(executable):
    """The node that an executable of this package runs."""
    found = [one for one in entry_points(group="console_scripts") if one.name == executable]
    assert found, f"{executable} is no executable of the package"
    module = importlib.import_module(found[0].module)
    assert callable(getattr(module, found[0].attr))
    nodes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, LifecycleNode)
        and value.__module__ == module.__name__
    ]
    assert len(nodes) == 1
    return nodes[0]


def hosted(node):
    """The node classes a launched process holds, by node name."""
    executable = node.options["executable"]
    assert node.options["package"] == PACKAGE
    if executable != "robot_node":
        return {executable.removesuffix("_node"): node_class(executable)}
    found = [one for one in entry_points(group="console_scripts") if one.name == executable]
    return {
        one.__name__.removesuffix("Node").lower(): one
        for one in importlib.import_module(found[0].module).NODES
    }


def parameters_of(node):
    return {one.name for one in (AUTOSTART, *node.PARAMETERS)} | {"use_sim_time"}


def check_file(given, nodes):
    """A parameter file exists and gives only what is declared; one for all devices names more."""
    substituted = isinstance(given, Made)
    path = Path(given.arguments[0] if substituted else given)
    assert path.is_file()
    for name, section in yaml.safe_load(path.read_text()).items():
        owner = name.rsplit("/", 1)[-1]
        assert substituted or owner in nodes
        known = nodes.get(owner) or node_class(f"{owner}_node")
        assert set(section["ros__parameters"]) <= parameters_of(known)
    if substituted:
        assert given.options["allow_substs"]


def check_node(node):
    options = node.options
    key = (options.get("package"), options["executable"])
    if key in FOREIGN:
        nodes, allowed = {}, FOREIGN[key]
    else:
        nodes = hosted(node)
        allowed = set.intersection(*(parameters_of(one) for one in nodes.values()))
    for given in options.get("parameters", []):
        if isinstance(given, dict):
            assert set(given) <= allowed
            continue
        check_file(given, nodes)
    if options["executable"] == "rviz2":
        assert Path(options["arguments"][1]).is_file()
    if node.kind == "LifecycleNode":
        assert options["name"] in nodes


def launched(made):
    return [one for one in made if one.kind in ("Node", "LifecycleNode")]


def names(made):
    return {one.options.get("executable") for one in launched(made)}


CHOICES = [
    dict(zip(("sim", "one_process", "rviz", "viewer", "record"), values, strict=True))
    for values in itertools.product(
        ("true", "false"), ("true", "false"), ("true", "false"), ("off", "web"), ("", "/tmp/bag")
    )
]


@pytest.mark.parametrize("given", CHOICES)
def test_every_combination_names_only_what_exists(robot, given):
    made = robot.start(**given)
    assert launched(made)
    for node in launched(made):
        check_node(node)


def test_replay_names_only_what_exists(replay):
    for viewer, rviz in itertools.product(("off", "native"), ("true", "false")):
        made = replay.start(bag="drive", viewer=viewer, rviz=rviz)
        for node in launched(made):
            check_node(node)
            parameters = [one for one in node.options["parameters"] if isinstance(one, dict)]
            assert {"use_sim_time": True}.items() <= {
                key: value for one in parameters for key, value in one.items()
            }.items()


@pytest.mark.parametrize("name", ["robot", "replay"])
def test_every_argument_has_a_description_and_its_default_is_a_choice(name, request):
    launch_file = request.getfixturevalue(name)
    for argument, options in launch_file.arguments.items():
        assert options["description"], argument
        if "choices" in options:
            assert options["default_value"] in options["choices"]


def test_arguments_of_the_robot_are_the_documented_ones(robot, replay):
    assert set(robot.arguments) >= ROBOT
    assert {"bag", "use_sim_time"} <= set(replay.arguments)
    assert "default_value" not in replay.arguments["bag"]


def test_devices_are_emulated_only_when_asked_for(robot):
    assert "emulator_node" not in names(robot.start())
    assert names(robot.start(sim="true")) >= {"emulator_node", "robot_node"}
    assert names(robot.start(one_process="false")) >= {"capture_node", "motor_node", "imaging_node"}


@pytest.mark.parametrize("one_process", ["true", "false"])
def test_simulation_leads_nodes_to_the_emulated_ports(robot, one_process):
    def substituted(made):
        return [
            one
            for node in launched(made)
            for one in node.options.get("parameters", [])
            if isinstance(one, Made) and one.kind == "ParameterFile"
        ]

    files = substituted(robot.start(sim="true", one_process=one_process))
    assert {one.arguments[0] for one in files} == {str(share_path("config/simulation.yaml"))}
    assert not substituted(robot.start(one_process=one_process))
    assert robot.arguments["port_folder"]["default_value"] == str(port_folder())


def test_simulation_file_uses_only_declared_arguments(robot):
    text = share_path("config/simulation.yaml").read_text()
    assert set(re.findall(r"\$\(var (\w+)\)", text)) <= set(robot.arguments)
    sections = yaml.safe_load(text)
    assert sections["/**/capture"]["ros__parameters"]["serial_port"].endswith("/radar")
    assert sections["/**/motor"]["ros__parameters"]["serial_port"].endswith("/stepper")


def test_robot_waits_for_the_emulated_devices(robot):
    made = robot.start(sim="true")
    waiting = [
        one
        for one in made
        if one.kind == "OnStateTransition" and one.options["goal_state"] == "active"
    ]
    assert len(waiting) == 1
    inside = {
        inner.options.get("executable")
        for one in waiting
        for inner in one.within()
        if inner.kind == "Node"
    }
    assert inside == {"robot_node"}
    failing = [
        one
        for one in made
        if one.kind == "OnStateTransition" and one.options["goal_state"] == "unconfigured"
    ]
    assert {one.options["start_state"] for one in failing} == {"configuring", "errorprocessing"}
    for one in failing:
        assert any(inner.kind == "Shutdown" for inner in one.within())


@pytest.mark.parametrize("sim", ["true", "false"])
@pytest.mark.parametrize("namespace", ["", "fleet/one"])
def test_two_fixed_radars_have_a_capture_node_each(robot, sim, namespace):
    given = {"panoradar": "false", "rexo": "true", "sim": sim, "namespace": namespace}
    made = [one for outer in robot.start(**given) for one in (outer, *outer.within())]
    nodes = [one for one in launched(made) if one.options["package"] == PACKAGE]
    for node in nodes:
        check_node(node)
    prefix = f"{namespace}/" if namespace else ""
    places = {(one.options["executable"], one.options["namespace"]) for one in nodes}
    assert places >= {
        ("people_node", namespace),
        ("capture_node", f"{prefix}horizontal"),
        ("capture_node", f"{prefix}vertical"),
    }
    assert ("room_emulator_node" in {name for name, _ in places}) == (sim == "true")
    assert not {"robot_node", "imaging_node", "emulator_node"} & {name for name, _ in places}
    both = {**given, "panoradar": "true"}
    assert names(robot.start(**both)) > names(robot.start(sim=sim, namespace=namespace))


@pytest.mark.parametrize("sim", ["true", "false"])
@pytest.mark.parametrize("namespace", ["", "fleet/one"])
def test_a_watching_radar_has_its_capture_node_and_watches_for_what_is_asked(robot, sim, namespace):
    given = {"panoradar": "false", "mmanomaly": "true", "watch": "fall", "sim": sim}
    made = robot.start(**given, namespace=namespace)
    made = [one for outer in made for one in (outer, *outer.within())]
    nodes = [one for one in launched(made) if one.options["package"] == PACKAGE]
    places = {(one.options["executable"], one.options["namespace"]): one for one in nodes}
    for node in nodes:
        check_node(node)
    prefix = f"{namespace}/" if namespace else ""
    emulator = ("scene_emulator_node", namespace)
    watching = {("anomaly_node", namespace), ("capture_node", f"{prefix}watch")}
    assert set(places) == watching | ({emulator} if sim == "true" else set())
    for place, node in places.items():
        told = [one for one in node.options["parameters"] if isinstance(one, dict)]
        assert told == ([] if place[0] == "capture_node" else [{"watch": "fall"}])
    every = robot.start(**{**given, "panoradar": "true", "rexo": "true"}, namespace=namespace)
    assert names(every) >= {"anomaly_node", "people_node", "robot_node"}


def test_choices_of_watches_are_those_there_are(robot):
    assert robot.arguments["watch"]["choices"] == list(TASKS)


def test_record_and_views_of_a_watch_leave_colour_out(robot):
    given = {"panoradar": "false", "mmanomaly": "true", "record": "/tmp/bag", "rviz": "true"}
    made = robot.start(**given, viewer="web")
    command = next(one for one in made if one.kind == "ExecuteProcess").options["cmd"]
    topics = command[command.index("--topics") + 1 :]
    assert {"/watch/radar/raw", "/anomaly/state", "/camera/depth/image_rect_raw"} <= set(topics)
    assert not [one for one in topics if "color" in one or one.endswith("/image")]
    rviz = next(one for one in launched(made) if one.options["executable"] == "rviz2")
    assert rviz.options["arguments"][1].endswith("mmanomaly.rviz")
    assert "anomaly_viewer_node" in names(made)
    for node in launched(made):
        check_node(node)


def test_record_and_rviz_are_of_the_radars_that_there_are(robot):
    given = {"panoradar": "false", "rexo": "true", "record": "/tmp/bag", "rviz": "true"}
    made = robot.start(**given, viewer="web")
    command = next(one for one in made if one.kind == "ExecuteProcess").options["cmd"]
    topics = command[command.index("--topics") + 1 :]
    assert {"/horizontal/radar/raw", "/vertical/radar/raw", "/people/tracks"} <= set(topics)
    assert "/radar/raw" not in topics
    rviz = next(one for one in launched(made) if one.options["executable"] == "rviz2")
    assert rviz.options["arguments"][1].endswith("rexo.rviz")
    assert "people_viewer_node" in names(made)
    for node in launched(made):
        check_node(node)


def test_fixed_radars_are_configured_as_the_networks_expect():
    sections = yaml.safe_load(share_path("config/rexo_radars.yaml").read_text())
    assert set(sections) == {"/**/horizontal/capture", "/**/vertical/capture"}
    ports = set()
    for section in sections.values():
        values = section["ros__parameters"]
        waveform = {name: values[name] for name in WAVEFORM_FIELDS}
        assert Waveform(**waveform) == ROOM_WAVEFORM
        check_waveform(Waveform(**waveform))
        ports.add((values["device_address"], values["data_port"], values["serial_port"]))
    assert len(ports) == 2


def test_the_watching_radar_is_configured_as_the_networks_expect():
    sections = yaml.safe_load(share_path("config/anomaly_radar.yaml").read_text())
    values = sections["/**/watch/capture"]["ros__parameters"]
    assert len(sections) == 1
    assert Waveform(**{name: values[name] for name in WAVEFORM_FIELDS}) == WATCH_WAVEFORM
    check_waveform(WATCH_WAVEFORM)


def test_users_parameters_come_after_the_packages(robot, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("/**/motor:\n  ros__parameters: {revolutions_per_s: 1.0}\n")
    for node in launched(robot.start(params_file=str(mine), one_process="false")):
        files = [one for one in node.options["parameters"] if isinstance(one, str)]
        assert not files or files[-1] == str(mine)


def test_record_names_namespaced_topics_that_exist(robot):
    made = robot.start(record="/tmp/bag", namespace="fleet/one")
    command = next(one for one in made if one.kind == "ExecuteProcess").options["cmd"]
    topics = command[command.index("--topics") + 1 :]
    assert "/fleet/one/radar/raw" in topics
    assert "/fleet/one/sim/building" in topics
    assert {"/tf", "/tf_static"} <= set(topics)
    assert not {"/fleet/one/tf", "/fleet/one/tf_static"} & set(topics)
    assert command[command.index("--output") + 1] == "/tmp/bag"
    assert all(node.options["namespace"] == "fleet/one" for node in launched(made))


@pytest.mark.parametrize("name", ["robot", "replay"])
def test_profile_is_left_alone_when_the_user_has_one(name, request, monkeypatch):
    launch_file = request.getfixturevalue(name)
    given = {} if name == "robot" else {"bag": "drive"}
    monkeypatch.delenv("FASTRTPS_DEFAULT_PROFILES_FILE", raising=False)
    monkeypatch.delenv("FASTDDS_DEFAULT_PROFILES_FILE", raising=False)
    variables = [one for one in launch_file.start(**given) if one.kind == "SetEnvironmentVariable"]
    assert len(variables) == 2
    assert all(Path(one.arguments[1]).is_file() for one in variables)
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", "/mine.xml")
    assert not [one for one in launch_file.start(**given) if one.kind == "SetEnvironmentVariable"]


def test_packages_that_launch_files_use_are_in_the_manifest(robot, replay):
    manifest = (REPOSITORY / "package.xml").read_text()
    made = robot.start(rviz="true", sim="true") + replay.start(bag="x", rviz="true")
    packages = {one.options["package"] for one in launched(made) if one.options.get("package")}
    for name in (packages - {PACKAGE}) | {
        "launch",
        "launch_ros",
        "ros2bag",
        "xacro",
        "lifecycle_msgs",
    }:
        assert f"<exec_depend>{name}</exec_depend>" in manifest


def test_installation_takes_everything_along():
    program = (
        "import setuptools; setuptools.setup = lambda **options: print(options['data_files']);"
        "exec(compile(open('setup.py').read(), 'setup.py', 'exec'), {'__file__': 'setup.py'})"
    )
    listing = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for folder in ("launch", "config", "urdf"):
        for path in (REPOSITORY / folder).iterdir():
            if path.is_file():
                assert f"{folder}/{path.name}" in listing
