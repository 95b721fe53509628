"""Lifecycle, parameters, lazy topics and hand-over of the node base, over real ROS 2."""

import gc
import threading
from pathlib import Path

import pytest
import rclpy.parameter
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.context import Context
from rclpy.node import Node
from std_msgs.msg import String

from mmwave.ros.diagnostics import Level, Status
from mmwave.ros.node import LifecycleNode, bring_up, take_down
from mmwave.ros.parameters import Parameter, ParameterError, read_parameter_file
from mmwave.ros.publishing import reliable_qos, sensor_qos, static_qos


class Recorder(LifecycleNode):
    """Remembers what it did; fails on demand."""

    PARAMETERS = (
        Parameter("rate_hz", 2.0, "Turns a second", minimum=0.0, maximum=4.0),
        Parameter("port", "/dev/none", "Serial port"),
        Parameter("mode", "fast", "How", choices=("fast", "slow")),
        Parameter("count", 3, "How many", minimum=1),
    )

    def __init__(self, **options):
        self.events = []
        self.fail_with = None
        self.fail_in = None
        super().__init__("recorder", **options)

    def configure(self):
        self.words = self.publisher(String, "words", reliable_qos())
        self.until_cleanup.callback(self.events.append, "released")
        self.events.append("configure")
        self.diagnostics("unit").add("part", lambda: Status(Level.WARN, "warm", {"Heat (K)": 3.0}))
        self._fail("configure")

    def activate(self):
        self.until_deactivate.callback(self.events.append, "stopped")
        self.events.append("activate")
        self._fail("activate")

    def check_parameters(self, values):
        return (
            "mode slow needs rate_hz below 1"
            if (values["mode"] == "slow" and values["rate_hz"] >= 1)
            else ""
        )

    def parameters_changed(self, values):
        self.events.append(values)

    def _fail(self, where):
        if self.fail_in == where:
            raise self.fail_with


class Log:
    def __init__(self, node, monkeypatch):
        self.errors, self.fatals = [], []
        logger = node.get_logger()
        monkeypatch.setattr(node, "get_logger", lambda: self)
        self.info = self.warning = lambda *_, **__: None
        del logger

    def error(self, text, **_):
        self.errors.append(text)

    def fatal(self, text, **_):
        self.fatals.append(text)


def test_releases_in_reverse_when_leaving_each_state(graph):
    node = graph.add(Recorder)
    assert bring_up(node)
    assert node.state == "active"
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert node.events == ["configure", "activate", "stopped", "released"]
    assert node.state == "unconfigured"


@pytest.mark.parametrize(
    ("where", "state"), [("configure", "unconfigured"), ("activate", "inactive")]
)
def test_user_mistake_fails_the_transition_with_one_line(graph, monkeypatch, where, state):
    node = graph.add(Recorder)
    node.fail_in, node.fail_with = where, ValueError("port /dev/none does not exist; plug it in")
    log = Log(node, monkeypatch)
    assert not bring_up(node)
    assert node.state == state
    assert log.errors == [f"cannot {where}: port /dev/none does not exist; plug it in"]
    assert not log.fatals
    assert node.events[-1] == {"configure": "released", "activate": "stopped"}[where]
    assert not node.is_active


def test_bug_is_told_apart_and_leaves_the_node_unconfigured(graph, monkeypatch):
    node = graph.add(Recorder)
    node.fail_in, node.fail_with = "activate", KeyError("surprise")
    log = Log(node, monkeypatch)
    assert not bring_up(node)
    assert node.state == "unconfigured"
    assert "KeyError" in log.fatals[0]
    assert node.events[-2:] == ["stopped", "released"]


def test_transition_over_the_service_and_again_after_failure(graph):
    node, client = graph.add(Recorder), graph.add(Node, "client")
    node.fail_in, node.fail_with = "configure", OSError("not now")
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    assert not graph.call(client, ChangeState, "/recorder/change_state", request).success
    node.fail_in = None
    assert graph.call(client, ChangeState, "/recorder/change_state", request).success
    assert node.state == "inactive"


