"""What REXO learns from, whichever data set it comes from: some frames of heatmaps, and truth."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rexo_ros.camera import Camera
from rexo_ros.learning.networks.base import FRAMES
from rexo_ros.learning.sequences import RoomSequence, decode_power, read_sequence
from rexo_ros.space import SPACES, VERTICAL, Space

FLOOR_OFF_M = 0.1
"""Of people's lower faces from the floor, at the median."""


@dataclass(frozen=True)
class Sample:
    """Consecutive frames, and who is there in the last of them.

    Attributes:
        power: (view, frame, row, column) linear; NaN where it is not known.
        boxes_m: (person, 6) centre and size.
        image_px: (person, 4) left, top, right, bottom.
        about: where it comes from: ``room``, ``session``, ``people`` and so on.
        unseen_m: (person, 6) boxes of people who need not be found: outside of heatmaps or image.
        unseen_px: (person, 4) likewise; empty where they are not in the image at all.
        camera: whose image the boxes are in; None where its calibration is not known.
    """

    power: NDArray[np.float32]
    boxes_m: NDArray[np.float32]
    image_px: NDArray[np.float32]
    about: dict[str, Any] = field(default_factory=dict)
    unseen_m: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 6), np.float32))
    unseen_px: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 4), np.float32))
    camera: Camera | None = None


