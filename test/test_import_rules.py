"""Who may import whom, as read from the sources, and what importing really brings in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("mmwave", "panoradar_ros", "rexo_ros", "mmanomaly_ros")
SYSTEMS = PACKAGES[1:]
ROS = (
    "rclpy",
    "ament_index_python",
    "builtin_interfaces",
    "diagnostic_msgs",
    "geometry_msgs",
    "lifecycle_msgs",
    "nav_msgs",
    "rcl_interfaces",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
    "tf2_ros",
    "visualization_msgs",
    "vision_msgs",
)
ONLY_IN_A_DISTRIBUTION = (
    "tf2_ros",
    "tf2_msgs",
    "vision_msgs",
    "launch",
    "launch_ros",
    "rosbag2_py",
)
SIMULATION = ("mmwave.simulation", "mmwave.emulation")
SIMULATION_USERS = (
    "emulator",
    "emulated_world",
    "emulated_room",
    "emulated_scene",
    "emulator_parameters",
)


def modules():
    for package in PACKAGES:
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports(path, name):
    """Names of everything a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


ALL = {name: (path, set(imports(path, name))) for name, path in modules()}


def within(name, *packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def offenders(applies, forbidden):
    return {
        f"{name} imports {imported}"
        for name, (_, all_imported) in ALL.items()
        if applies(name)
        for imported in all_imported
        if forbidden(name, imported)
    }


def uses_ros(name):
    return within(name, "mmwave.ros") or ".nodes" in name


def test_there_is_something_to_check():
    assert len(ALL) > 20
    assert "rclpy.lifecycle" in ALL["mmwave.ros.node"][1]


def test_only_nodes_and_the_ros_part_of_the_core_know_ros():
    allowed = {"panoradar_ros.cli"}
    assert not offenders(
        lambda name: not uses_ros(name) and name not in allowed and ".commands" not in name,
        lambda _, imported: within(imported, *ROS),
    )


def test_core_knows_none_of_the_systems():
    assert not offenders(
        lambda name: within(name, "mmwave"), lambda _, imported: within(imported, *SYSTEMS)
    )


def test_systems_do_not_know_each_other():
    def another(name, imported):
        own = name.split(".")[0]
        return any(within(imported, system) for system in SYSTEMS if system != own)

    assert not offenders(
        # the command line is of all of them
        lambda name: (
            within(name, *SYSTEMS)
            and not within(name, "panoradar_ros.cli", "panoradar_ros.commands")
        ),
        another,
    )


def test_nothing_but_nodes_and_commands_imports_nodes_or_the_command_line():
    def forbidden(_, imported):
        return any(
            within(imported, f"{system}.{part}")
            for system in SYSTEMS
            for part in ("nodes", "cli", "commands")
        )

    def applies(name):
        return not any(f".{part}" in name for part in ("nodes", "cli", "commands"))

    assert not offenders(applies, forbidden)


def test_torch_only_where_networks_are_trained():
    assert not offenders(
        lambda name: ".learning" not in name,
        lambda _, imported: within(imported, "torch", "diffusers", "torchvision"),
    )


def is_benchmark(name):
    return ".benchmarking" in name


def test_only_commands_run_benchmarks():
    assert not offenders(
        lambda name: not (is_benchmark(name) or ".commands" in name or ".cli" in name),
        lambda _, imported: is_benchmark(imported),
    )


def test_run_time_code_does_not_simulate():
    def applies(name):
        own = within(name, *SIMULATION)
        emulator = name.rsplit(".", 1)[-1] in SIMULATION_USERS and ".nodes" in name
        offline = any(f".{part}" in name for part in ("learning", "cli", "commands"))
        return not (own or emulator or offline or is_benchmark(name))

    assert not offenders(applies, lambda _, imported: within(imported, *SIMULATION))


def test_what_pip_lacks_is_reached_through_the_adapter_only():
    assert not offenders(
        lambda name: True,
        lambda name, imported: within(imported, *ONLY_IN_A_DISTRIBUTION),
    )


@pytest.mark.parametrize(
    "module",
    sorted(
        name
        for name in ALL
        if name in ("mmwave", "panoradar_ros")
        or name
        in (
            "mmwave.dca1000",
            "mmwave.emulation.rig",
            "mmwave.spectrum",
            "panoradar_ros.hardware.radar",
            "panoradar_ros.hardware.turntable",
            "panoradar_ros.imaging.pipeline",
        )
    ),
)
def test_importing_the_core_does_not_bring_ros_in(module):
    program = f"import sys, {module}; print([m for m in sys.modules if m.split('.')[0] in {ROS!r}])"
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert loaded.strip() == "[]"
