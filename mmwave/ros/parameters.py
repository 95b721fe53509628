"""Declared parameters: name, default, description, limits, checked at start and when changed."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy.node
import rclpy.parameter
import yaml
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException

Value = bool | int | float | str | list[bool] | list[int] | list[float] | list[str]


class ParameterError(ValueError):
    """A value is not allowed; the message names the parameter, the value and the limit."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node.

    Attributes:
        name: with the unit in it where it has one (``range_m``).
        default: gives the type.
        description: one sentence; shown by ``ros2 param describe``.
        minimum: lowest allowed value (numbers only), or None.
        maximum: highest allowed value (numbers only), or None.
        choices: the allowed values, or empty for any.
        read_only: set at start only.

    Raises:
        ValueError: the default is outside its own limits, or something without order has limits.
    """

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Value, ...] = ()
    read_only: bool = False

    def __post_init__(self) -> None:
        if not self.description:
            raise ValueError(f"parameter {self.name} needs a description")
        if not self._is_number and (self.minimum is not None or self.maximum is not None):
            raise ValueError(f"parameter {self.name}: only a number has a minimum or maximum")
        problem = self.problem_with(self.default)
        if problem:
            raise ValueError(problem)

    @property
    def _is_number(self) -> bool:
        return isinstance(self.default, (int, float)) and not isinstance(self.default, bool)

    def problem_with(self, value: Any) -> str:
        """What is wrong with ``value``, naming it and the limit; empty when it is allowed."""
        if self._is_number:
            if isinstance(value, float) and not math.isfinite(value):
                return f"parameter {self.name} must be finite, got {value}"
            if self.minimum is not None and value < self.minimum:
                return f"parameter {self.name} must be at least {self.minimum}, got {value}"
            if self.maximum is not None and value > self.maximum:
                return f"parameter {self.name} must be at most {self.maximum}, got {value}"
        if self.choices and value not in self.choices:
            allowed = ", ".join(repr(choice) for choice in self.choices)
            return f"parameter {self.name} must be one of {allowed}, got {value!r}"
        return ""

    def descriptor(self) -> ParameterDescriptor:
        """The message that ``ros2 param describe`` and graphical tools read."""
        descriptor = ParameterDescriptor()
        descriptor.description = self.description
        descriptor.read_only = self.read_only
        if self.choices:
            allowed = ", ".join(str(choice) for choice in self.choices)
            descriptor.additional_constraints = f"one of: {allowed}"
        # ROS ranges have two ends: a limit on one side only is checked by problem_with
        if self.minimum is not None and self.maximum is not None:
            if isinstance(self.default, int):
                integers = IntegerRange()
                integers.from_value, integers.to_value = int(self.minimum), int(self.maximum)
                integers.step = 1
                descriptor.integer_range = [integers]
            else:
                floats = FloatingPointRange()
                floats.from_value, floats.to_value = float(self.minimum), float(self.maximum)
                descriptor.floating_point_range = [floats]
        elif self.minimum is not None:
            descriptor.additional_constraints = f"at least {self.minimum}"
        elif self.maximum is not None:
            descriptor.additional_constraints = f"at most {self.maximum}"
        return descriptor


class ParameterSet:
    """The declared parameters of one node, by name: ``parameters["rate_hz"]``.

    Declares them with descriptors and ranges, and refuses changes outside the limits. A whole
    number given to a floating point parameter with ``ros2 param set`` is taken as that number.

    Args:
        node: the node that owns them.
        specifications: what to declare.
        check: called with all values as they would be after a change; returns what is wrong with
            them together, or an empty string. For limits that join several parameters.
        changed: called with the new values after a change.

    Raises:
        ParameterError: a value from the command line or a parameter file is not allowed.
    """

    def __init__(
        self,
        node: rclpy.node.Node,
        specifications: Iterable[Parameter],
        *,
        check: Callable[[Mapping[str, Any]], str] = lambda values: "",
        changed: Callable[[Mapping[str, Any]], None] = lambda values: None,
    ) -> None:
        self._node = node
        self._specifications = {one.name: one for one in specifications}
        self._check = check
        self._changed = changed
        for specification in self._specifications.values():
            self._declare(specification)
        problem = check(self.values())
        if problem:
            raise ParameterError(problem)
        node.add_pre_set_parameters_callback(self._convert_whole_numbers)
        node.add_on_set_parameters_callback(self._accept)
        node.add_post_set_parameters_callback(self._after)

    def __getitem__(self, name: str) -> Any:
        return self._node.get_parameter(name).value

    def __iter__(self) -> Any:
        return iter(self._specifications)

    def values(self) -> dict[str, Any]:
        """All values by name."""
        return {name: self[name] for name in self._specifications}

    def _declare(self, specification: Parameter) -> None:
        name = specification.name
        try:
            self._node.declare_parameter(
                name, specification.default, descriptor=specification.descriptor()
            )
        except InvalidParameterTypeException as error:
            kind = type(specification.default).__name__
            raise ParameterError(
                f"parameter {name} must be of type {kind}, as its default "
                f"{specification.default!r} (a float needs a decimal point): {error}"
            ) from error
        except InvalidParameterValueException as error:
            raise ParameterError(f"parameter {name}: {error}") from error
        problem = specification.problem_with(self[name])
        if problem:
            raise ParameterError(problem)

    def _convert_whole_numbers(
        self, parameters: Sequence[rclpy.parameter.Parameter]
    ) -> list[rclpy.parameter.Parameter]:
        converted = []
        for parameter in parameters:
            specification = self._specifications.get(parameter.name)
            wanted = specification is not None and isinstance(specification.default, float)
            if wanted and parameter.type_ == rclpy.parameter.Parameter.Type.INTEGER:
                parameter = rclpy.parameter.Parameter(parameter.name, value=float(parameter.value))
            converted.append(parameter)
        return converted

    def _accept(self, parameters: Sequence[rclpy.parameter.Parameter]) -> SetParametersResult:
        values = self.values()
        for parameter in parameters:
            specification = self._specifications.get(parameter.name)
            if specification is None:
                continue
            problem = specification.problem_with(parameter.value)
            if problem:
                return SetParametersResult(successful=False, reason=problem)
            values[parameter.name] = parameter.value
        problem = self._check(values)
        return SetParametersResult(successful=not problem, reason=problem)

    def _after(self, parameters: Sequence[rclpy.parameter.Parameter]) -> None:
        own = {one.name: one.value for one in parameters if one.name in self._specifications}
        if own:
            self._changed(own)


def read_parameter_file(path: str | Path, node_name: str, namespace: str = "/") -> dict[str, Value]:
    """Read one node's parameters from a YAML file in ROS 2's format.

    Keys of the file are node names (``motor``, ``/robot/motor``) or the wildcard ``/**``; the more
    specific wins. Nested groups become dotted names.

    Args:
        path: the file.
        node_name: name of the node without namespace.
        namespace: namespace of the node, starting with a slash.

    Returns:
        Values by parameter name; empty when the file does not name the node.

    Raises:
        ParameterError: the file is missing, is not YAML, or is not in ROS 2's format.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ParameterError(f"cannot read parameter file {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ParameterError(f"parameter file {path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ParameterError(f"parameter file {path} must map node names to ros__parameters")
    full_name = f"{namespace.rstrip('/')}/{node_name}"
    found: dict[str, Value] = {}
    for key in ("/**", f"/**/{node_name}", node_name, full_name):
        section = content.get(key)
        if section is None:
            continue
        if not isinstance(section, dict) or not isinstance(section.get("ros__parameters"), dict):
            raise ParameterError(
                f"parameter file {path}: node {key!r} needs a 'ros__parameters:' map under it"
            )
        found.update(_flatten(section["ros__parameters"]))
    return found


def _flatten(group: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    flat: dict[str, Value] = {}
    for name, value in group.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat
