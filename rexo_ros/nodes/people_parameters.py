"""Parameters of the people node."""

from mmwave.ros.parameters import Parameter
from rexo_ros.camera import MOUNTED_CAMERA
from rexo_ros.detections import LIVE_SCORE
from rexo_ros.diffusion import LIVE_BOXES

PARAMETERS = (
    Parameter(
        "frame_id",
        "radars",
        "Frame of the boxes: x ahead of the radars, y to the left, z up, origin at the antennas",
        read_only=True,
    ),
    Parameter(
        "backbone_model",
        "",
        "ONNX file of the backbone, its card beside it; empty for the one that is installed",
        read_only=True,
    ),
    Parameter(
        "step_model",
        "",
        "ONNX file of the denoising step, its card beside it; empty for the one that is installed",
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
        "boxes",
        LIVE_BOXES,
        "Random boxes that the search for people begins with",
        minimum=1,
        maximum=200,
        read_only=True,
    ),
    Parameter("steps", 1, "Steps from noise to people", minimum=1, maximum=50, read_only=True),
    Parameter("seed", 0, "Of the noise", minimum=0, maximum=2**31 - 1, read_only=True),
    Parameter(
        "minimum_score",
        LIVE_SCORE,
        "Boxes that the network is less sure of are left out",
        minimum=0.02,
        maximum=1.0,
    ),
    Parameter(
        "silent_s",
        0.5,
        "A radar without a frame for this long is done without",
        minimum=0.1,
        maximum=10.0,
        read_only=True,
    ),
    Parameter(
        "camera_translation_m",
        list(MOUNTED_CAMERA.translation_m),
        "Radars to camera, with camera_rotation: camera = R p + t; p right, up, ahead of the "
        "radars; the camera's axes right, down, ahead",
        read_only=True,
    ),
    Parameter(
        "camera_rotation",
        [one for row in MOUNTED_CAMERA.rotation for one in row],
        "Nine numbers of R, row by row",
        read_only=True,
    ),
)
