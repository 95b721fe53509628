"""Live: from the radar's blocks and the camera's images to what is said of a frame.

Every block makes a spectrum, for the estimate of what stands still needs them all. The newest frame
is judged; where the computer is too slow for all of them, older ones are left out and counted.
"""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from mmanomaly_ros.alarm import AlarmState
from mmanomaly_ros.context import (
    Context,
    check_image,
    context_of,
    farthest_surface_m,
    shrunk,
)
from mmanomaly_ros.detector import Found
from mmanomaly_ros.radar_check import RadarCheck
from mmanomaly_ros.registration import RegistrationCheck
from mmanomaly_ros.scene_files import alike
from mmanomaly_ros.spectrum import SpectrumMaker
from mmanomaly_ros.synchronisation import Synchroniser, Together
from mmanomaly_ros.wall import gap_in_wall
from mmanomaly_ros.watch import TASKS, is_behind_a_wall
from mmwave.camera import Camera
from mmwave.dca1000 import PositionBlock
from mmwave.lost_chirps import whole_frame

REMEDY = "the networks need the chirps of config/anomaly_radar.yaml"
GAP_S = {"weapon": 0.55, "intruder": 0.55, "fall": 0.35}
"""From one judged frame to the next; after more, what was before counts no longer. A fall is told
from how things go on, which frames that were left out would make look faster."""

TOO_FEW = (
    "too few frames were looked at yet; where that stays the computer is too slow or busy: draws 0 "
    "is fastest"
)

LEAST_ROOM_M = 1.2
"""Behind a wall, from which somebody there can be seen."""


class Detector(Protocol):
    """What :class:`mmanomaly_ros.detector.AnomalyDetector` is to this module."""

    watch: int
    caution: str

    def __call__(
        self,
        spectrum_db: NDArray[np.floating],
        context: Context,
        generator: np.random.Generator,
        time_s: float = np.nan,
    ) -> Found:
        """Judge one frame."""
        ...

    def blind(self, problem: str) -> AlarmState:
        """A frame that cannot be judged."""
        ...

    def forget(self) -> None:
        """Some frames are missing."""
        ...

    def reset(self) -> None:
        """Begin anew."""
        ...


@dataclass(frozen=True)
class Judged:
    """What is said of a frame.

    Attributes:
        time_s: of the frame.
        state: of the alarm.
        reason: why the state is unknown; empty if it is not.
        found: spectra, heatmap and places; None where nothing could be compared.
        measured_db: (channel, range, column); None where the radar's frame was not whole.
        depth_m: (row, column) of the same time, NaN at holes; None without one.
        rgb: (row, column, 3) likewise.
        apart_s: from frame to images; NaN where one is missing.
        camera: that it was judged with; None without one.
    """

    time_s: float
    state: AlarmState
    reason: str
    found: Found | None = None
    measured_db: NDArray[np.float32] | None = None
    depth_m: NDArray[np.float32] | None = None
    rgb: NDArray[np.uint8] | None = None
    apart_s: float = float("nan")
    camera: Camera | None = None


