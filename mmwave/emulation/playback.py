r"""Which stored samples the radar gives, for the times it chirps at and where the rotor is then.

A recording holds the drive as the radar saw it with the rotor turning evenly: the position that was
sampled at drive time ``t`` looked along azimuth ``w t``. Played with the real rotor at angle ``a``
when ``t`` has passed since the drive began, the stored position is the one that looked along ``a``
within half a turn of ``t``::

    played time = t + wrap(a - w t) / w            wrap to [-pi, pi)

While the rotor turns as it should this is ``t`` itself, and stored frames come out exactly. Of a
rotor that stands, slips or turns at another rate the samples show the right direction at a time
that is wrong by at most half a turn.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmwave.waveform import Waveform


class PlayedRecording(Protocol):
    """What a recording must offer to be played.

    Attributes:
        waveform: chirp and frame timing.
        samples: int16 (frame, loop, antenna, sample, 2), the last axis (I, Q).
        prelude: int16 (position, antenna, sample, 2): a turn at the first pose, standing still, at
            azimuths 2 pi k / position.
        duration_s: frames times the frame period.
        loop: the end fits the beginning.
        revolutions_per_s: of the rotor, whose angle is 0 at the drive's start.
    """

    @property
    def waveform(self) -> Waveform: ...  # noqa: D102

    @property
    def samples(self) -> NDArray[np.int16]: ...  # noqa: D102

    @property
    def prelude(self) -> NDArray[np.int16]: ...  # noqa: D102

    @property
    def duration_s(self) -> float: ...  # noqa: D102

    @property
    def loop(self) -> bool: ...  # noqa: D102

    @property
    def revolutions_per_s(self) -> float: ...  # noqa: D102


@dataclass(frozen=True)
class PlayedFrame:
    """One frame to send.

    Attributes:
        samples: int16 (loop, antenna, sample, 2).
        stored_frame: number of the stored frame that this is exactly; None if it is put together.
    """

    samples: NDArray[np.int16]
    stored_frame: int | None


class Playback:
    """Picks stored positions of a recording.

    Args:
        recording: what is played.

    Raises:
        ValueError: the recording's arrays do not fit its waveform, or it loops and is not whole
            turns.
    """

    def __init__(self, recording: PlayedRecording) -> None:
        waveform = recording.waveform
        row = (waveform.virtual_antennas, waveform.samples_per_chirp, 2)
        frames = len(recording.samples)
        if frames < 1 or recording.samples.shape[1:] != (waveform.loops_per_frame, *row):
            raise ValueError(
                f"samples must have shape (frame, {waveform.loops_per_frame}, "
                f"{', '.join(map(str, row))}), got {recording.samples.shape}"
            )
        if len(recording.prelude) < 1 or recording.prelude.shape[1:] != row:
            raise ValueError(
                f"prelude must have shape (position, {', '.join(map(str, row))}), "
                f"got {recording.prelude.shape}"
            )
        turns = recording.duration_s * recording.revolutions_per_s
        if recording.loop and abs(turns - round(turns)) > 1e-6:
            raise ValueError(f"a looping recording must be whole turns of the rotor, got {turns:g}")
        self.recording = recording
        self._waveform = waveform
        self._frames = frames
        self._duration_s = frames * waveform.frame_period_s
        self._turn_s = 1 / recording.revolutions_per_s
        self._rate_rad_s = 2 * np.pi * recording.revolutions_per_s

    @property
    def waveform(self) -> Waveform:
        """Chirp and frame timing."""
        return self._waveform

    def played_s(self, elapsed_s: ArrayLike, angle_rad: ArrayLike) -> NDArray[np.float64]:
        """Drive time of the samples that are played.

        Args:
            elapsed_s: time since the drive began, any shape.
            angle_rad: the rotor's angle at that time, 0 (mod 2 pi) along the drive's start; same
                shape.

        Returns:
            Drive times in [0, duration), same shape. A recording that does not loop ends with its
            last turn, over and over.
        """
        elapsed = np.asarray(elapsed_s, np.float64)
        lag = np.asarray(angle_rad, np.float64) - self._rate_rad_s * elapsed
        wrapped = np.mod(lag + np.pi, 2 * np.pi) - np.pi
        time_s = elapsed + wrapped / self._rate_rad_s
        if not self.recording.loop:
            over_s = np.maximum(time_s - self._duration_s, 0.0)
            time_s = time_s - np.ceil(over_s / self._turn_s) * self._turn_s
            time_s = np.where(time_s < 0, time_s + self._turn_s, time_s)
        inside_s = np.mod(time_s, self._duration_s)
        return np.where(inside_s < self._duration_s, inside_s, 0.0)  # mod rounds -1e-18 up

    def nearest(self, drive_s: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Frame and loop of the stored positions nearest to drive times in [0, duration)."""
        waveform = self._waveform
        offset_s = waveform.position_offsets_s[0]
        frame = np.floor_divide(drive_s - offset_s, waveform.frame_period_s).astype(np.intp)
        into_s = drive_s - offset_s - frame * waveform.frame_period_s
        loop = np.rint(into_s / waveform.loop_interval_s).astype(np.intp)
        last = waveform.loops_per_frame - 1
        middle_of_gap_s = (waveform.frame_period_s + last * waveform.loop_interval_s) / 2
        following = into_s >= middle_of_gap_s
        loop = np.where(following, 0, np.minimum(loop, last))
        return (frame + following) % self._frames, loop

    def drive_frame(
        self, elapsed_s: NDArray[np.floating], angle_rad: NDArray[np.floating]
    ) -> PlayedFrame:
        """The frame whose positions are sampled at these times.

        Args:
            elapsed_s: time of each position since the drive began, shape (loop,).
            angle_rad: the rotor's angle then, shape (loop,).
        """
        frame, loop = self.nearest(self.played_s(elapsed_s, angle_rad))
        samples = self.recording.samples
        first = int(frame[0])
        if (frame == first).all() and (loop == np.arange(len(loop))).all():
            return PlayedFrame(samples[first], first)
        return PlayedFrame(samples[frame, loop], None)

    def still_frame(self, angle_rad: NDArray[np.float64]) -> PlayedFrame:
        """The frame of a robot that stands at the drive's start, for rotor angles (loop,)."""
        prelude = self.recording.prelude
        index = np.rint(angle_rad / (2 * np.pi) * len(prelude)).astype(np.intp) % len(prelude)
        return PlayedFrame(prelude[index], None)
