"""Rotations of a few point reflectors by their closed form, without noise, in any detail."""

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import SPEED_OF_LIGHT_MPS, AntennaArray, Waveform
from panoradar_ros.imaging.rotation import Rotation

ROTOR_RAD_S = 4 * np.pi


def point_rotation(
    reflectors: NDArray[np.floating], array: AntennaArray, margin_rad: float = np.deg2rad(35)
) -> Rotation:
    """A turn past reflectors in the horizontal plane, the robot standing still.

    Args:
        reflectors: (reflector, 3): distance in m, azimuth in rad and amplitude in ADC counts.
        array: antenna array.
        margin_rad: azimuth before and after the turn.
    """
    waveform = Waveform()
    count = int((2 * np.pi + 2 * margin_rad) / ROTOR_RAD_S * waveform.positions_per_s) + 64
    frame, loop = np.divmod(np.arange(count), waveform.loops_per_frame)
    time_s = frame * waveform.frame_period_s + waveform.position_offsets_s[loop]
    azimuth_rad = ROTOR_RAD_S * time_s - margin_rad - 0.02
    late_s = np.repeat(waveform.transmitter_offsets_s, waveform.receivers)
    boresight = azimuth_rad[:, None] + ROTOR_RAD_S * late_s
    signal = np.zeros((*boresight.shape, waveform.samples_per_chirp), complex)
    for distance_m, reflector_rad, amplitude in reflectors:
        off = (reflector_rad - boresight + np.pi) % (2 * np.pi) - np.pi
        path_m = np.sqrt(
            distance_m**2
            + array.radius_m**2
            - 2 * distance_m * array.radius_m * np.cos(off)
            + array.heights_m**2
        )
        cycles = 2 * path_m[..., None] * waveform.sample_hz / SPEED_OF_LIGHT_MPS
        gain = amplitude * array.two_way_gain(off, np.zeros(1))
        signal += gain[..., None] * np.exp(2j * np.pi * cycles)
    samples = np.rint(np.stack([signal.real, signal.imag], -1)).astype(np.int16)
    return Rotation(samples, np.ones(boresight.shape, bool), time_s, azimuth_rad, 0, 0.0, waveform)
