"""Parameters of the capture node."""

from mmwave.ros.parameters import Parameter
from mmwave.waveform import Waveform

_WAVEFORM = Waveform()

PARAMETERS = (
    Parameter(
        "serial_port", "/dev/ttyACM0", "Serial port of the radar's command line", read_only=True
    ),
    Parameter(
        "host_address",
        "192.168.33.30",
        "Address of this computer's port to the DCA1000",
        read_only=True,
    ),
    Parameter("device_address", "192.168.33.180", "Address of the DCA1000", read_only=True),
    Parameter(
        "control_port",
        4096,
        "UDP port of the DCA1000's commands",
        minimum=1,
        maximum=65535,
        read_only=True,
    ),
    Parameter(
        "data_port",
        4098,
        "UDP port of the DCA1000's data",
        minimum=1,
        maximum=65535,
        read_only=True,
    ),
    Parameter(
        "frame_id", "radar", "Frame of the antennas, as in the robot description", read_only=True
    ),
    Parameter(
        "start_hz",
        _WAVEFORM.start_hz,
        "Frequency at the start of a chirp",
        minimum=76e9,
        maximum=81e9,
        read_only=True,
    ),
    Parameter(
        "slope_hz_per_s",
        _WAVEFORM.slope_hz_per_s,
        "Slope of a chirp",
        minimum=1e12,
        maximum=1e14,
        read_only=True,
    ),
    Parameter(
        "sample_rate_hz",
        _WAVEFORM.sample_rate_hz,
        "Rate of complex samples",
        minimum=2e6,
        maximum=18.75e6,
        read_only=True,
    ),
    Parameter(
        "samples_per_chirp",
        _WAVEFORM.samples_per_chirp,
        "Complex samples of a chirp",
        minimum=16,
        maximum=1024,
        read_only=True,
    ),
    Parameter(
        "adc_start_s",
        _WAVEFORM.adc_start_s,
        "Sampling starts this long after the ramp",
        minimum=0.0,
        maximum=1e-4,
        read_only=True,
    ),
    Parameter(
        "ramp_end_s",
        _WAVEFORM.ramp_end_s,
        "Length of the ramp",
        minimum=1e-6,
        maximum=5e-3,
        read_only=True,
    ),
    Parameter(
        "idle_s",
        _WAVEFORM.idle_s,
        "Pause before each ramp",
        minimum=2e-6,
        maximum=5e-3,
        read_only=True,
    ),
    Parameter(
        "loops_per_frame",
        _WAVEFORM.loops_per_frame,
        "Positions of a frame",
        minimum=1,
        maximum=255,
        read_only=True,
    ),
    Parameter(
        "frame_period_s",
        _WAVEFORM.frame_period_s,
        "From frame to frame",
        minimum=1e-3,
        maximum=1.0,
        read_only=True,
    ),
    Parameter(
        "loss_warning_fraction",
        0.01,
        "Diagnostics warn above this share of samples lost in the last 5 s, changed live",
        minimum=0.0,
        maximum=1.0,
    ),
)

WAVEFORM_FIELDS = (
    "start_hz",
    "slope_hz_per_s",
    "sample_rate_hz",
    "samples_per_chirp",
    "adc_start_s",
    "ramp_end_s",
    "idle_s",
    "loops_per_frame",
    "frame_period_s",
)
"""Parameters that are fields of :class:`mmwave.waveform.Waveform`."""
