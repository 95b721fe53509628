"""Frames of simulated buildings: the real imaging chain on simulated samples, and the truth.

Everything a live radar goes through is gone through: samples of a turn with its timing, leakage,
noise, estimated motion, beams. What a live radar suffers is made too, in a share of the frames:
lost positions, and antennas whose phase and gain were not calibrated.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.building import RADAR_HEIGHT_M, Building, generate_building
from mmwave.simulation.drive import CLEARANCE_M
from mmwave.simulation.rotation import (
    REVOLUTIONS_PER_S,
    RotationSamples,
    simulate_rotation,
)
from mmwave.simulation.scene import Scene
from mmwave.simulation.trajectory import MAX_SPEED_MPS, ConstantAcceleration, Trajectory
from mmwave.simulation.truth import RayCaster, Truth, columns_truth
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.pipeline import Imager, ImagingSettings, Panorama
from panoradar_ros.imaging.rotation import Rotation
from panoradar_ros.learning.frames import BuildingFrames, Frame, write_building
from panoradar_ros.recognition.echo import encode_echo, noise_power

TURNS = 1.3
FIRST_RAD = -np.deg2rad(36)
"""Turntable angle at time 0: the turn begins straight ahead, after its margin."""

LEAST_MARGIN_RAD = np.deg2rad(33)
FARTHEST_RAD = 2 * np.pi + LEAST_MARGIN_RAD
MAX_YAW_RATE_RADPS = np.deg2rad(60)
MAX_ACCELERATION_MPS2 = 0.5
PLACES_TRIED = 400
TRUTH_COLUMNS = 16
"""Columns that see people in one posture: 16 ms of a turn."""


class NoRoomError(ValueError):
    """A building has no place for the robot."""


@dataclass(frozen=True)
class Disturbances:
    """What goes wrong in a frame.

    Attributes:
        lost_share: of the positions that do not arrive.
        antenna_phase_rad: standard deviation of the antennas' phases.
        antenna_gain_db: standard deviation of the antennas' gains.
        motion_error_mps: standard deviation of what is put on top of the estimated velocity, along
            either axis.
    """

    lost_share: float = 0.0
    antenna_phase_rad: float = 0.0
    antenna_gain_db: float = 0.0
    motion_error_mps: float = 0.0


def draw_disturbances(generator: np.random.Generator) -> Disturbances:
    """Nothing in half of the frames; losses in three tenths, other antennas in three tenths."""
    lossy, uneven, share, severity = generator.random(4)
    return Disturbances(
        float(0.1 * share * (0.2 < lossy < 0.5)),
        float(np.deg2rad(12) * severity * (uneven > 0.7)),
        float(1.0 * severity * (uneven > 0.7)),
    )


@dataclass(frozen=True)
class Place:
    """Where a frame is taken and how the robot moves.

    Attributes:
        trajectory: of the robot; the frame begins at time 0.
        disturbances: what goes wrong.
        seed: of surfaces, noise and everything else that is drawn for the frame.
    """

    trajectory: ConstantAcceleration
    disturbances: Disturbances
    seed: int


def draw_place(building: Building, generator: np.random.Generator, seed: int) -> Place:
    """Anywhere in the building where the robot has room for what it does.

    Args:
        building: to be in.
        generator: chooses.
        seed: handed on.

    Raises:
        NoRoomError: no place has room for the robot.
    """
    duration_s = TURNS / REVOLUTIONS_PER_S
    speed = generator.uniform(0, MAX_SPEED_MPS - MAX_ACCELERATION_MPS2 * duration_s / 2)
    velocity = speed * np.exp(2j * np.pi * generator.random())
    push = generator.uniform(0, MAX_ACCELERATION_MPS2) * np.exp(2j * np.pi * generator.random())
    yaw_rad = generator.uniform(-np.pi, np.pi)
    yaw_rate = generator.uniform(-1, 1) * MAX_YAW_RATE_RADPS * (generator.random() < 0.5)
    disturbances = draw_disturbances(generator)
    times_s = np.linspace(0, duration_s, 8)
    for _ in range(PLACES_TRIED):
        x_m, y_m = generator.uniform(building.plan.low_m, building.plan.high_m)
        trajectory = ConstantAcceleration(
            x_m, y_m, velocity.real, velocity.imag, push.real, push.imag,
            yaw_rad, yaw_rate, "world", duration_s / 2, 0.0, duration_s,
        )  # fmt: skip
        pose = trajectory.pose(times_s)
        way = np.column_stack([pose.x_m, pose.y_m])
        if building.clearance_m(way, times_s).min() >= CLEARANCE_M:
            return Place(trajectory, disturbances, seed)
    raise NoRoomError(
        f"no place for the robot in {PLACES_TRIED} tries: building {building.style} "
        f"{building.seed} is too full"
    )


def simulate_frame(
    building: Building, place: Place, imager: Imager | None = None
) -> tuple[Frame, dict[str, Any]]:
    """One frame and what is known of it.

    Args:
        building: with its people.
        place: and motion.
        imager: whose settings are used; the live chain's by default. Its memory is not.

    Returns:
        The frame, and JSON-able figures: true and estimated motion, noise, disturbances.
    """
    settings = imager.settings if imager is not None else ImagingSettings()
    if place.disturbances.motion_error_mps:
        generator = np.random.default_rng([place.seed, 0xE4404])
        ahead, left = place.disturbances.motion_error_mps * generator.standard_normal(2)
        settings = replace(settings, motion_error_mps=(float(ahead), float(left)))
    imager = Imager(settings=settings)
    simulated = simulate_rotation(
        building, place.trajectory, seed=place.seed, rotations=TURNS, turntable=_turntable_rad
    )
    rotation = as_rotation(disturbed(simulated, place))
    panorama = imager.image(rotation)
    time_s = column_times_s(panorama, rotation)
    truth = truth_of_columns(building, place.trajectory, time_s)
    noise = noise_power(panorama.power)
    frame = Frame(
        encode_echo(panorama.power, noise),
        truth.range_m,
        panorama.image.range_m.astype(np.float32),
        in_ray_frames(truth.normal, place.trajectory.pose(time_s).yaw_rad),
        truth.class_id,
        truth.instance_id,
        truth.glass,
    )
    return frame, _known(place, panorama, noise, float(time_s.mean()))


def _turntable_rad(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return FIRST_RAD + 2 * np.pi * REVOLUTIONS_PER_S * time_s


def as_rotation(simulated: RotationSamples) -> Rotation:
    """The whole turn that the samples hold, with its margins.

    Raises:
        ValueError: they hold no turn with its margins.
    """
    if np.any(simulated.azimuth_rad[[0, -1]] * [-1, 1] < [LEAST_MARGIN_RAD, FARTHEST_RAD]):
        raise ValueError(
            f"azimuths from {simulated.azimuth_rad[0]:.2f} to {simulated.azimuth_rad[-1]:.2f} rad "
            f"hold no turn from 0 on and {LEAST_MARGIN_RAD:.2f} rad on both sides"
        )
    valid = np.ones(simulated.samples.shape[:2], bool)
    valid &= np.any(simulated.samples != 0, axis=(2, 3))
    return Rotation(
        simulated.samples,
        valid,
        simulated.time_s - simulated.time_s[0],
        simulated.azimuth_rad,
        round(float(simulated.time_s[0]) * 1e9),
        0.0,
        simulated.waveform,
    )


def disturbed(simulated: RotationSamples, place: Place) -> RotationSamples:
    """Samples with a place's losses (zeros) and antennas."""
    wanted = place.disturbances
    generator = np.random.default_rng([place.seed, 0xD157])
    samples = simulated.samples
    antennas = samples.shape[1]
    phase_rad = wanted.antenna_phase_rad * generator.standard_normal(antennas)
    gain_db = wanted.antenna_gain_db * generator.standard_normal(antennas)
    if wanted.antenna_phase_rad or wanted.antenna_gain_db:
        gain = (10 ** (gain_db / 20) * np.exp(1j * phase_rad)).astype(np.complex64)
        signal = (samples[..., 0] + 1j * samples[..., 1].astype(np.complex64)) * gain[:, None]
        parts = np.rint(np.stack([signal.real, signal.imag], axis=-1))
        samples = np.clip(parts, -32768, 32767).astype(np.int16)
    lost = generator.random(len(samples)) < wanted.lost_share
    if lost.any():
        samples = np.where(lost[:, None, None, None], np.int16(0), samples)
    return RotationSamples(
        samples, simulated.time_s, simulated.azimuth_rad, simulated.waveform, simulated.array
    )


