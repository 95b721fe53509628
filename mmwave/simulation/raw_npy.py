"""Write a simulated drive in the raw layout that PanoRadar's recordings have.

One folder a drive: ``radar_data.npy`` complex64 (frame, chirp, receiver, sample) with the
transmitters taking turns along the chirps, in ADC counts; ``radar_ts.txt`` the time of every
frame's first position in seconds; ``data_params.npz`` with ``radar_sep`` (position at which each
turn starts), ``r_radar`` (arm in metres) and ``transform``; and ``motion_output.npz`` with the true
``v_gt`` (m/s), ``theta_v_gt`` (rad, in the robot's frame) and ``omega_gt`` (rad/s) of every turn.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.trajectory import Trajectory
from mmwave.waveform import AntennaArray, Waveform


def write_raw_npy(
    folder: str | Path,
    samples: NDArray[np.int16],
    waveform: Waveform,
    array: AntennaArray,
    revolutions_per_s: float,
    trajectory: Trajectory,
    start_s: float = 0.0,
) -> Path:
    """Write frames in PanoRadar's raw layout.

    Args:
        folder: made if it is not there; files in it are replaced.
        samples: int16 (frame, loop, antenna, sample, 2), such as ``Recording.samples``.
        waveform: chirp and frame timing.
        array: antennas.
        revolutions_per_s: of the turntable, whose angle is 0 at ``start_s``.
        trajectory: for the true motion.
        start_s: time of the first frame's start.

    Returns:
        The folder.

    Raises:
        ValueError: the samples do not have the waveform's shape.
    """
    frames = len(samples)
    shape = (
        frames,
        waveform.loops_per_frame,
        waveform.virtual_antennas,
        waveform.samples_per_chirp,
        2,
    )
    if samples.shape != shape:
        raise ValueError(
            f"samples must be (frame, loop, antenna, sample, 2) = {shape}, got {samples.shape}"
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    chirps = waveform.loops_per_frame * waveform.transmitters
    data = np.lib.format.open_memmap(
        folder / "radar_data.npy",
        mode="w+",
        dtype=np.complex64,
        shape=(frames, chirps, waveform.receivers, waveform.samples_per_chirp),
    )
    for frame, block in zip(data, samples, strict=True):
        parts = block.astype(np.float32)
        frame[:] = (parts[..., 0] + 1j * parts[..., 1]).reshape(frame.shape)
    data.flush()
    frame_s = waveform.frame_period_s * np.arange(frames)
    position_s = (frame_s[:, None] + waveform.position_offsets_s).ravel()
    np.savetxt(folder / "radar_ts.txt", start_s + position_s[:: waveform.loops_per_frame], "%.9f")
    turns = np.arange(np.ceil(position_s[-1] * revolutions_per_s))
    first = np.searchsorted(position_s, turns / revolutions_per_s - 1e-12)
    np.savez(
        folder / "data_params.npz",
        radar_sep=first,
        r_radar=array.radius_m,
        transform=np.eye(2),
    )
    velocity = trajectory.velocity(start_s + turns / revolutions_per_s)
    yaw_rad = trajectory.pose(start_s + turns / revolutions_per_s).yaw_rad
    heading_rad = np.arctan2(velocity.vy_mps, velocity.vx_mps) - yaw_rad
    np.savez(
        folder / "motion_output.npz",
        v_gt=np.hypot(velocity.vx_mps, velocity.vy_mps),
        theta_v_gt=np.angle(np.exp(1j * heading_rad)),
        omega_gt=velocity.yaw_rate_radps,
    )
    return folder