class SampleSet(Protocol):
    """Samples of one room geometry."""

    @property
    def space(self) -> Space:
        """Axes of the heatmaps."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> Sample:
        """One of them."""
        ...

    def partners(self, number: int) -> Sequence[int]:
        """Numbers of samples whose people can be added to those of one: heatmaps show what moves
        alone, so that two can be laid over each other, and images are of the same camera.
        """
        ...

    def recordings(self) -> list[str]:
        """Names of what the samples were cut out of: none may be learned from and judged by."""
        ...

    def describe(self) -> dict[str, Any]:
        """Where they come from, JSON-able."""
        ...


class SimulatedSet:
    """Samples of simulated sequences, which are kept in memory.

    Args:
        sequences: of one space, made by one version of the simulator; every day has its camera.
        stride: frames from one sample of a sequence to the next.

    Raises:
        ValueError: there is no sequence, they are of several spaces or simulators, or one is
            shorter than a sample.
    """

    def __init__(self, sequences: list[RoomSequence], stride: int = 1) -> None:
        if not sequences:
            raise ValueError("there is no sequence: simulate some with panoradar simulate rooms")
        first = sequences[0].about
        for one in sequences:
            for name in ("space", "simulator"):
                if one.about.get(name) != first.get(name):
                    raise ValueError(
                        f"sequences have several {name}s, {first.get(name)} and "
                        f"{one.about.get(name)}: train on one"
                    )
            if len(one) < FRAMES:
                raise ValueError(f"a sequence has {len(one)} frames; a sample takes {FRAMES}")
        self.sequences = sequences
        self.space: Space = SPACES[first["space"]]
        self._cameras = [camera_of(one.about["camera"]) for one in sequences]
        self._places = [
            (number, last)
            for number, one in enumerate(sequences)
            for last in range(FRAMES - 1, len(one), stride)
        ]
        self._by_camera: dict[Camera, list[int]] = {}
        for number, (which, _) in enumerate(self._places):
            self._by_camera.setdefault(self._cameras[which], []).append(number)

    @staticmethod
    def under(
        folder: Path, stride: int = 1, progress: Callable[..., Iterable[Path]] = tqdm
    ) -> "SimulatedSet":
        """All sequences of a folder.

        Raises:
            ValueError: there is none, or one is damaged.
        """
        paths = sorted(folder.glob("room_*.npz"))
        if not paths:
            raise ValueError(
                f"{folder} holds no sequence: make some with panoradar simulate rooms {folder}"
            )
        bar = progress(paths, desc=f"reading {folder.name}", unit="sequence")
        return SimulatedSet([read_sequence(path) for path in bar], stride)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> Sample:
        """The sample; its last frame is the one whose truth it has."""
        which, last = self._places[number]
        one = self.sequences[which]
        code = one.power[last - FRAMES + 1 : last + 1].swapaxes(0, 1)
        seen = one.seen[last]
        about = {name: one.about[name] for name in ("room", "session", "people")}
        about["camera_pose"] = one.about.get("camera_pose", 0)  # older files have the mount's alone
        boxes, image = one.boxes_m[last], one.image_boxes_px[last]
        return Sample(
            decode_power(code),
            boxes[seen],
            image[seen],
            {**about, "frame": last},
            boxes[~seen],
            image[~seen],
            self._cameras[which],
        )

    def partners(self, number: int) -> Sequence[int]:
        """All of the same camera: what stands still is taken off, see :mod:`rexo_ros.heatmaps`."""
        return self._by_camera[self._cameras[self._places[number][0]]]

    def recordings(self) -> list[str]:
        """A day in a room each."""
        days = (one.about for one in self.sequences)
        return [f"room {one['room']} session {one['session']}" for one in days]

    def describe(self) -> dict[str, Any]:
        """Rooms, sessions, and how many."""
        rooms = sorted({int(one.about["room"]) for one in self.sequences})
        sessions = sorted({int(one.about["session"]) for one in self.sequences})
        return {
            "simulated": True,
            "space": self.sequences[0].about["space"],
            "simulator": self.sequences[0].about.get("simulator"),
            "cameras": len(set(self._cameras)),
            "sequences": len(self.sequences),
            "samples": len(self),
            "sessions": sessions,
            "seed_ranges": _ranges(rooms),
            "days": {str(session): _ranges(sorted(self._rooms(session))) for session in sessions},
        }

    def _rooms(self, session: int) -> set[int]:
        """Rooms that have a session."""
        days = (one.about for one in self.sequences)
        return {int(one["room"]) for one in days if int(one["session"]) == session}


def spread(length: int, most: int) -> list[int]:
    """Numbers of ``most`` samples of ``length``, or of all, evenly spread."""
    places = np.linspace(0, length - 1, min(most, length)).round().astype(int)
    return list(dict.fromkeys(places.tolist()))


def refuse_overlap(samples: SampleSet, others: SampleSet, what: str) -> None:
    """See to it that no recording is in two sets.

    Args:
        samples: to learn from.
        others: to judge by.
        what: the others are, for the message.

    Raises:
        ValueError: one is.
    """
    if common := sorted(set(samples.recordings()) & set(others.recordings())):
        raise ValueError(
            f"{len(common)} sequences, {common[0]} among them, are learned from and in {what} too: "
            "give others"
        )


def refuse_other_reading(about: Mapping[str, Any], samples: SampleSet, name: str) -> None:
    """See to it that a network is judged by samples that are read as those it learned from.

    Args:
        about: its training, of a run or a card.
        samples: to judge by.
        name: of the network, for the message.

    Raises:
        ValueError: their heatmaps have other axes, the extrinsics go the other way, or the floor is
            elsewhere.
    """
    learned, read = about["data"], samples.describe()
    if learned.get("space") != read.get("space"):
        raise ValueError(
            f"{name} learned from heatmaps of space {learned.get('space')}, these are of "
            f"{read.get('space')}: give others"
        )
    for what, option in (("extrinsics", "--extrinsics"), ("floor_m", "--floor")):
        if what in learned and what in read and learned[what] != read[what]:
            raise ValueError(
                f"{name} learned from samples read with {option} {learned[what]}, these are with "
                f"{read[what]}: give {option} {learned[what]}"
            )


def refuse_floating(samples: SampleSet, most: int = 200) -> None:
    """See to it that people stand on the floor that their boxes are put on.

    Args:
        samples: to learn from.
        most: samples that are looked at.

    Raises:
        ValueError: at the median they end by more than FLOOR_OFF_M above or below it.
    """
    boxes = [samples[number].boxes_m for number in spread(len(samples), most)]
    together = np.concatenate(boxes).astype(np.float64)
    if not len(together):
        return
    lower_m = float(np.median(together[:, VERTICAL] - together[:, 3 + VERTICAL] / 2))
    if abs(lower_m - samples.space.floor_m) > FLOOR_OFF_M:
        raise ValueError(
            f"people end at {lower_m:.2f} m, the floor is at {samples.space.floor_m:.2f} m: give "
            f"--floor {lower_m:.2f}, or --no-floor"
        )


def refuse_learned(about: Mapping[str, Any], samples: SampleSet, name: str) -> None:
    """See to it that a network is not judged by days that it learned from.

    Args:
        about: its training, of a run or a card.
        samples: to judge by.
        name: of the network, for the message.

    Raises:
        ValueError: a day is one of those.
    """
    if not isinstance(samples, SimulatedSet):
        return
    days = {(int(one.about["room"]), int(one.about["session"])) for one in samples.sequences}
    if common := sorted(days & learned_days(about)):
        room, session = common[0]
        raise ValueError(
            f"{len(common)} sequences, room {room} session {session} among them, are what {name} "
            "learned from: give others"
        )


def learned_days(about: Any) -> set[tuple[int, int]]:
    """(room, session) that trainings tell of at any depth, but for those of validations; all
    sessions of all rooms, where one does not tell them apart.
    """
    if not isinstance(about, Mapping):
        return set()
    told = about.get("days")
    if told is None and {"sessions", "seed_ranges"} <= about.keys():
        told = dict.fromkeys(about["sessions"], about["seed_ranges"])
    days = {
        (room, int(session))
        for session, ranges in (told or {}).items()
        for first, last in ranges
        for room in range(int(first), int(last) + 1)
    }
    inner = (value for key, value in about.items() if key not in ("validation", "days"))
    return days.union(*(learned_days(value) for value in inner))


def camera_of(values: dict[str, Any]) -> Camera:
    """A camera from what JSON made of it."""
    names = ["focal_px", "centre_px", "size_px", "translation_m"]
    names += ["lens"] if "lens" in values else []  # there was none in older files
    lists = {name: tuple(values[name]) for name in names}
    rotation = tuple(tuple(row) for row in values["rotation"])
    return Camera(**{**values, **lists, "rotation": rotation})


def _ranges(numbers: list[int]) -> list[list[int]]:
    """First and last of every run of neighbours."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs
