"""Radar, capture card and turntable emulated together, fed by one recorded drive.

::

    AWR1843 (pty) --start--> player --frames--> DCA1000 (UDP)
    Tic (pty) ----rotor angle---^

The rules of the player:

* the drive begins when the rotor passes zero at constant speed while the radar runs (at half the
  recording's rate or more: homing is no drive);
* a radar that is started when the rotor is already at speed sends its first frame then, so that
  every frame on the wire is a stored frame;
* a radar that is started earlier sends the view of the standing robot until then; its frame trigger
  is put in phase with the rotor once, when the drive begins, and the card counts from the start
  again;
* a radar that is started again begins the drive again.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import TracebackType

import numpy as np

from mmwave.dca1000 import CONTROL_PORT, DATA_PORT, encode_iiqq
from mmwave.emulation.awr1843 import AWR1843Emulator
from mmwave.emulation.dca1000 import DCA1000Emulator
from mmwave.emulation.link import InjectedFaults, LinkFaults
from mmwave.emulation.playback import Playback, PlayedFrame, PlayedRecording
from mmwave.emulation.rotor import Mechanics, Rotor, RotorFaults
from mmwave.emulation.tic import TicEmulator
from mmwave.emulation.tic_device import TicSettings
from mmwave.waveform import Waveform

logger = logging.getLogger(__name__)

_SETTLE_NS = 20_000_000
_POLL_S = 0.02


@dataclass(frozen=True)
class RigStatistics:
    """What was played and what was done to it.

    Attributes:
        exact_frames: stored frames sent as they are.
        gathered_frames: frames put together because the rotor was not where it should have been.
        still_frames: frames of the standing robot.
        drives: how often the drive was begun.
        link: what happened to the packets.
        serial_bytes_lost: bytes lost on the stepper's line.
        serial_answers_corrupted: damaged answers of the stepper.
    """

    exact_frames: int = 0
    gathered_frames: int = 0
    still_frames: int = 0
    drives: int = 0
    link: InjectedFaults = field(default_factory=InjectedFaults)
    serial_bytes_lost: int = 0
    serial_answers_corrupted: int = 0


def next_zero_ns(rotor: Rotor, after_ns: int, least_rad_s: float) -> int | None:
    """When the rotor next passes zero; None if it does not turn at a constant speed then.

    Args:
        rotor: the turntable.
        after_ns: UNIX time.
        least_rad_s: speed below which it does not count as turning.
    """
    speed_rad_s = rotor.speed_rad_s(after_ns)
    if rotor.at_speed_since_ns(after_ns) is None or speed_rad_s < least_rad_s:
        return None
    missing_rad = float(np.mod(-rotor.angle_rad(after_ns), 2 * np.pi))
    return after_ns + round(missing_rad / speed_rad_s * 1e9)


class EmulatedRig:
    """The emulated hardware of the rotating radar. Use as a context manager.

    Args:
        recording: the drive; see :class:`mmwave.emulation.playback.PlayedRecording`.
        link_faults: of the capture card's packets.
        rotor_faults: of motor, index switch and serial line.
        host_address: where data goes.
        device_address: the capture card's address.
        control_port: the card's port of commands.
        data_port: the card's port of data.
        mechanics: the turntable.
        tic_settings: what is stored in the stepper's controller.

    Raises:
        ValueError: the recording is not consistent.
    """

    def __init__(
        self,
        recording: PlayedRecording,
        link_faults: LinkFaults | None = None,
        rotor_faults: RotorFaults | None = None,
        *,
        host_address: str = "127.0.0.1",
        device_address: str = "127.0.0.2",
        control_port: int = CONTROL_PORT,
        data_port: int = DATA_PORT,
        mechanics: Mechanics | None = None,
        tic_settings: TicSettings | None = None,
    ) -> None:
        self.playback = Playback(recording)
        self.waveform = recording.waveform
        self._period_ns = round(self.waveform.frame_period_s * 1e9)
        self._active_ns = round(self.waveform.active_s * 1e9)
        self._offsets_ns = np.round(self.waveform.position_offsets_s * 1e9).astype(np.int64)
        self._running = threading.Event()
        self._radar_starts = 0
        self._session_number = 0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._statistics = RigStatistics()
        self._drive_start_ns: int | None = None
        self.radar = AWR1843Emulator(on_start=self._radar_started, on_stop=self._running.clear)
        self.card = DCA1000Emulator(
            self.waveform,
            host_address=host_address,
            device_address=device_address,
            control_port=control_port,
            data_port=data_port,
            faults=link_faults,
            on_reset_radar=self.radar.reset,
        )
        self.stepper = TicEmulator(tic_settings, mechanics, rotor_faults)

    @property
    def radar_port(self) -> str:
        """Serial port of the radar's command line; exists while started."""
        return self.radar.port

    @property
    def stepper_port(self) -> str:
        """Serial port of the stepper's controller."""
        return self.stepper.port

    @property
    def rotor(self) -> Rotor:
        """The turntable: its real angle at any time."""
        return self.stepper.rotor

    @property
    def statistics(self) -> RigStatistics:
        """What was played and injected so far."""
        return replace(
            self._statistics,
            link=self.card.injected,
            serial_bytes_lost=self.stepper.bytes_lost,
            serial_answers_corrupted=self.stepper.answers_corrupted,
        )

    def truth(self, time_ns: int) -> float | None:
        """Drive time of what the radar sees at a UNIX time; None while the robot stands.

        This is the drive time of the samples that are played, so that the recording's pose at it is
        the pose that they were made for.
        """
        start_ns = self._drive_start_ns
        if start_ns is None or time_ns < start_ns:
            return None
        elapsed_s = (time_ns - start_ns) * 1e-9
        return float(self.playback.played_s(elapsed_s, self.rotor.angle_rad(time_ns)))

    def start(self) -> "EmulatedRig":
        """Open all ports; returns itself.

        Raises:
            OSError: a network port is in use.
        """
        self.card.start()
        self.radar.start()
        self.stepper.start()
        self._thread = threading.Thread(target=self._play, name="radar player", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop playing and close all ports."""
        if self._thread is None:
            return
        self._closing.set()
        self._running.set()
        self._thread.join()
        self._thread = None
        self.radar.close()
        self.card.close()
        self.stepper.stop()

    def __enter__(self) -> "EmulatedRig":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # The player -----------------------------------------------------------------------------------

    def _radar_started(self, waveform: Waveform) -> None:
        wrong = waveform.differences(self.waveform)
        if wrong:
            logger.error(
                "The emulated radar sends nothing: it was configured with another waveform than "
                "the recording was made with (%s). Use the recording's waveform.",
                ", ".join(wrong),
            )
            return
        self._radar_starts += 1
        self._running.set()

    def _play(self) -> None:
        while not self._closing.is_set():
            self._running.wait()
            self._session_number = self._radar_starts
            while self._active() and not self.card.wait_for_recording(_POLL_S):
                pass
            if self._active():
                self._session()

    def _active(self) -> bool:
        """Whether the radar still runs, and was not started again in the meantime."""
        same = self._session_number == self._radar_starts
        return same and self._running.is_set() and not self._closing.is_set()

    def _session(self) -> None:
        """From the radar's start to its stop."""
        self._drive_start_ns = None
        now_ns = time.time_ns() + _SETTLE_NS
        start_ns = self._next_zero_ns(now_ns)
        if start_ns is None:
            start_ns = self._stand(now_ns)
            if start_ns is None:
                return
            self.card.restart_stream()
        self._drive_start_ns = start_ns
        self._count(drives=1)
        frame = 0
        while self._send(start_ns + frame * self._period_ns, self._drive_frame):
            frame += 1

    def _next_zero_ns(self, after_ns: int) -> int | None:
        recorded_rad_s = 2 * np.pi * self.playback.recording.revolutions_per_s
        return next_zero_ns(self.rotor, after_ns, recorded_rad_s / 2)

    def _stand(self, first_ns: int) -> int | None:
        """Send the standing robot's view until the drive begins; returns when that is."""
        frame_ns, start_ns = first_ns, None
        while start_ns is None or frame_ns + self._active_ns <= start_ns:
            if not self._send(frame_ns, self._still_frame):
                return None
            frame_ns += self._period_ns
            if start_ns is None:
                start_ns = self._next_zero_ns(frame_ns)
        return start_ns

    def _send(self, frame_ns: int, make: Callable[[int], PlayedFrame]) -> bool:
        """Make and send the frame that starts then; returns whether to go on."""
        if not self._active():
            return False
        frame = make(frame_ns)
        return self.card.send_frame(encode_iiqq(frame.samples), frame_ns) and self._active()

    def _drive_frame(self, frame_ns: int) -> PlayedFrame:
        times_ns = frame_ns + self._offsets_ns
        elapsed_s = (times_ns - (self._drive_start_ns or 0)) * 1e-9
        frame = self.playback.drive_frame(elapsed_s, self.rotor.angle_rad(times_ns))
        if frame.stored_frame is None:
            self._count(gathered_frames=1)
        else:
            self._count(exact_frames=1)
        return frame

    def _still_frame(self, frame_ns: int) -> PlayedFrame:
        self._count(still_frames=1)
        return self.playback.still_frame(self.rotor.angle_rad(frame_ns + self._offsets_ns))

    def _count(self, **more: int) -> None:
        changed = {name: getattr(self._statistics, name) + value for name, value in more.items()}
        self._statistics = replace(self._statistics, **changed)
