"""Just enough of ``launch`` and ``launch_ros`` to read a launch file without a ROS distribution.

Every class only remembers what it was made with; substitutions and events are not carried out.
"""

import importlib.util
import sys
import types
from contextlib import contextmanager

CLASSES = {
    "launch": ["LaunchDescription", "LaunchDescriptionEntity"],
    "launch.actions": [
        "DeclareLaunchArgument",
        "EmitEvent",
        "ExecuteProcess",
        "LogInfo",
        "OpaqueFunction",
        "RegisterEventHandler",
        "SetEnvironmentVariable",
    ],
    "launch.event_handlers": ["OnProcessExit"],
    "launch.events": ["Shutdown", "matches_action"],
    "launch.launch_context": ["LaunchContext"],
    "launch.substitutions": ["Command"],
    "launch_ros": [],
    "launch_ros.actions": ["LifecycleNode", "Node"],
    "launch_ros.event_handlers": ["OnStateTransition"],
    "launch_ros.events": [],
    "launch_ros.events.lifecycle": ["ChangeState"],
    "launch_ros.parameter_descriptions": ["ParameterFile", "ParameterValue"],
}


class Made:
    """A thing a launch file makes: its class's name and the arguments."""

    def __init__(self, *arguments, **options):
        self.arguments = arguments
        self.options = options

    @property
    def kind(self):
        return type(self).__name__

    def within(self):
        """Everything made inside this, at any depth, itself included."""
        yield self
        for value in (*self.arguments, *self.options.values()):
            for one in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(one, Made):
                    yield from one.within()


class Context:
    """Values of the launch arguments; asking for one that was not declared is an error."""

    def __init__(self, values):
        self.launch_configurations = values


@contextmanager
def stubs():
    modules = {}
    for name, classes in CLASSES.items():
        module = types.ModuleType(name)
        module.__path__ = []
        for one in classes:
            setattr(module, one, type(one, (Made,), {}))
        modules[name] = module
    kept = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class LaunchFile:
    """A launch file, read."""

    def __init__(self, path):
        with stubs():
            specification = importlib.util.spec_from_file_location(path.stem, path)
            self._module = importlib.util.module_from_spec(specification)
            specification.loader.exec_module(self._module)
            self.description = self._module.generate_launch_description()
        entities = self.description.arguments[0]
        self.arguments = {
            one.arguments[0]: one.options for one in entities if one.kind == "DeclareLaunchArgument"
        }
        self._functions = [
            one.options["function"] for one in entities if one.kind == "OpaqueFunction"
        ]

    def start(self, **given):
        """Everything that is made when it is launched with these arguments."""
        unknown = set(given) - set(self.arguments)
        assert not unknown, f"no argument {unknown}"
        values = {
            name: options["default_value"]
            for name, options in self.arguments.items()
            if "default_value" in options
        } | given
        with stubs():
            made = [one for function in self._functions for one in function(Context(values))]
        return [inner for one in made for inner in one.within()]
