"""Parameters of the recognition node."""

from mmwave.ros.parameters import Parameter
from panoradar_ros.recognition.detections import PUBLISHED_SCORE

PARAMETERS = (
    Parameter("frame_id", "radar_base", "Frame of range image and points", read_only=True),
    Parameter(
        "range_model",
        "",
        "ONNX file of the range network, its card beside it; empty for the one that is installed",
        read_only=True,
    ),
    Parameter(
        "semantic",
        False,
        "Classes of pixels, boxes of people and things, positions of people too",
        read_only=True,
    ),
    Parameter(
        "semantic_model",
        "",
        "ONNX file of the semantic network, its card beside it; empty for the one that is "
        "installed",
        read_only=True,
    ),
    Parameter(
        "minimum_score",
        PUBLISHED_SCORE,
        "Boxes and people that the network is less sure of are left out",
        minimum=0.02,
        maximum=1.0,
        read_only=True,
    ),
    Parameter(
        "device",
        "cpu",
        "Where the networks run; gpu is refused where none answers, auto takes the CPU then",
        choices=("cpu", "gpu", "auto"),
        read_only=True,
    ),
    Parameter(
        "threads",
        1,
        "Threads of the networks on the CPU; 0 takes as many as there are cores",
        minimum=0,
        maximum=64,
        read_only=True,
    ),
    Parameter(
        "minimum_confidence",
        0.3,
        "Points, scan and depth leave out rays that the network is less sure of",
        minimum=0.0,
        maximum=1.0,
    ),
    Parameter(
        "depth_views",
        4,
        "Pinhole depth images around the radar, the first straight ahead, counter-clockwise",
        minimum=0,
        maximum=12,
        read_only=True,
    ),
    Parameter(
        "depth_field_of_view_deg",
        90.0,
        "Horizontal field of view of each",
        minimum=10.0,
        maximum=150.0,
        read_only=True,
    ),
    Parameter(
        "minimum_range_m",
        0.4,
        "Nearest range of the scan",
        minimum=0.0,
        maximum=5.0,
        read_only=True,
    ),
    Parameter(
        "maximum_range_m",
        9.5,
        "Farthest range of the scan",
        minimum=0.5,
        maximum=100.0,
        read_only=True,
    ),
)
