"""The robot: radar, turntable, imaging; emulated with ``sim:=true``.

::

    ros2 launch panoradar_ros robot.launch.py                        the real devices
    ros2 launch panoradar_ros robot.launch.py sim:=true rviz:=true   a simulated building
    ros2 launch panoradar_ros robot.launch.py panoradar:=false rexo:=true   two fixed radars
    ros2 launch panoradar_ros robot.launch.py panoradar:=false mmanomaly:=true watch:=fall
                                                                     a fixed radar and a camera

Capture, motor and imaging share one process, so that samples go from one to the other by
reference; ``one_process:=false`` gives each its own.
"""

from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.events import Shutdown, matches_action
from launch.launch_context import LaunchContext
from launch.substitutions import Command
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue
from lifecycle_msgs.msg import Transition

from launch import LaunchDescription, LaunchDescriptionEntity
from mmwave.resources import port_folder, share_path
from panoradar_ros.launching import transport_environment

PACKAGE = "panoradar_ros"
SWITCH = ["true", "false"]
VIEWS = ("horizontal", "vertical")
WATCHES = ["weapon", "intruder", "fall"]
DEVICES = {
    "people": "rexo", "room_emulator": "rexo", "horizontal": "rexo", "vertical": "rexo",
    "anomaly": "anomaly", "scene_emulator": "anomaly", "watch": "anomaly",
}  # fmt: skip
"""Whose devices a node, or a capture node in a namespace, uses; those not here use the robot's."""
RECORDED = ["radar/raw", "joint_states", "odom", "velocity", "points", "scan", "sim/odometry"]
RECORDED_ONCE = ["sim/building", "robot_description"]
RECORDED_FIXED = [
    "horizontal/radar/raw", "vertical/radar/raw", "camera_info", "people/tracks", "people/boxes",
    "people/poses", "people/image_boxes", "sim/people",
]  # fmt: skip
RECORDED_WATCH = [
    "watch/radar/raw", "camera/depth/image_rect_raw", "camera/camera_info", "anomaly/state",
    "anomaly/markers", "anomaly/grid", "anomaly/measured", "anomaly/expected", "anomaly/heatmap",
    "sim/anomaly",
]  # fmt: skip
"""Without the colour image, which is private."""
RECORDED_OF_ALL = ["/tf", "/tf_static"]  # in no namespace: every robot's transforms go there

