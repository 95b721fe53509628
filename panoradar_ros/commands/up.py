"""``panoradar up``: capture, motor and imaging in one process, without a launch system."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from panoradar_ros.commands.children import ChildProcess, node_arguments, wait_for_emulator

if TYPE_CHECKING:
    from mmwave.ros.node import LifecycleNode

VIEWERS = ("off", "native", "web")
SIMULATION_TIMEOUT_S = 180.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--sim", action="store_true", help="emulate the devices on this machine")
    parser.add_argument("--params-file", type=Path, help="YAML with parameters of the nodes")
    parser.add_argument("--namespace", default="", help="namespace of all nodes")
    parser.add_argument("--viewer", choices=VIEWERS, default="off", help="show it in Rerun")
    parser.add_argument(
        "--recognition", action="store_true", help="learned range images on learned/..."
    )
    parser.add_argument("--record", type=Path, help="bag to record raw data and angles into")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NODE:NAME=VALUE",
        help="one parameter, such as capture:serial_port=/dev/ttyACM1; may be repeated",
    )


def run(arguments: argparse.Namespace) -> int:
    """Start the nodes and run until Ctrl-C."""
    from mmwave.resources import port_folder, share_path
    from mmwave.ros.process import run as run_nodes
    from panoradar_ros.nodes.robot import nodes

    common = _common(arguments)
    settings = [_setting(text) for text in arguments.set]
    for setting in settings:
        check_setting(setting, nodes(arguments.recognition))
    with ExitStack() as stack:
        if arguments.sim:
            emulator = ChildProcess(node_arguments("emulator", common))
            stack.enter_context(emulator)
            folder = port_folder()
            wait_for_emulator(folder, emulator, SIMULATION_TIMEOUT_S)
            settings = [
                f"capture:serial_port:={folder / 'radar'}",
                "capture:host_address:=127.0.0.1",
                "capture:device_address:=127.0.0.2",
                f"motor:serial_port:={folder / 'stepper'}",
                *settings,
            ]
        if arguments.viewer != "off":
            stack.enter_context(
                ChildProcess(node_arguments("viewer", common, mode=arguments.viewer))
            )
        if arguments.record:
            command = ["-m", "panoradar_ros.cli", "record", str(arguments.record)]
            if arguments.namespace:
                command += ["--namespace", arguments.namespace]
            stack.enter_context(ChildProcess(command))
        words = [word for setting in settings for word in ("-p", setting)]
        profile = share_path("config/fastdds.xml")
        return run_nodes(
            *nodes(arguments.recognition),
            arguments=["--ros-args", *common, *words],
            profile=profile,
            autostart=True,
        )


def _common(arguments: argparse.Namespace) -> list[str]:
    words: list[str] = []
    if arguments.params_file:
        if not arguments.params_file.is_file():
            raise FileNotFoundError(f"there is no parameter file {arguments.params_file}")
        words += ["--params-file", str(arguments.params_file)]
    if arguments.namespace:
        words += ["-r", f"__ns:=/{arguments.namespace.strip('/')}"]
    return words


def check_setting(setting: str, kinds: "Sequence[type[LifecycleNode]]") -> None:
    """See to it that somebody takes a setting: ROS ignores what nobody declares.

    Args:
        setting: ``NODE:NAME:=VALUE``.
        kinds: of the nodes; CaptureNode is ``capture``.

    Raises:
        ValueError: there is no such node, or it has no such parameter; names what is like it.
    """
    node, name = setting.partition(":=")[0].split(":")
    known = {kind.__name__.removesuffix("Node").lower(): kind.PARAMETERS for kind in kinds}
    if node not in known:
        more = "; recognition needs --recognition" if node == "recognition" else ""
        raise ValueError(f"--set {setting}: no node {node}; there are {', '.join(known)}{more}")
    names = [parameter.name for parameter in known[node]]
    if name not in names:
        like = get_close_matches(name, names, n=3, cutoff=0.5) or names
        raise ValueError(f"--set {setting}: {node} has no {name}; did you mean {', '.join(like)}?")


def _setting(text: str) -> str:
    name, equals, value = text.partition("=")
    if not equals or name.count(":") != 1:
        raise ValueError(f"--set takes NODE:NAME=VALUE, got {text!r}")
    return f"{name}:={value}"
