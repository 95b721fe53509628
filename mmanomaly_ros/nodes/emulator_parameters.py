"""Parameters of the emulator of a watched scene."""

from mmanomaly_ros.watch import TASKS
from mmwave.ros.parameters import Parameter

PARAMETERS = (
    Parameter(
        "watch",
        "weapon",
        "What is watched for: something hidden under clothes, somebody behind a wall, or a fall",
        choices=TASKS,
        read_only=True,
    ),
    Parameter("seed", 70, "Seed of the scene", minimum=0, maximum=2**31 - 1, read_only=True),
    Parameter(
        "anomalous",
        True,
        "Something happens that is watched for, in the middle of the time; false for never",
        read_only=True,
    ),
    Parameter(
        "seconds",
        20.0,
        "Simulated time, played round and round",
        minimum=1.0,
        maximum=120.0,
        read_only=True,
    ),
    Parameter("port_folder", "", "Folder of the link watch; empty for one in /tmp", read_only=True),
    Parameter(
        "host_address", "127.0.0.1", "Where the emulated card sends its data", read_only=True
    ),
    Parameter("device_address", "127.0.0.6", "Address of the emulated card", read_only=True),
    Parameter(
        "control_port",
        4108,
        "UDP port of the card's commands",
        minimum=1,
        maximum=65535,
        read_only=True,
    ),
    Parameter(
        "data_port", 4110, "UDP port of the card's data", minimum=1, maximum=65535, read_only=True
    ),
    Parameter(
        "loss",
        0.0,
        "Share of the radar's packets that are lost",
        minimum=0.0,
        maximum=1.0,
        read_only=True,
    ),
    Parameter(
        "frame_id",
        "watch",
        "Frame of the radar, which the true place is in: x ahead, y to the left, z up",
        read_only=True,
    ),
    Parameter(
        "camera_frame_id", "watch_camera", "Optical frame of the camera's images", read_only=True
    ),
    Parameter(
        "camera_delay_s",
        0.0,
        "Images come this much later than they are stamped",
        minimum=0.0,
        maximum=5.0,
        read_only=True,
    ),
    Parameter(
        "camera_clock_s",
        0.0,
        "The camera's clock is ahead of the radar's by this",
        minimum=-10.0,
        maximum=10.0,
        read_only=True,
    ),
    Parameter(
        "camera_fault_after_s",
        0.0,
        "The following four begin this long after the start",
        minimum=0.0,
        maximum=3600.0,
        read_only=True,
    ),
    Parameter("camera_dark", False, "There is next to no light", read_only=True),
    Parameter(
        "camera_turn_deg",
        0.0,
        "The camera has been turned to the right by this",
        minimum=-45.0,
        maximum=45.0,
        read_only=True,
    ),
    Parameter(
        "depth_holes",
        0.0,
        "Share of the depth image that is missing",
        minimum=0.0,
        maximum=1.0,
        read_only=True,
    ),
    Parameter("no_depth", False, "The camera gives no depth image", read_only=True),
)