def test_transition_that_the_state_does_not_have_is_refused_and_the_node_lives_on(graph):
    node, client = graph.add(Recorder), graph.add(Node, "client")
    wrong = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_ACTIVATE))
    assert not graph.call(client, ChangeState, "/recorder/change_state", wrong).success
    assert node.state == "unconfigured"
    right = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    assert graph.call(client, ChangeState, "/recorder/change_state", right).success


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("rate_hz", 4.5, ("rate_hz", "4.5", "4.0")),
        ("rate_hz", float("nan"), ("rate_hz", "nan")),
        ("count", 0, ("count", "0", "at least 1")),
        ("mode", "odd", ("mode", "odd", "'fast', 'slow'")),
        ("mode", "slow", ("rate_hz below 1",)),
        ("port", 5, ("expected", "string", "integer")),
    ],
)
def test_change_outside_the_limits_is_refused_by_name(graph, name, value, told):
    node, client = graph.add(Recorder), graph.add(Node, "client")
    before = node.parameters[name]
    change = rclpy.parameter.Parameter(name, value=value).to_parameter_msg()
    answer = graph.call(
        client,
        SetParameters,
        "/recorder/set_parameters",
        SetParameters.Request(parameters=[change]),
    ).results[0]
    assert not answer.successful
    for word in told:
        assert word.lower() in answer.reason.lower()
    assert node.parameters[name] == before
    assert node.events == []


def test_change_within_the_limits_reaches_the_node_and_whole_numbers_are_numbers(graph):
    node, client = graph.add(Recorder), graph.add(Node, "client")
    change = rclpy.parameter.Parameter("rate_hz", value=3).to_parameter_msg()
    request = SetParameters.Request(parameters=[change])
    answer = graph.call(client, SetParameters, "/recorder/set_parameters", request)
    assert answer.results[0].successful
    assert node.events == [{"rate_hz": 3.0}]


def test_descriptions_and_ranges_are_told(graph):
    graph.add(Recorder)
    client = graph.add(Node, "client")
    names = [one.name for one in Recorder.PARAMETERS]
    request = DescribeParameters.Request(names=names)
    answer = graph.call(client, DescribeParameters, "/recorder/describe_parameters", request)
    by_name = {one.name: one for one in answer.descriptors}
    assert by_name["rate_hz"].floating_point_range[0].to_value == 4.0
    assert by_name["mode"].additional_constraints == "one of: fast, slow"
    assert all(one.description for one in answer.descriptors)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("rate_hz", 9.0, "4.0"),
        ("count", -1, "at least 1"),
        ("port", 3, "str"),
        ("mode", "x", "fast"),
    ],
)
def test_wrong_start_value_names_the_parameter(graph, name, value, told):
    override = rclpy.parameter.Parameter(name, value=value)
    with pytest.raises(ParameterError, match=name) as caught:
        graph.add(Recorder, parameter_overrides=[override])
    assert told in str(caught.value)


def test_parameter_file_reaches_the_node_on_the_command_line(graph, tmp_path):
    file = tmp_path / "robot.yaml"
    file.write_text(
        "recorder:\n  ros__parameters:\n    rate_hz: 1.5\n    mode: slow\n    count: 7\n"
    )
    file.write_text(file.read_text().replace("1.5", "0.5"))
    node = graph.add(Recorder, cli_args=["--ros-args", "--params-file", str(file)])
    assert node.parameters.values() == {
        "autostart": False,
        "rate_hz": 0.5,
        "port": "/dev/none",
        "mode": "slow",
        "count": 7,
    }
    assert read_parameter_file(file, "recorder") == {"rate_hz": 0.5, "mode": "slow", "count": 7}


def test_more_specific_section_of_a_parameter_file_wins(tmp_path):
    file = tmp_path / "robot.yaml"
    file.write_text(
        "/**:\n  ros__parameters: {rate_hz: 1.0, group: {size: 2}}\n"
        "/robot/motor:\n  ros__parameters: {rate_hz: 3.0}\n"
        "other:\n  ros__parameters: {rate_hz: 4.0}\n"
    )
    assert read_parameter_file(file, "motor", "/robot") == {"rate_hz": 3.0, "group.size": 2}
    assert read_parameter_file(file, "motor") == {"rate_hz": 1.0, "group.size": 2}


@pytest.mark.parametrize("content", ["a: [", "- 1", "motor: 3", "motor: {rate_hz: 2}"])
def test_bad_parameter_file_is_named(tmp_path, content):
    file = tmp_path / "bad.yaml"
    file.write_text(content)
    with pytest.raises(ParameterError, match=r"bad\.yaml"):
        read_parameter_file(file, "motor")
    with pytest.raises(ParameterError, match=r"none\.yaml"):
        read_parameter_file(tmp_path / "none.yaml", "motor")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"default": 5.0, "maximum": 4.0}, "at most 4.0"),
        ({"default": "x", "choices": ("y",)}, "one of 'y'"),
        ({"default": "x", "minimum": 1}, "minimum"),
        ({"default": 1, "description": ""}, "description"),
    ],
)
def test_specification_must_fit_itself(options, told):
    with pytest.raises(ValueError, match=told):
        Parameter("size", **{"description": "Size", **options})


def test_message_is_made_only_for_someone_who_reads(graph):
    node, reader = graph.add(Recorder), graph.add(Node, "reader")
    made, heard = [], []

    def make():
        made.append(1)
        return String(data="hello")

    assert bring_up(node)
    assert not node.words.publish(make)
    assert made == []
    reader.create_subscription(String, "words", heard.append, 10)
    graph.wait_for(lambda: node.words.has_subscribers, "the reader is seen")
    assert node.words.publish(make)
    graph.wait_for(lambda: heard, "the message")
    assert heard[0].data == "hello"
    node.trigger_deactivate()
    assert not node.words.publish(make)
    assert len(made) == 1


def test_diagnostics_name_the_node_and_carry_values(graph):
    node, reader = graph.add(Recorder), graph.add(Node, "reader")
    heard = []
    reader.create_subscription(DiagnosticArray, "/diagnostics", heard.append, 10)
    node.trigger_configure()
    graph.wait_for(lambda: heard, "diagnostics")
    status = heard[0].status[0]
    assert (status.name, status.hardware_id, status.message) == ("recorder: part", "unit", "warm")
    assert status.level == Level.WARN.value
    assert [(one.key, one.value) for one in status.values] == [("Heat (K)", "3")]
    assert heard[0].header.stamp.sec > 0


def test_worker_error_is_reported_and_work_ends_with_deactivation(graph, monkeypatch):
    node = graph.add(Recorder)
    log = Log(node, monkeypatch)
    assert bring_up(node)
    stopped, failed = threading.Event(), []
    monkeypatch.setattr(node, "work_failed", failed.append)

    def endless(stop):
        stop.wait()
        stopped.set()

    def broken(stop):
        raise OSError("the cable was pulled; plug it in")

    node.work("endless", endless)
    node.work("broken", broken)
    graph.wait_for(lambda: failed, "the failure")
    assert log.errors == ["broken stopped: the cable was pulled; plug it in"]
    node.trigger_deactivate()
    assert stopped.is_set()


def test_qos_follows_the_size_of_the_message():
    assert sensor_qos(10_000).reliability.name == "BEST_EFFORT"
    assert sensor_qos(500_000).reliability.name == "RELIABLE"
    assert static_qos().durability.name == "TRANSIENT_LOCAL"


def participants() -> int:
    """DDS participants of this process: each has one thread of this name."""
    names = (path.read_text() for path in Path("/proc/self/task").glob("*/comm"))
    return sum(name.startswith("dds.ev.") for name in names)


@pytest.mark.parametrize("state", ["unconfigured", "active"])
def test_a_destroyed_node_leaves_nothing_to_the_garbage_collector(state):
    context = Context()
    before = participants()
    rclpy.init(context=context)
    gc.disable()
    try:
        node = Recorder(context=context)
        assert participants() == before + 1
        if state == "active":
            assert bring_up(node)
        take_down(node)
        node.destroy_node()
        rclpy.shutdown(context=context)
        assert participants() == before
    finally:
        gc.enable()


def test_values_of_parameters_that_there_are_not_are_told_of(graph, monkeypatch):
    told, real = [], Recorder.get_logger

    class Told:
        def __init__(self, logger):
            self._logger = logger

        def warning(self, text, **_):
            told.append(text)

        def __getattr__(self, name):
            return getattr(self._logger, name)

    monkeypatch.setattr(Recorder, "get_logger", lambda self: Told(real(self)))
    values = [("rate_hzz", 1.0), ("bogus", 3), ("count", 4), ("use_sim_time", False)]
    overrides = [rclpy.parameter.Parameter(name, value=value) for name, value in values]
    node = graph.add(Recorder, parameter_overrides=overrides)
    assert node.parameters["count"] == 4
    assert told == [
        "there is no parameter bogus: its value is ignored",
        "there is no parameter rate_hzz: its value is ignored; is rate_hz meant?",
    ]
