"""Parameters of the emulator node."""

from mmwave.ros.parameters import Parameter
from mmwave.simulation.styles import STYLES

_NEVER = -1.0

PARAMETERS = (
    Parameter(
        "recording",
        "",
        "Folder of a simulated drive; empty simulates the demo drive",
        read_only=True,
    ),
    Parameter(
        "style", "office", "Building of the demo drive", choices=tuple(STYLES), read_only=True
    ),
    Parameter(
        "seed", 100, "Seed of building and drive", minimum=0, maximum=2**31 - 1, read_only=True
    ),
    Parameter(
        "port_folder",
        "",
        "Folder of the links radar and stepper; empty: one in /tmp",
        read_only=True,
    ),
    Parameter(
        "host_address", "127.0.0.1", "Where the emulated card sends its data", read_only=True
    ),
    Parameter("device_address", "127.0.0.2", "Address of the emulated card", read_only=True),
    Parameter(
        "control_port",
        4096,
        "UDP port of the card's commands",
        minimum=1,
        maximum=65535,
        read_only=True,
    ),
    Parameter(
        "data_port", 4098, "UDP port of the card's data", minimum=1, maximum=65535, read_only=True
    ),
    Parameter("map_frame_id", "map", "Frame of building and truth", read_only=True),
    Parameter("odom_frame_id", "odom", "Frame that starts where the drive starts", read_only=True),
    Parameter("base_frame_id", "base_link", "Frame of the robot", read_only=True),
    Parameter(
        "truth_rate_hz", 50.0, "Rate of sim/odometry", minimum=1.0, maximum=200.0, read_only=True
    ),
    Parameter(
        "loss", 0.0, "Share of packets that are lost", minimum=0.0, maximum=1.0, read_only=True
    ),
    Parameter(
        "burst_packets",
        100,
        "Length of a burst of lost packets",
        minimum=1,
        maximum=100_000,
        read_only=True,
    ),
    Parameter(
        "burst_interval_s",
        0.0,
        "From burst to burst; 0 for none",
        minimum=0.0,
        maximum=3600.0,
        read_only=True,
    ),
    Parameter(
        "reorder", 0.0, "Share of packets that come late", minimum=0.0, maximum=1.0, read_only=True
    ),
    Parameter(
        "duplicate",
        0.0,
        "Share of packets that come twice",
        minimum=0.0,
        maximum=1.0,
        read_only=True,
    ),
    Parameter(
        "stall_start_s",
        0.0,
        "The link goes down this long after the first frame",
        minimum=0.0,
        maximum=3600.0,
        read_only=True,
    ),
    Parameter(
        "stall_duration_s",
        0.0,
        "It stays down this long; 0 for never",
        minimum=0.0,
        maximum=3600.0,
        read_only=True,
    ),
    Parameter(
        "restart_at_s",
        0.0,
        "The card counts from the start again; 0 for never",
        minimum=0.0,
        maximum=3600.0,
        read_only=True,
    ),
    Parameter(
        "rotor_stall_at_s",
        _NEVER,
        "The rotor sticks this long after it spins; -1 for never",
        minimum=_NEVER,
        maximum=3600.0,
        read_only=True,
    ),
    Parameter(
        "rotor_slip_steps_per_turn",
        0.0,
        "Full steps lost a turn",
        minimum=0.0,
        maximum=200.0,
        read_only=True,
    ),
    Parameter(
        "serial_lost_bytes",
        0.0,
        "Share of bytes lost on the stepper's line",
        minimum=0.0,
        maximum=1.0,
        read_only=True,
    ),
    Parameter("fault_seed", 0, "Seed of all faults", minimum=0, maximum=2**31 - 1, read_only=True),
)
