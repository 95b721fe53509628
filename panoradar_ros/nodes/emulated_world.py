"""What the emulator node shows and plays: the demo drive, its truth and its building."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from nav_msgs.msg import Odometry
from std_msgs.msg import Header
from tqdm import tqdm
from visualization_msgs.msg import Marker

from mmwave.emulation.link import LinkFaults
from mmwave.emulation.rotor import RotorFaults
from mmwave.ros import messages
from mmwave.simulation.building import generate_building
from mmwave.simulation.drive_cache import forget_old_drives
from mmwave.simulation.recording import Recording, simulate_drive
from mmwave.simulation.scene import Scene, SemanticClass
from mmwave.simulation.trajectory import DRIVE_DURATION_S

CLASS_COLOURS: dict[int, tuple[float, float, float]] = {
    SemanticClass.PERSON: (0.9, 0.3, 0.3),
    SemanticClass.CHAIR_TABLE: (0.7, 0.5, 0.3),
    SemanticClass.RAILING: (0.5, 0.5, 0.6),
    SemanticClass.TRASHCAN: (0.3, 0.5, 0.3),
    SemanticClass.STAIRS: (0.6, 0.5, 0.7),
    SemanticClass.ELEVATOR: (0.4, 0.6, 0.7),
    SemanticClass.DOOR: (0.6, 0.4, 0.25),
    SemanticClass.WINDOW: (0.5, 0.75, 0.9),
    SemanticClass.WALL: (0.8, 0.8, 0.75),
    SemanticClass.FLOOR: (0.45, 0.45, 0.45),
}
OTHER_COLOUR = (0.6, 0.6, 0.6)


def open_drive(
    folder: str, style: str, seed: int, progress: Callable[..., Any] | None = tqdm
) -> Recording:
    """A recorded drive, or the demo drive through a building, simulated once and kept.

    Args:
        folder: of a recording; empty for the demo drive.
        style: of the building.
        seed: of building and drive.
        progress: as in :func:`mmwave.simulation.recording.simulate_drive`.

    Raises:
        RecordingError: the recording is missing, damaged or cannot be written.
    """
    if folder:
        return Recording.open(folder)
    building = generate_building(seed, style)
    recording = simulate_drive(
        building, building.drive_loop(), DRIVE_DURATION_S, seed=seed, progress=progress
    )
    os.utime(recording.folder)  # used now: one of the newest
    forget_old_drives(recording.folder.parent)
    return recording


def link_faults(values: Mapping[str, Any]) -> LinkFaults:
    """Faults of the network from the node's parameters."""
    names = (
        "loss",
        "burst_packets",
        "burst_interval_s",
        "reorder",
        "duplicate",
        "stall_start_s",
        "stall_duration_s",
        "restart_at_s",
    )
    return LinkFaults(**{name: values[name] for name in names}, seed=values["fault_seed"])


def rotor_faults(values: Mapping[str, Any]) -> RotorFaults:
    """Faults of the turntable from the node's parameters."""
    stall_at_s = values["rotor_stall_at_s"]
    return RotorFaults(
        stall_at_s=stall_at_s if stall_at_s >= 0 else None,
        slip_steps_per_turn=values["rotor_slip_steps_per_turn"],
        lost_bytes=values["serial_lost_bytes"],
        seed=values["fault_seed"],
    )


def truth(
    recording: Recording, drive_time_s: float | None, header: Header, child_frame_id: str
) -> Odometry:
    """Where the robot really is and how it moves.

    Args:
        recording: the drive.
        drive_time_s: None while the robot stands at its start.
        header: stamp and frame of the building.
        child_frame_id: the robot's frame, in which the velocity is.
    """
    pose = recording.trajectory.pose(drive_time_s or 0.0)
    velocity = (0.0, 0.0, 0.0)
    if drive_time_s is not None:
        x_mps, y_mps, yaw_rate = (float(one) for one in recording.trajectory.velocity(drive_time_s))
        sine, cosine = np.sin(pose.yaw_rad), np.cos(pose.yaw_rad)
        forward_mps, left_mps = cosine * x_mps + sine * y_mps, cosine * y_mps - sine * x_mps
        velocity = (float(forward_mps), float(left_mps), yaw_rate)
    place = (float(pose.x_m), float(pose.y_m), float(pose.yaw_rad))
    return messages.odometry(header, child_frame_id, place, velocity)


def building_marker(scene: Scene, header: Header) -> Marker:
    """The building without its ceiling, coloured by class."""
    shown = scene.class_id != SemanticClass.CEILING
    palette = np.full((256, 4), (*OTHER_COLOUR, 1.0))
    for class_id, colour in CLASS_COLOURS.items():
        palette[class_id, :3] = colour
    return messages.triangles(
        scene.vertices_m,
        scene.faces[shown],
        palette[scene.class_id[shown]],
        header,
        namespace="building",
    )