def column_times_s(panorama: Panorama, rotation: Rotation) -> NDArray[np.float64]:
    """When the boresight passed each column, in the simulation's time."""
    return (panorama.start_ns * 1e-9) + panorama.ray_time_s


def truth_of_columns(
    building: Building, trajectory: Trajectory, time_s: NDArray[np.float64]
) -> Truth:
    """What each column of a panorama should see when the boresight passes it.

    People move on every TRUTH_COLUMNS columns, by a centimetre or two at a walk.

    Args:
        building: with its people.
        trajectory: of the robot.
        time_s: (column,) when the boresight passes.
    """
    pose = trajectory.pose(time_s)
    places = np.column_stack([pose.x_m, pose.y_m, np.full(len(time_s), RADAR_HEIGHT_M)])
    azimuth = PanoramaGrid(len(time_s)).azimuth_rad + pose.yaw_rad
    still = columns_truth(RayCaster(building.scene), places, azimuth)
    if not building.people:
        return still
    parts = []
    for first in range(0, len(time_s), TRUTH_COLUMNS):
        part = slice(first, first + TRUTH_COLUMNS)
        middle_s = float(time_s[part].mean())
        people = Scene.merge([person.scene(middle_s) for person in building.people])
        parts.append(columns_truth(RayCaster(people), places[part], azimuth[part]))
    return still.nearest(Truth.beside(parts))