class LiveWatch:
    """Judges what comes in. Images may come from another thread than everything else.

    Args:
        detector: of one watch.
        synchroniser: of frames and images.
        generator: of the draws.
        make: makes the spectra.
        check: of the radar's samples.
        silent_s: a radar without a whole frame for this long is silent, and so is a watch that
            could judge none.
        learned_frames: after a beginning so many are not judged.

    Attributes:
        radar: the check of its samples.
        skipped: frames that were left out so far.
    """

    def __init__(
        self,
        detector: Detector,
        synchroniser: Synchroniser[NDArray[np.float32]],
        generator: np.random.Generator,
        make: SpectrumMaker,
        check: RadarCheck,
        silent_s: float = 1.0,
        learned_frames: int = 0,
    ) -> None:
        self._detector, self._pairs, self._random = detector, synchroniser, generator
        self._make, self.radar = make, check
        self._radar_problem = ""
        self._silent_s = silent_s
        self._learned_frames = self._to_learn = learned_frames
        self._lock = threading.Lock()
        self._libraries = ThreadpoolController()  # looks for them once: it takes milliseconds
        self._last_block_s = self._judged_s = -np.inf
        self._came_s: float | None = None
        self._told_s: float | None = None
        self._camera: Camera | None = None
        self._camera_problem = "no camera_info has come"
        self._registration: RegistrationCheck | None = None
        self.skipped = 0

    def set_camera(self, camera: Camera | None, problem: str = "") -> None:
        """Take the camera's calibration.

        Args:
            camera: of the images; None: it is not known.
            problem: why not.
        """
        with self._lock:
            self._camera, self._camera_problem = camera, problem

    def add_image(
        self, kind: str, image: Callable[[], NDArray[Any]], time_s: float, now_s: float
    ) -> None:
        """Take an image.

        Args:
            kind: colour or depth.
            image: makes the array when it is needed; a ValueError of it is a reason.
            time_s: its stamp.
            now_s: when it arrived.
        """
        with self._lock:
            self._pairs.add_image(kind, image, time_s, now_s)

    def add_block(self, block: PositionBlock, now_s: float) -> bool:
        """Take a frame of samples.

        Args:
            block: of the radar.
            now_s: when it arrived.

        Returns:
            Whether it was whole.

        Raises:
            ValueError: the radar sends another waveform.
        """
        time_s = float(block.time_ns[0]) * 1e-9
        frame = whole_frame(block, self._make.waveform, REMEDY)
        if time_s <= self._last_block_s:  # a bag was begun anew
            self._make.reset()
            self._detector.reset()
            self.radar.reset()
            self._registration = None
            self._to_learn = self._learned_frames
            self._judged_s = -np.inf
        self._last_block_s = time_s
        if frame is None:
            return False
        self._radar_problem = self.radar.update(frame)
        with self._libraries.limit(limits=1, user_api="blas"):  # products too small to share out
            spectrum_db = self._make(frame, time_s)
        self._came_s = now_s
        if self._to_learn > 0:
            self._to_learn -= 1
            return True
        with self._lock:
            self._pairs.add_frame(spectrum_db, time_s, now_s)
        return True

    def judge(self, now_s: float) -> Judged | None:
        """What is said of the newest frame that has its images, or waited long enough for them.

        Nothing is said of a few frames whose images were lost; of more, that nothing is known.

        Args:
            now_s: of the same clock as above.
        """
        with self._lock:
            told = self._pairs.take(now_s)
            camera, problem = self._camera, self._camera_problem
        if not told:
            return None
        self._told_s = now_s
        self.skipped += len(told) - 1
        if told[-1].problem and not self._is_gap(told[-1].time_s):
            self.skipped += 1  # an image was lost: that is no reason to forget all before it
            return None
        with self._libraries.limit(limits=1, user_api="blas"):
            return self._judged(told[-1], camera, problem)

    def silence(self, now_s: float) -> str:
        """Why there is nothing to judge; empty while whole frames come.

        Args:
            now_s: of the same clock as above; the first call begins the wait.
        """
        if self._came_s is None:
            self._came_s = now_s
        if self._told_s is None:
            self._told_s = now_s
        since_s, told_s = now_s - self._came_s, now_s - self._told_s
        if since_s > self._silent_s:
            return f"no whole frame of the radar for {since_s:.0f} s"
        if told_s > 2 * self._silent_s:  # a frame may wait for its images as long as once
            return f"nothing could be judged for {told_s:.0f} s: do stamps go back again and again?"
        return ""

    def blind(self, time_s: float, reason: str) -> Judged:
        """Say that nothing is known."""
        return Judged(time_s, self._detector.blind(reason), reason)

    def _judged(
        self, one: Together[NDArray[np.float32]], camera: Camera | None, problem: str
    ) -> Judged:
        images, wrong = _decoded(one.images)
        rgb, depth_m = images.get("colour"), images.get("depth")
        reason = (
            self._radar_problem or one.problem or wrong or ("" if camera is not None else problem)
        )
        found = context = None
        if not reason and camera is not None and rgb is not None and depth_m is not None:
            context, reason = self._context(rgb, depth_m, camera)
        if not reason and self._is_gap(one.time_s):
            self._detector.forget()
        if context is not None and not reason:
            try:
                found = self._detector(one.frame, context, self._random, one.time_s)
            except ValueError as error:
                reason = str(error)
        if found is None:
            state = self._detector.blind(reason)
        else:
            self._judged_s, state = one.time_s, found.state
            reason = "" if state is not AlarmState.UNKNOWN else TOO_FEW
        return Judged(
            one.time_s, state, reason, found, one.frame, depth_m, rgb, one.apart_s, camera
        )

    def _is_gap(self, time_s: float) -> bool:
        """Whether the last frame that was judged is too long ago."""
        return time_s - self._judged_s > GAP_S[TASKS[self._detector.watch]]

    def _context(
        self, rgb: NDArray[np.uint8], depth_m: NDArray[np.float32], camera: Camera
    ) -> tuple[Context | None, str]:
        """What the camera says, or why it says nothing."""
        if rgb.shape[:2] != depth_m.shape:
            return None, (
                f"the depth image has {depth_m.shape[1]} x {depth_m.shape[0]} pixels, the colour "
                f"image {rgb.shape[1]} x {rgb.shape[0]}: give depth that is registered to colour"
            )
        try:
            rgb, depth_m, camera = shrunk(rgb, depth_m, camera)
            if problem := check_image(rgb, depth_m) or self._moved(depth_m, camera):
                return None, problem
            context = context_of(rgb, depth_m, camera, self._detector.watch)
            points_m = camera.back_projected_m(depth_m)[np.isfinite(depth_m)]
            return context, self._no_room(context, points_m)
        except ValueError as error:
            return None, str(error)

    def _no_room(self, context: Context, points_m: NDArray[np.floating]) -> str:
        """Why nobody could be seen behind the wall, whether somebody is there or not."""
        if not is_behind_a_wall(self._detector.watch):
            return ""
        if problem := gap_in_wall(points_m):
            return problem
        wall_m, farthest_m = farthest_surface_m(context), self._make.waveform.max_range_m
        if 0 < wall_m <= farthest_m - LEAST_ROOM_M:
            return ""
        return (
            f"the farthest surface that the camera sees is {wall_m:.1f} m away, the radar sees to "
            f"{farthest_m:.1f} m: behind a wall there must be {LEAST_ROOM_M} m"
        )

    def _moved(self, depth_m: NDArray[np.float32], camera: Camera) -> str:
        known = self._registration
        if known is None or not alike(asdict(known.camera), asdict(camera)):
            self._registration = known = RegistrationCheck(camera)
        if problem := known.update(depth_m):
            return f"{problem}: calibrate it anew, then start this node again"
        return ""


def _decoded(images: dict[str, Callable[[], NDArray[Any]]]) -> tuple[dict[str, NDArray[Any]], str]:
    """Arrays of images, and what is wrong with those that are none."""
    arrays: dict[str, NDArray[Any]] = {}
    problems = []
    for kind, make in images.items():
        try:
            arrays[kind] = make()
        except ValueError as error:
            problems.append(f"{kind}: {error}")
    return arrays, "; ".join(problems)
