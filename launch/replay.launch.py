"""A bag instead of the devices: the imaging node works on its raw samples again.

::

    ros2 launch panoradar_ros replay.launch.py bag:=drive rviz:=true
"""

from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_context import LaunchContext
from launch.substitutions import Command
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription, LaunchDescriptionEntity
from mmwave.resources import share_path
from panoradar_ros.launching import transport_environment

PACKAGE = "panoradar_ros"
SWITCH = ["true", "false"]
INPUTS = ["radar/raw", "joint_states", "sim/odometry", "sim/building"]

ARGUMENTS = [
    DeclareLaunchArgument("bag", description="The bag: a folder with metadata.yaml, or an .mcap"),
    DeclareLaunchArgument("rate", default_value="1.0", description="Times the recorded speed"),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="true",
        choices=SWITCH,
        description="Nodes take their time from the bag's /clock",
    ),
    DeclareLaunchArgument(
        "namespace", default_value="", description="Namespace of all nodes and of the bag's topics"
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value="",
        description="Parameters of the imaging node, read after config/imaging.yaml",
    ),
    DeclareLaunchArgument(
        "rviz", default_value="false", choices=SWITCH, description="Show it in RViz"
    ),
    DeclareLaunchArgument(
        "viewer",
        default_value="off",
        choices=["off", "native", "web"],
        description="Show it in Rerun: a window, or a page on this computer",
    ),
]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Everything that the arguments ask for."""
    argument = context.launch_configurations
    use_sim_time = {"use_sim_time": argument["use_sim_time"] == "true"}
    namespace = argument["namespace"]
    entities = [
        *(SetEnvironmentVariable(*one) for one in transport_environment().items()),
        own_node("imaging", argument, use_sim_time),
        Node(
            package="robot_state_publisher",
            executable="robot_state_publisher",
            namespace=namespace,
            parameters=[use_sim_time, {"robot_description": description()}],
        ),
    ]
    if argument["rviz"] == "true":
        entities.append(
            Node(
                package="rviz2",
                executable="rviz2",
                namespace=namespace,
                parameters=[use_sim_time],
                arguments=["-d", str(share_path("config/panoradar.rviz"))],
            )
        )
    if argument["viewer"] != "off":
        mode = {"mode": argument["viewer"]}
        entities.append(own_node("viewer", argument, use_sim_time | mode))
    return [*entities, *playing(argument)]


def own_node(
    name: str, argument: dict[str, str], parameters: dict[str, object]
) -> LaunchDescriptionEntity:
    """A node of this package that starts by itself."""
    files = [str(share_path(f"config/{name}.yaml"))]
    if argument["params_file"]:
        files.append(argument["params_file"])
    return Node(
        package=PACKAGE,
        executable=f"{name}_node",
        namespace=argument["namespace"],
        parameters=[*files, {"autostart": True} | parameters],
        output="screen",
        emulate_tty=True,
    )


def description() -> ParameterValue:
    """The robot description."""
    command = Command(["xacro ", str(share_path("urdf/panoradar.urdf.xacro"))])
    return ParameterValue(command, value_type=str)


def playing(argument: dict[str, str]) -> list[LaunchDescriptionEntity]:
    """The bag's inputs and its clock; the launch ends when the bag does."""
    namespace = argument["namespace"].strip("/")
    prefix = f"/{namespace}/" if namespace else "/"
    topics = [f"{prefix}{topic}" for topic in INPUTS]
    command = ["ros2", "bag", "play", argument["bag"], "--rate", argument["rate"], "--clock"]
    player = ExecuteProcess(cmd=[*command, "--topics", *topics], output="screen")
    ended = EmitEvent(event=Shutdown(reason="the bag has ended"))
    return [player, RegisterEventHandler(OnProcessExit(target_action=player, on_exit=[ended]))]
