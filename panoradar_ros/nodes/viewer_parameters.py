"""Parameters of the viewer node."""

from mmwave.ros.parameters import Parameter
from mmwave.viewer_server import MODES
from panoradar_ros.viewer import COLOURINGS

PARAMETERS = (
    Parameter("mode", "native", "How to show it", choices=MODES, read_only=True),
    Parameter("path", "", "File to write in mode file, ending in .rrd", read_only=True),
    Parameter(
        "web_port",
        9090,
        "Port of the page in mode web; 0 for any",
        minimum=0,
        maximum=65535,
        read_only=True,
    ),
    Parameter(
        "grpc_port",
        9876,
        "Port of the recording; 0 for any",
        minimum=0,
        maximum=65535,
        read_only=True,
    ),
    Parameter(
        "rate_hz",
        5.0,
        "Messages of a topic shown a second at most; more are left out",
        minimum=0.1,
        maximum=30.0,
    ),
    Parameter(
        "learned",
        False,
        "Show what the recognition node publishes: its points, scan and pictures",
        read_only=True,
    ),
    Parameter("colour_by", "height", "What colours the points", choices=COLOURINGS),
    Parameter(
        "hidden_above_m",
        2.2,
        "Points higher above the floor are left out, to look in from above",
        minimum=0.0,
        maximum=100.0,
    ),
    Parameter(
        "sensor_position_m",
        [0.0, 0.0, 0.9],
        "Position of the radar's frame in base_link: x, y, z",
        read_only=True,
    ),
)