ARGUMENTS = [
    DeclareLaunchArgument(
        "sim",
        default_value="false",
        choices=SWITCH,
        description="Emulate radar, capture card and turntable in a simulated building",
    ),
    DeclareLaunchArgument(
        "namespace", default_value="", description="Namespace of all nodes and topics"
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value="",
        description="Parameters of your robot, read after the package's own (config/*.yaml)",
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
    DeclareLaunchArgument(
        "record",
        default_value="",
        description="Folder of a new MCAP bag with raw samples and results; empty records nothing",
    ),
    DeclareLaunchArgument(
        "recognition",
        default_value="false",
        choices=SWITCH,
        description="Learned range images, normals, points and scan on learned/...",
    ),
    DeclareLaunchArgument(
        "panoradar",
        default_value="true",
        choices=SWITCH,
        description="The rotating radar; false for two fixed ones alone",
    ),
    DeclareLaunchArgument(
        "rexo",
        default_value="false",
        choices=SWITCH,
        description="People as 3D boxes and tracks from two fixed radars (config/rexo_radars.yaml)",
    ),
    DeclareLaunchArgument(
        "mmanomaly",
        default_value="false",
        choices=SWITCH,
        description="An alarm from one fixed radar and an RGB-D camera (config/anomaly_radar.yaml)",
    ),
    DeclareLaunchArgument(
        "watch",
        default_value="weapon",
        choices=WATCHES,
        description="What mmanomaly:=true watches for",
    ),
    DeclareLaunchArgument(
        "port_folder",
        default_value=str(port_folder()),
        description="Where the emulated devices' serial ports are found, with sim:=true",
    ),
    DeclareLaunchArgument(
        "one_process",
        default_value="true",
        choices=SWITCH,
        description="Capture, motor and imaging in one process, samples handed over by reference",
    ),
]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Everything that the arguments ask for."""
    argument = context.launch_configurations
    return [
        *(SetEnvironmentVariable(*one) for one in transport_environment().items()),
        *(rotating_radar(argument) if argument["panoradar"] == "true" else []),
        *(fixed_radars(argument) if argument["rexo"] == "true" else []),
        *(watching_radar(argument) if argument["mmanomaly"] == "true" else []),
        *viewers(argument),
        *recording(argument),
    ]


def rotating_radar(argument: dict[str, str]) -> list[LaunchDescriptionEntity]:
    """PanoRadar's nodes, and the robot's description."""
    simulated = argument["sim"] == "true"
    robot = one_process if argument["one_process"] == "true" else own_processes
    nodes = robot(argument, simulated)
    if simulated:
        nodes = lifecycle_node("emulator", argument, simulated=True, then=nodes)
    return [state_publisher(argument), *nodes]


def fixed_radars(argument: dict[str, str]) -> list[LaunchDescriptionEntity]:
    """REXO: the people node, and a capture node for each radar in its view's namespace."""
    simulated = argument["sim"] == "true"
    radars = [
        entity
        for view in VIEWS
        for entity in lifecycle_node("capture", argument, simulated=simulated, view=view)
    ]
    nodes = [*lifecycle_node("people", argument, simulated=simulated), *radars]
    if simulated:
        nodes = lifecycle_node("room_emulator", argument, simulated=True, then=nodes)
    return nodes


def watching_radar(argument: dict[str, str]) -> list[LaunchDescriptionEntity]:
    """mmAnomaly: the anomaly node, and a capture node in the namespace ``watch``.

    The camera's driver is started elsewhere, its topics named ``camera/...``.
    """
    simulated = argument["sim"] == "true"
    nodes = [
        *lifecycle_node("anomaly", argument, simulated=simulated),
        *lifecycle_node("capture", argument, simulated=simulated, view="watch"),
    ]
    if simulated:
        nodes = lifecycle_node("scene_emulator", argument, simulated=True, then=nodes)
    return nodes


def parameters(
    node: str, argument: dict[str, str], simulated: bool, view: str = ""
) -> list[object]:
    """The package's parameters of a node, then those of the emulated devices, then the user's."""
    devices = DEVICES.get(view or node, "")
    files: list[object] = [str(share_path(f"config/{node}.yaml"))]
    if view:
        radars = {"rexo": "rexo_radars", "anomaly": "anomaly_radar"}[devices]
        files.append(str(share_path(f"config/{radars}.yaml")))
    elif devices == "anomaly":
        files.append({"watch": argument["watch"]})
    if simulated:
        name = f"{devices}_simulation" if devices else "simulation"
        files.append(ParameterFile(str(share_path(f"config/{name}.yaml")), allow_substs=True))
    return [*files, argument["params_file"]] if argument["params_file"] else files


def one_process(argument: dict[str, str], simulated: bool) -> list[LaunchDescriptionEntity]:
    """Capture, motor, imaging (and recognition) in one process, which brings them up by itself."""
    return [
        Node(
            package=PACKAGE,
            executable="robot_node",
            namespace=argument["namespace"],
            parameters=[
                one for name in names(argument) for one in parameters(name, argument, simulated)
            ],
            arguments=["--recognition"] if argument["recognition"] == "true" else [],
            output="screen",
            emulate_tty=True,
        )
    ]


def own_processes(argument: dict[str, str], simulated: bool) -> list[LaunchDescriptionEntity]:
    """Capture, motor, imaging (and recognition), each in a process of its own."""
    return [
        entity
        for name in names(argument)
        for entity in lifecycle_node(name, argument, simulated=simulated)
    ]


def names(argument: dict[str, str]) -> list[str]:
    """The nodes of the robot."""
    wanted = ["recognition"] if argument["recognition"] == "true" else []
    return ["capture", "motor", "imaging", *wanted]


def lifecycle_node(
    name: str,
    argument: dict[str, str],
    *,
    simulated: bool = False,
    then: list[LaunchDescriptionEntity] | None = None,
    view: str = "",
) -> list[LaunchDescriptionEntity]:
    """A node that is configured, then activated; ``then`` starts once it is active.

    With a ``view`` it is in the namespace of that name.
    """
    stop = EmitEvent(event=Shutdown(reason=f"the {name} node ended; it says above why"))
    node = LifecycleNode(
        package=PACKAGE,
        executable=f"{name}_node",
        name=name,
        namespace="/".join(filter(None, (argument["namespace"], view))),
        parameters=parameters(name, argument, simulated, view),
        output="screen",
        emulate_tty=True,
        on_exit=[stop] if then is not None else None,
    )

    def change(transition: int) -> EmitEvent:
        return EmitEvent(
            event=ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=transition)
        )

    activate = OnStateTransition(
        target_lifecycle_node=node,
        start_state="configuring",
        goal_state="inactive",
        entities=[change(Transition.TRANSITION_ACTIVATE)],
    )
    entities = [
        RegisterEventHandler(activate),
        node,
        change(Transition.TRANSITION_CONFIGURE),
    ]
    if then is not None:
        active = OnStateTransition(target_lifecycle_node=node, goal_state="active", entities=then)
        entities = [
            RegisterEventHandler(active),
            *(
                RegisterEventHandler(
                    OnStateTransition(
                        target_lifecycle_node=node,
                        start_state=state,
                        goal_state="unconfigured",
                        entities=[stop],
                    )
                )
                for state in ("configuring", "errorprocessing")
            ),
            *entities,
        ]
    return entities


