"""Parameters of the motor node."""

import math

from mmwave.ros.parameters import Parameter

PARAMETERS = (
    Parameter(
        "serial_port", "/dev/ttyUSB0", "Serial port of the stepper controller", read_only=True
    ),
    Parameter("baud_rate", 115_200, "Bits a second", minimum=200, maximum=115_385, read_only=True),
    Parameter(
        "revolutions_per_s", 2.0, "Rate of the turntable, changed live", minimum=0, maximum=3
    ),
    Parameter("spin_at_start", True, "Home and spin when the node is activated", read_only=True),
    Parameter(
        "index_offset_rad",
        0.0,
        "Azimuth of the antennas when the turntable stands at its index",
        minimum=-math.pi,
        maximum=math.pi,
        read_only=True,
    ),
    Parameter(
        "direction",
        1,
        "1 if positive steps turn counter-clockwise seen from above, else -1",
        choices=(1, -1),
        read_only=True,
    ),
    Parameter(
        "gear_ratio", 1.0, "Motor turns per turn of the turntable", minimum=0.01, read_only=True
    ),
    Parameter(
        "microsteps_per_step",
        32,
        "Step mode set in the controller",
        choices=(1, 2, 4, 8, 16, 32, 64, 128, 256),
        read_only=True,
    ),
    Parameter(
        "acceleration_revolutions_per_s2",
        2.0,
        "Ramp up and down",
        minimum=0.1,
        maximum=20,
        read_only=True,
    ),
    Parameter(
        "slip_tolerance_rad",
        math.radians(3.0),
        "Lag of the rotor, seen at the index, that is a fault",
        minimum=0.001,
        maximum=1.0,
        read_only=True,
    ),
    Parameter(
        "home_timeout_s", 20.0, "Longest homing run", minimum=0.1, maximum=120, read_only=True
    ),
    Parameter(
        "poll_rate_hz", 60.0, "Rate of joint_states", minimum=50, maximum=200, read_only=True
    ),
    Parameter(
        "joint", "turntable_joint", "Name of the joint, as in the robot description", read_only=True
    ),
)
