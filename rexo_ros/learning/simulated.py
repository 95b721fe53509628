"""Sequences of simulated rooms: both radars' samples, heatmaps as the live node makes them, truth.

The camera is beside the radars, in one of many poses, see :func:`rexo_ros.camera.camera_pose`. The
first frames of a sequence are not kept: in them what stands still is not known yet.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.fixed_radar import fixed_radar
from mmwave.simulation.people import Person
from mmwave.simulation.room import (
    MOST_PEOPLE,
    RADAR_HEIGHT_M,
    OccupiedRoom,
    generate_room,
    in_radar_axes_m,
)
from mmwave.simulation.room_recording import MODULES
from mmwave.simulation.trajectory import Pose
from mmwave.source_digest import source_digest
from mmwave.spectrum import as_complex
from rexo_ros.camera import NEAREST_M, Camera, camera_pose
from rexo_ros.heatmaps import ROOM_WAVEFORM, HeatmapMaker
from rexo_ros.learning.sequences import (
    RoomSequence,
    encode_power,
    read_sequence,
    write_sequence,
)
from rexo_ros.space import SPACES, Mount, Space, axis_name, centre_and_size

LEARNED_FRAMES = 16
"""Frames at the beginning that are not kept."""

_SEEDS_PER_ROOM = 1000


def room_digest() -> str:
    """Of the simulator's text, as far as rooms go: sequences of another one are others."""
    return source_digest(*MODULES)


def people_of(session: int, seed: int) -> int:
    """One person in even sessions, two to MOST_PEOPLE in odd ones."""
    if session % 2 == 0:
        return 1
    return int(np.random.default_rng([seed, session, 0x9E0]).integers(2, MOST_PEOPLE + 1))


def pose_of_day(seed: int, session: int, poses: int) -> int:
    """Which of the first ``poses`` poses the camera has on a day: somebody moved it since."""
    return int(np.random.default_rng([seed, session, 0xCA3]).integers(poses))


def simulate_sequence(
    seed: int, session: int, frames: int, space_name: str = "room", pose: int = 0
) -> RoomSequence:
    """A sequence and its truth.

    Args:
        seed: of the room.
        session: of the day; even ones have one person, odd ones several.
        frames: that are kept.
        space_name: of the heatmaps, from :data:`rexo_ros.space.SPACES`.
        pose: of the camera, see :func:`rexo_ros.camera.camera_pose`.

    Raises:
        ValueError: there is no such space or pose, or no frames are wanted; see
            :func:`generate_room` too.
    """
    if space_name not in SPACES:
        raise ValueError(f"space must be one of {', '.join(SPACES)}, got {space_name!r}")
    if frames < 1:
        raise ValueError(f"frames must be at least 1, got {frames}")
    space, camera = SPACES[space_name], camera_pose(pose)
    room = generate_room(seed, session, people_of(session, seed))
    power = [heatmaps(room, space, view, frames) for view in space.views]
    first_s = LEARNED_FRAMES * ROOM_WAVEFORM.frame_period_s
    time_s = first_s + np.arange(frames, dtype=np.float64) * ROOM_WAVEFORM.frame_period_s
    truth = [_truth(room, person, time_s, space, camera) for person in room.people]
    people = len(truth)
    boxes, image, points, seen = zip(*truth, strict=True) if truth else ((), (), (), ())
    about = {
        "simulated": True,
        "room": seed,
        "session": session,
        "people": people,
        "space": space_name,
        "camera": asdict(camera),
        "camera_pose": pose,
        "frame_period_s": ROOM_WAVEFORM.frame_period_s,
        "simulator": room_digest(),
    }
    return RoomSequence(
        encode_power(np.stack(power, axis=1)),
        np.asarray(boxes, np.float32).reshape(people, frames, 6).swapaxes(0, 1),
        np.asarray(image, np.float32).reshape(people, frames, 4).swapaxes(0, 1),
        np.asarray(points, np.float32).reshape(people, frames, 17, 3).swapaxes(0, 1),
        np.asarray(seen, bool).reshape(people, frames).swapaxes(0, 1),
        about,
    )