def state_publisher(argument: dict[str, str]) -> LaunchDescriptionEntity:
    """Transforms of the robot's frames from joint_states."""
    description = Command(["xacro ", str(share_path("urdf/panoradar.urdf.xacro"))])
    return Node(
        package="robot_state_publisher",
        executable="robot_state_publisher",
        namespace=argument["namespace"],
        parameters=[{"robot_description": ParameterValue(description, value_type=str)}],
    )


def viewers(argument: dict[str, str]) -> list[LaunchDescriptionEntity]:
    """RViz and Rerun, of the first system that there is."""
    layout, viewer = "panoradar", "viewer"
    if argument["panoradar"] != "true":
        people = argument["rexo"] == "true" or argument["mmanomaly"] != "true"
        layout, viewer = ("rexo", "people_viewer") if people else ("mmanomaly", "anomaly_viewer")
    entities: list[LaunchDescriptionEntity] = []
    if argument["rviz"] == "true":
        entities.append(
            Node(
                package="rviz2",
                executable="rviz2",
                namespace=argument["namespace"],
                arguments=["-d", str(share_path(f"config/{layout}.rviz"))],
            )
        )
    if argument["viewer"] != "off":
        entities.append(
            Node(
                package=PACKAGE,
                executable=f"{viewer}_node",
                namespace=argument["namespace"],
                parameters=[
                    *parameters(viewer, argument, False),
                    {"autostart": True, "mode": argument["viewer"]},
                ],
                output="screen",
                emulate_tty=True,
            )
        )
    return entities


def recording(argument: dict[str, str]) -> list[LaunchDescriptionEntity]:
    """A bag of what goes in and what comes out."""
    if not argument["record"]:
        return []
    namespace = argument["namespace"].strip("/")
    prefix = f"/{namespace}/" if namespace else "/"
    recorded = [*RECORDED, *RECORDED_ONCE] if argument["panoradar"] == "true" else []
    if argument["rexo"] == "true":
        recorded += RECORDED_FIXED
    if argument["mmanomaly"] == "true":
        recorded += RECORDED_WATCH
    topics = [f"{prefix}{topic}" for topic in recorded] + RECORDED_OF_ALL
    command = ["ros2", "bag", "record", "--storage", "mcap", "--output", argument["record"]]
    return [ExecuteProcess(cmd=[*command, "--topics", *topics], output="screen")]