def in_ray_frames(
    normal: NDArray[np.float32], yaw_rad: NDArray[np.float64], grid: PanoramaGrid | None = None
) -> NDArray[np.int8]:
    """Normals of the world as (outward, left, up) of their own ray, times 127.

    Args:
        normal: (row, column, 3) in world axes.
        yaw_rad: (column,) of the robot.
        grid: directions of the rays.
    """
    grid = grid if grid is not None else PanoramaGrid()
    azimuth = grid.azimuth_rad + yaw_rad
    elevation = grid.elevation_rad[:, None]
    ahead = normal[..., 0] * np.cos(azimuth) + normal[..., 1] * np.sin(azimuth)
    left = normal[..., 1] * np.cos(azimuth) - normal[..., 0] * np.sin(azimuth)
    outward = ahead * np.cos(elevation) + normal[..., 2] * np.sin(elevation)
    up = normal[..., 2] * np.cos(elevation) - ahead * np.sin(elevation)
    return np.rint(127 * np.stack([outward, left, up], axis=-1)).astype(np.int8)


def _known(place: Place, panorama: Panorama, noise: float, middle_s: float) -> dict[str, Any]:
    pose, velocity = place.trajectory.pose(middle_s), place.trajectory.velocity(middle_s)
    world = complex(float(velocity.vx_mps), float(velocity.vy_mps))
    own = world * np.exp(-1j * float(pose.yaw_rad))
    found = panorama.motion.motion
    return {
        "seed": place.seed,
        "pose": [float(pose.x_m), float(pose.y_m), float(pose.yaw_rad)],
        "motion_true": [own.real, own.imag, float(velocity.yaw_rate_radps)],
        "motion_estimated": [found.x_mps, found.y_mps, found.yaw_rate_radps],
        "motion_reliable": bool(panorama.motion.reliable),
        "noise": noise,
        "lost_share": place.disturbances.lost_share,
        "antenna_phase_rad": place.disturbances.antenna_phase_rad,
        "motion_error_mps": place.disturbances.motion_error_mps,
    }


def simulate_building(
    root: Path,
    style: str,
    seed: int,
    frames: int,
    progress: Iterator[Any] | None = None,
    people: int | None = None,
    motion_error_mps: float = 0.0,
) -> Path:
    """Frames of one building, written to ``root/<style>_<seed>`` unless they are there.

    Args:
        root: folder of the data set.
        style: of the building.
        seed: of the building and everything in its frames.
        frames: how many, each from a place of its own.
        progress: advanced once a frame.
        people: in the building, see :func:`generate_building`.
        motion_error_mps: put into the motion of every second frame, see :class:`Disturbances`.

    Returns:
        The folder.

    Raises:
        NoRoomError: see :func:`draw_place`.
        ValueError: the folder is there and damaged, or was made otherwise.
    """
    folder = root / f"{style}_{seed:06d}"
    if folder.exists():
        if (there := len(BuildingFrames(folder))) != frames:
            raise ValueError(
                f"{folder} holds {there} frames, not {frames}: delete it, or give another folder"
            )
        meta = BuildingFrames(folder).meta
        _require("people", meta.get("people_wanted", people), people, folder)
        _require("motion-error", meta.get("motion_error_mps", 0.0), motion_error_mps, folder)
        return folder
    building = generate_building(seed, style, people)
    generator = np.random.default_rng([seed, 0xF4A3E])
    imager = Imager()
    made, known = [], []
    for number in range(frames):
        place = draw_place(building, generator, seed * 1000 + number)
        if number % 2:
            disturbances = replace(place.disturbances, motion_error_mps=motion_error_mps)
            place = replace(place, disturbances=disturbances)
        frame, figures = simulate_frame(building, place, imager)
        made.append(frame)
        known.append(figures)
        if progress is not None:
            next(progress, None)
    about = {"simulated": True, "style": style, "seed": seed, "people": len(building.people),
             "people_wanted": people, "motion_error_mps": motion_error_mps}  # fmt: skip
    write_building(folder, made, {**about, "of_frames": known})
    return folder


def _require(option: str, there: float | None, wanted: float | None, folder: Path) -> None:
    if there != wanted:
        raise ValueError(
            f"{folder} was made with --{option} {there}, not {wanted}: delete it, or give another "
            "folder"
        )