def heatmaps(room: OccupiedRoom, space: Space, view: str, frames: int) -> NDArray[np.float32]:
    """(frame, row, column) powers of one radar after LEARNED_FRAMES."""
    each = max(2, len(space.views))
    seed = (room.seed * _SEEDS_PER_ROOM + room.session) * each + space.views.index(view)
    pose = mounted(room.radar, space.mount(view))
    radar = fixed_radar(room, pose, RADAR_HEIGHT_M, axis_name(view), ROOM_WAVEFORM, seed)
    make = HeatmapMaker(space, view)
    made = [
        make(as_complex(frame), number * ROOM_WAVEFORM.frame_period_s)
        for number, frame in enumerate(radar.frames(LEARNED_FRAMES + frames))
    ]
    return np.stack(made[LEARNED_FRAMES:])


def mounted(pose: Pose, mount: Mount) -> Pose:
    """Where a radar stands in the world that is mounted beside the one at ``pose``."""
    yaw_rad = float(pose.yaw_rad)
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    return Pose(
        np.asarray(float(pose.x_m) + mount.ahead_m * cosine + mount.right_m * sine),
        np.asarray(float(pose.y_m) + mount.ahead_m * sine - mount.right_m * cosine),
        np.asarray(yaw_rad - mount.turned_rad),
    )


def _truth(
    room: OccupiedRoom, person: Person, time_s: NDArray[np.float64], space: Space, camera: Camera
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Boxes in space and image, key points, whether seen, of one person at every time."""
    boxes, image, points, seen = [], [], [], []
    size = np.array(camera.size_px, np.float64)
    for now_s in time_s.tolist():
        body = in_radar_axes_m(person.scene(now_s).vertices_m, room)
        low, high = body.min(axis=0), body.max(axis=0)
        boxes.append(centre_and_size(np.concatenate([low, high])))
        pixels = camera.project(body)
        edges = np.stack([pixels.min(axis=0), pixels.max(axis=0)])
        image.append(np.clip(edges, 0, size).ravel())
        points.append(in_radar_axes_m(person.key_points_m(now_s), room))
        middle = edges.mean(axis=0)
        ahead = camera.to_camera_m(body)[:, 2].min() > NEAREST_M
        inside = np.all((low + high) / 2 > space.low_m) and np.all((low + high) / 2 < space.high_m)
        seen.append(bool(ahead and inside and np.all(middle > 0) and np.all(middle < size)))
    return np.array(boxes), np.array(image), np.array(points), np.array(seen)


def sequence_path(root: Path, seed: int, session: int) -> Path:
    """Where a sequence lies in a data set."""
    return root / f"room_{seed:06d}_session_{session:02d}.npz"


def _usable(path: Path) -> RoomSequence | None:
    """The sequence that is there; None where there is none, or one that is damaged."""
    if not path.exists():
        return None
    try:
        return read_sequence(path)
    except ValueError:
        return None


def simulate_into(
    root: Path, seed: int, session: int, frames: int, space_name: str = "room", pose: int = 0
) -> Path:
    """A sequence on disk, unless it is there; a damaged one is made anew.

    Raises:
        ValueError: see :func:`simulate_sequence`; the one that is there is of another space,
            length, pose or simulator.
    """
    path = sequence_path(root, seed, session)
    if (there := _usable(path)) is not None:
        if (there.about["space"], len(there)) != (space_name, frames):
            raise ValueError(
                f"{path} holds {len(there)} frames in the axes of {there.about['space']}, not "
                f"{frames} of {space_name}: delete it, or give another folder"
            )
        if there.about.get("camera_pose", 0) != pose:
            raise ValueError(
                f"{path} has the camera in pose {there.about.get('camera_pose', 0)}, not {pose}: "
                "give as many --camera-poses as before, or another folder"
            )
        if there.about.get("simulator") != room_digest():
            raise ValueError(
                f"{path} was made by another version of the simulator: delete the folder, or give "
                "another one"
            )
    else:
        write_sequence(path, simulate_sequence(seed, session, frames, space_name, pose))
    return path
