"""Parameters of the anomaly node."""

from mmanomaly_ros.spectrum import NOISE_COUNTS
from mmanomaly_ros.watch import TASKS
from mmwave.camera import RGBD_CAMERA
from mmwave.ros.parameters import Parameter

PARAMETERS = (
    Parameter(
        "watch",
        "weapon",
        "What is watched for: something hidden under clothes, somebody behind a wall, or a fall",
        choices=TASKS,
        read_only=True,
    ),
    Parameter(
        "frame_id",
        "watch",
        "Frame of the radar: x ahead, y to the left, z up, origin at the antennas",
        read_only=True,
    ),
    Parameter(
        "models",
        "",
        "Folder of the networks, their cards and thresholds; empty for those that are installed",
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
        "draws",
        4,
        "Spectra that are drawn for a frame: their mean is expected, their spread the doubt; 0 "
        "takes the context network's alone",
        minimum=0,
        maximum=64,
        read_only=True,
    ),
    Parameter(
        "draw_steps",
        4,
        "Steps from noise to a spectrum",
        minimum=1,
        maximum=100,
        read_only=True,
    ),
    Parameter("seed", 0, "Of the noise", minimum=0, maximum=2**31 - 1, read_only=True),
    Parameter(
        "tolerance_s",
        0.06,
        "Images farther from a frame of the radar are of another time",
        minimum=0.001,
        maximum=1.0,
        read_only=True,
    ),
    Parameter(
        "patience_s",
        0.3,
        "A frame waits as long for its images",
        minimum=0.001,
        maximum=2.0,
        read_only=True,
    ),
    Parameter(
        "silent_s",
        1.0,
        "Radar or camera without anything for this long are silent: the state is unknown",
        minimum=0.2,
        maximum=60.0,
        read_only=True,
    ),
    Parameter(
        "noise_counts",
        NOISE_COUNTS,
        "Root mean square of the radar's complex noise in ADC counts, 0 dB of the spectra; "
        "/diagnostics says what was measured",
        minimum=0.01,
        maximum=1000.0,
        read_only=True,
    ),
    Parameter(
        "keep_rgb_private",
        True,
        "Colour images stay in this node's memory, neither published nor logged; false publishes "
        "the one that was judged on anomaly/image",
        read_only=True,
    ),
    Parameter(
        "record_folder",
        "",
        "Folder for the frames that are judged, colours among them, taken for normal: what "
        "panoradar adapt needs of a new place; needs keep_rgb_private off",
        read_only=True,
    ),
    Parameter(
        "extrinsics",
        "parameters",
        "Where the camera's place is from: the two parameters below, or transforms between the "
        "frames of images and radar",
        choices=("parameters", "tf"),
        read_only=True,
    ),
    Parameter(
        "rectified",
        False,
        "Images are rectified: of camera_info the matrix P counts, and its lens distortion, which "
        "is that of the images before, does not",
        read_only=True,
    ),
    Parameter(
        "camera_translation_m",
        list(RGBD_CAMERA.translation_m),
        "Radar to camera, with camera_rotation: camera = R p + t; p right, up, ahead of the radar; "
        "the camera's axes right, down, ahead",
        read_only=True,
    ),
    Parameter(
        "camera_rotation",
        [one for row in RGBD_CAMERA.rotation for one in row],
        "Nine numbers of R, row by row",
        read_only=True,
    ),
)
