"""Dead reckoning: the motions of rotations integrated to a trajectory.

The position comes from the velocities, the yaw from turning the landmarks of a rotation onto those
of an earlier one, the keyframe: its error grows with the number of keyframes, not with time.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.landmarks import Landmarks, polar_map, turned_between
from panoradar_ros.imaging.motion import MotionEstimate, joined
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.planar_pose import PlanarPose

UNKNOWN_SPEED_MPS = 0.5
"""Spread of the velocity while the scene does not say how the robot moves."""

UNKNOWN_YAW_RATE_RADPS = 0.5
"""Spread of the rate of turn meanwhile."""

CHI_SQUARE_95 = 5.99
"""Of two degrees of freedom."""


@dataclass(frozen=True)
class OdometrySettings:
    """How turns are joined.

    Attributes:
        longest_hole_s: holes between turns up to this are bridged with the motions around them.
        longest_coast_s: so long after the last reliable turn the robot is taken to move on as it
            did; then the pose stays until the scene says more.
        keyframe_distance_m: a rotation farther from the keyframe becomes the next one.
        keyframe_turn_rad: so does one that has turned more.
        search_rad: how far the predicted yaw may be wrong.
        lost_search_rad: how far it may be where this turn or the last did not say how it moved.
        least_landmarks: fewer are not matched.
        least_correlation: poorer matches are not used.
        match_spread_rad: standard deviation of a match.
        steadiest_radps2: least standard deviation of the angular acceleration that is reckoned
            with.
        steadiest_mps: standard deviation of what the velocity changes from turn to turn beside a
            steady acceleration, where the turns do not show more.

    Raises:
        ValueError: a value is out of its range.
    """

    longest_hole_s: float = 1.0
    longest_coast_s: float = 1.0
    keyframe_distance_m: float = 0.5
    keyframe_turn_rad: float = np.deg2rad(40)
    search_rad: float = np.deg2rad(8)
    lost_search_rad: float = np.deg2rad(25)
    least_landmarks: int = 100
    least_correlation: float = 0.2
    match_spread_rad: float = np.deg2rad(0.07)
    steadiest_radps2: float = np.deg2rad(2)
    steadiest_mps: float = 0.02

    def __post_init__(self) -> None:
        for name in ("longest_hole_s", "longest_coast_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        for name in (
            "keyframe_distance_m",
            "keyframe_turn_rad",
            "search_rad",
            "lost_search_rad",
            "match_spread_rad",
            "steadiest_radps2",
            "steadiest_mps",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.least_correlation <= 1:
            raise ValueError(f"least_correlation must be in [0, 1], got {self.least_correlation}")


@dataclass(frozen=True)
class DeadReckoning:
    """Pose of base_link in odom and how sure it is.

    Attributes:
        pose: since the first turn.
        covariance: (3, 3) of (x, y, yaw) in m^2, m rad and rad^2.
        estimate: motion of the last turn, its rate of turn improved by the match.
    """

    pose: PlanarPose
    covariance: NDArray[np.float64]
    estimate: MotionEstimate


@dataclass(frozen=True)
class _Turn:
    """What is kept of the last turn: everything refers to its middle.

    ``moved`` is the motion that the pose follows: the estimate's, or that of the last reliable turn
    for a while, or none.
    """

    middle_ns: int
    end_ns: int
    raw: MotionEstimate
    estimate: MotionEstimate
    pose: PlanarPose
    moved: PlanarMotion | None


@dataclass(frozen=True)
class _Keyframe:
    polar: NDArray[np.float64]
    pose: PlanarPose
    yaw_variance: float


def motion_covariance(estimate: MotionEstimate) -> NDArray[np.float64]:
    """Covariance (3, 3) of (x_mps, y_mps, yaw_rate_radps); wide where it is not known."""
    unknown = np.diag([UNKNOWN_SPEED_MPS, UNKNOWN_SPEED_MPS, UNKNOWN_YAW_RATE_RADPS]) ** 2
    if not (estimate.reliable and np.all(np.isfinite(estimate.covariance[:2, :2]))):
        return unknown
    if np.all(np.isfinite(estimate.covariance)):
        return estimate.covariance
    unknown[:2, :2] = estimate.covariance[:2, :2]  # a method that knows no rate of turn
    return unknown


class Odometer:
    """Integrates the motions of rotations.

    A turn that did not say how the robot moved is taken to go on like the last one that did: at
    50 deg/s a pose that waits is 25 degrees off after one. After a hole longer than
    ``longest_hole_s``, or when time went back, the pose stays where it was. In both cases its
    spread grows as if the robot had moved in an unknown way meanwhile.

    Args:
        settings: see there.
    """

    def __init__(self, settings: OdometrySettings | None = None) -> None:
        self._settings = settings if settings is not None else OdometrySettings()
        self._covariance = np.zeros((3, 3))
        self._last: _Turn | None = None
        self._keyframe: _Keyframe | None = None
        self._known_ns = 0

    def update(self, estimate: MotionEstimate, start_ns: int, end_ns: int) -> DeadReckoning:
        """Move on to the end of a turn.

        Args:
            estimate: motion of the turn, referred to its middle; instead of one that is not
                reliable the last reliable one holds, for ``longest_coast_s`` at most.
            start_ns: when the turn started.
            end_ns: when it ended.
        """
        middle_ns = (start_ns + end_ns) // 2
        half_s = (end_ns - start_ns) * 0.5e-9
        moved = estimate.motion if estimate.reliable else self._coasting(middle_ns)
        step, step_s = self._step(moved, start_ns, middle_ns)
        before = self._last.pose if self._last is not None else PlanarPose()
        pose = before.then(step)
        self._spread(before, step, step_s, estimate)
        yaw_rad = self._matched_yaw(estimate, pose)
        better = estimate
        if yaw_rad is not None:
            if estimate.reliable:
                better = self._with_last(estimate, yaw_rad, middle_ns)
                moved = better.motion
            if self._last is not None and step_s > 0:  # once more, with the better motion
                pose = before.then(_way_between(self._last.moved, moved, step_s))
            pose = replace(pose, yaw_rad=yaw_rad)
        elif step_s == 0:
            self._keyframe = None
        if estimate.reliable:
            self._keep_keyframe(estimate.landmarks, pose)
        at_end = pose.then(_way(moved, 0.0, half_s))
        turned_rad = self._angular_acceleration(better, middle_ns) * half_s**2 / 2
        at_end = replace(at_end, yaw_rad=at_end.yaw_rad + turned_rad)
        if estimate.reliable:
            self._known_ns = middle_ns
        self._last = _Turn(middle_ns, end_ns, estimate, better, pose, moved)
        covariance = self._covariance + motion_covariance(better) * half_s**2
        return DeadReckoning(at_end, covariance, better)

    def _coasting(self, middle_ns: int) -> PlanarMotion | None:
        """The last reliable motion, as if it went on; None where it is too long ago."""
        last = self._last
        if last is None or last.moved is None:
            return None
        if (middle_ns - self._known_ns) * 1e-9 > self._settings.longest_coast_s:
            return None
        # an acceleration that was measured over one turn need not last for another
        return replace(last.moved, x_mps2=0.0, y_mps2=0.0)

    def _angular_acceleration(self, now: MotionEstimate, middle_ns: int) -> float:
        """From the rates of the last turn and this one, rad/s^2; 0 where one is not known."""
        last = self._last
        if last is None or not (last.estimate.reliable and now.reliable):
            return 0.0
        gap_s = (middle_ns - last.middle_ns) * 1e-9
        if not 0 < gap_s <= self._settings.longest_hole_s:
            return 0.0
        return (now.motion.yaw_rate_radps - last.estimate.motion.yaw_rate_radps) / gap_s

    def _step(
        self, moved: PlanarMotion | None, start_ns: int, middle_ns: int
    ) -> tuple[PlanarPose, float]:
        """Way from the middle of the last turn (or the start of the first) to that of this one, and
        the time it took; 0 s after a hole that is not bridged.
        """
        half_s = (middle_ns - start_ns) * 1e-9
        last = self._last
        if last is None:
            return _way(moved, -half_s, 0.0), half_s
        gap_s = (middle_ns - last.middle_ns) * 1e-9
        hole_s = (start_ns - last.end_ns) * 1e-9
        if gap_s <= 0 or hole_s > self._settings.longest_hole_s:
            unknown = np.array([UNKNOWN_SPEED_MPS, UNKNOWN_SPEED_MPS, UNKNOWN_YAW_RATE_RADPS])
            self._covariance = self._covariance + np.diag(unknown * max(hole_s, 0.0)) ** 2
            to_end_s = (last.end_ns - last.middle_ns) * 1e-9
            return _way(last.moved, 0.0, to_end_s).then(_way(moved, -half_s, 0.0)), 0.0
        return _way_between(last.moved, moved, gap_s), gap_s

    def _spread(
        self, before: PlanarPose, step: PlanarPose, step_s: float, estimate: MotionEstimate
    ) -> None:
        """First-order propagation: the old yaw error swings the step, the motion's errors add."""
        cosine, sine = np.cos(before.yaw_rad), np.sin(before.yaw_rad)
        turned = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
        x_m, y_m = turned[:2, :2] @ [step.x_m, step.y_m]
        old = np.array([[1, 0, -y_m], [0, 1, x_m], [0, 0, 1]])
        # an error of the rate of turn also swings the step, on average by half the turn
        swing = np.array([[1, 0, -step.y_m / 2], [0, 1, step.x_m / 2], [0, 0, 1]])
        own = turned @ swing @ (motion_covariance(estimate) * step_s**2) @ swing.T @ turned.T
        self._covariance = old @ self._covariance @ old.T + own

    def _matched_yaw(self, estimate: MotionEstimate, pose: PlanarPose) -> float | None:
        """Yaw in odom from the keyframe's landmarks; narrows the yaw's variance."""
        settings, keyframe = self._settings, self._keyframe
        enough = len(estimate.landmarks) >= settings.least_landmarks
        if keyframe is None or not enough:
            return None
        known = estimate.reliable and self._last is not None and self._last.estimate.reliable
        search_rad = settings.search_rad if known else settings.lost_search_rad
        seen = estimate.landmarks.seen_from(keyframe.pose.inverse().then(pose))
        match = turned_between(keyframe.polar, polar_map(seen), search_rad)
        if match is None or match[1] < settings.least_correlation:
            return None
        variance = keyframe.yaw_variance + settings.match_spread_rad**2
        gain = max(0.0, 1 - variance / max(self._covariance[2, 2], variance))
        self._covariance = self._covariance - gain * np.outer(
            self._covariance[:, 2], self._covariance[2]
        ) / max(self._covariance[2, 2], 1e-12)
        return pose.yaw_rad + match[0]

    def _with_last(
        self, estimate: MotionEstimate, yaw_rad: float, middle_ns: int
    ) -> MotionEstimate:
        """The motion joined with what the last turn says about it.

        The yaw since then gives the mean rate of turn, and a steady acceleration leads from the
        velocity then to that of now. How far rate and acceleration may have changed in between is
        judged by how much the two turns differ, beyond their errors.
        """
        last, settings = self._last, self._settings
        if last is None or not last.estimate.reliable:
            return estimate
        gap_s = (middle_ns - last.middle_ns) * 1e-9
        mean_radps = (yaw_rad - last.pose.yaw_rad) / gap_s
        change = estimate.motion.yaw_rate_radps - last.raw.motion.yaw_rate_radps
        error = estimate.covariance[2, 2] + last.raw.covariance[2, 2]
        excess = max(change**2 - error, 0.0) / gap_s**2
        acceleration = max(settings.steadiest_radps2**2, excess)
        variance = 2 * (settings.match_spread_rad / gap_s) ** 2 + acceleration * (gap_s / 2) ** 2
        better = joined(estimate, np.eye(5)[4:], np.array([mean_radps]), np.array([[variance]]))
        return self._with_last_velocity(better, yaw_rad - last.pose.yaw_rad, gap_s)

    def _with_last_velocity(
        self, estimate: MotionEstimate, turned_rad: float, gap_s: float
    ) -> MotionEstimate:
        last = self._last
        if last is None or estimate.joint is None:
            return estimate
        cosine, sine = np.cos(turned_rad), np.sin(turned_rad)
        turned = np.array([[cosine, sine], [-sine, cosine]])
        before = turned @ [last.estimate.motion.x_mps, last.estimate.motion.y_mps]
        noise = turned @ last.estimate.covariance[:2, :2] @ turned.T
        noise = noise + np.eye(2) * self._settings.steadiest_mps**2
        measured = np.hstack([np.eye(2), -gap_s * np.eye(2), np.zeros((2, 1))])
        motion = estimate.motion
        now = np.array([motion.x_mps, motion.y_mps]) - gap_s * np.array(
            [motion.x_mps2, motion.y_mps2]
        )
        surprise = before - now
        expected = measured @ estimate.joint @ measured.T + noise
        if surprise @ np.linalg.solve(expected, surprise) > CHI_SQUARE_95:
            return estimate
        return joined(estimate, measured, before, noise)

    def _keep_keyframe(self, landmarks: Landmarks, pose: PlanarPose) -> None:
        settings, keyframe = self._settings, self._keyframe
        if len(landmarks) < settings.least_landmarks:
            return
        if keyframe is not None:
            since = keyframe.pose.inverse().then(pose)
            near = np.hypot(since.x_m, since.y_m) < settings.keyframe_distance_m
            if near and abs(since.yaw_rad) < settings.keyframe_turn_rad:
                return
        self._keyframe = _Keyframe(polar_map(landmarks), pose, float(self._covariance[2, 2]))


def _way_between(last: PlanarMotion | None, now: PlanarMotion | None, gap_s: float) -> PlanarPose:
    """Way between the middles of two turns: half of the time with the motion of each."""
    return _way(last, 0.0, gap_s / 2).then(_way(now, -gap_s / 2, 0.0))


def _way(motion: PlanarMotion | None, from_s: float, to_s: float) -> PlanarPose:
    """Way between two times after the middle of a turn; none where the motion is not known."""
    if motion is None:
        return PlanarPose()
    return motion.pose_between(motion.reference_s + from_s, motion.reference_s + to_s)
