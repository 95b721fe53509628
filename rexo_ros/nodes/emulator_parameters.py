"""Parameters of the emulator of both fixed radars."""

from mmwave.ros.parameters import Parameter
from mmwave.simulation.trajectory import DRIVE_DURATION_S


def _port(name: str, default: int, what: str) -> Parameter:
    return Parameter(name, default, what, minimum=1, maximum=65535, read_only=True)


PARAMETERS = (
    Parameter("seed", 70, "Seed of the room", minimum=0, maximum=2**31 - 1, read_only=True),
    Parameter("session", 0, "Day in the room", minimum=0, maximum=10_000, read_only=True),
    Parameter("people", 3, "People in the room", minimum=0, maximum=5, read_only=True),
    Parameter(
        "seconds",
        2 * DRIVE_DURATION_S,
        "Simulated time, played round and round; people are back where they began after 10.5 s",
        minimum=1.0,
        maximum=60.0,
        read_only=True,
    ),
    Parameter(
        "port_folder",
        "",
        "Folder of the links horizontal and vertical; empty: one in /tmp",
        read_only=True,
    ),
    Parameter(
        "host_address", "127.0.0.1", "Where the emulated cards send their data", read_only=True
    ),
    Parameter(
        "horizontal_address",
        "127.0.0.4",
        "Address of the emulated card of the level radar",
        read_only=True,
    ),
    Parameter(
        "vertical_address",
        "127.0.0.5",
        "Address of the emulated card of the upright radar",
        read_only=True,
    ),
    _port("horizontal_control_port", 4100, "UDP port of the level card's commands"),
    _port("horizontal_data_port", 4102, "UDP port of the level card's data"),
    _port("vertical_control_port", 4104, "UDP port of the upright card's commands"),
    _port("vertical_data_port", 4106, "UDP port of the upright card's data"),
    Parameter(
        "loss", 0.0, "Share of packets that are lost", minimum=0.0, maximum=1.0, read_only=True
    ),
    Parameter("frame_id", "radars", "Frame of the true boxes", read_only=True),
    Parameter(
        "truth_rate_hz", 10.0, "Rate of sim/people", minimum=1.0, maximum=100.0, read_only=True
    ),
)
