"""A radar that stands still, with its capture card: plays frames that were simulated, in a loop.

::

    AWR1843 (pty) --start--> player --frames--> DCA1000 (UDP)

Which frame is played depends on the time alone, counted from an epoch: radars that share it play
what they saw at the same time, whenever each of them was started.
"""

import logging
import threading
import time
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000 import CONTROL_PORT, DATA_PORT, encode_iiqq
from mmwave.emulation.awr1843 import AWR1843Emulator
from mmwave.emulation.dca1000 import DCA1000Emulator
from mmwave.emulation.link import InjectedFaults, LinkFaults
from mmwave.waveform import Waveform

logger = logging.getLogger(__name__)

_SETTLE_NS = 20_000_000
_POLL_S = 0.02


class EmulatedFixedRadar:
    """The emulated hardware of one fixed radar. Use as a context manager.

    Args:
        frames: int16 (frame, loop, antenna, sample, 2).
        waveform: that they were made with.
        epoch_ns: UNIX time of the first of them.
        faults: of the capture card's packets.
        host_address: where data goes.
        device_address: the capture card's address.
        control_port: the card's port of commands.
        data_port: the card's port of data.

    Raises:
        ValueError: the frames are not of the waveform.
    """

    def __init__(
        self,
        frames: NDArray[np.int16],
        waveform: Waveform,
        epoch_ns: int,
        faults: LinkFaults | None = None,
        *,
        host_address: str = "127.0.0.1",
        device_address: str = "127.0.0.2",
        control_port: int = CONTROL_PORT,
        data_port: int = DATA_PORT,
    ) -> None:
        shape = (
            waveform.loops_per_frame,
            waveform.virtual_antennas,
            waveform.samples_per_chirp,
            2,
        )
        if len(frames) < 1 or frames.shape[1:] != shape:
            raise ValueError(f"frames must be (frame > 0, {shape}), got {frames.shape}")
        self._samples, self.waveform, self._epoch_ns = frames, waveform, epoch_ns
        self._period_ns = round(waveform.frame_period_s * 1e9)
        self._running, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.frames_sent = 0
        self.radar = AWR1843Emulator(on_start=self._started, on_stop=self._running.clear)
        self.card = DCA1000Emulator(
            waveform,
            host_address=host_address,
            device_address=device_address,
            control_port=control_port,
            data_port=data_port,
            faults=faults,
            on_reset_radar=self.radar.reset,
        )

    @property
    def radar_port(self) -> str:
        """Serial port of the radar's command line; exists while started."""
        return self.radar.port

    @property
    def injected(self) -> InjectedFaults:
        """What happened to the packets."""
        return self.card.injected

    def frame_at(self, time_ns: int) -> int:
        """Number of the frame that is played at a UNIX time."""
        return ((time_ns - self._epoch_ns) // self._period_ns) % len(self._samples)

    def start(self) -> "EmulatedFixedRadar":
        """Open all ports; returns itself.

        Raises:
            OSError: a network port is in use.
        """
        self.card.start()
        self.radar.start()
        self._thread = threading.Thread(target=self._play, name="fixed radar", daemon=True)
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

    def __enter__(self) -> "EmulatedFixedRadar":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _started(self, waveform: Waveform) -> None:
        wrong = waveform.differences(self.waveform)
        if wrong:
            logger.error(
                "The emulated radar sends nothing: it was configured with another waveform than "
                "its frames were made with (%s). Use theirs.",
                ", ".join(wrong),
            )
            return
        self._running.set()

    def _play(self) -> None:
        while not self._closing.is_set():
            self._running.wait()
            while self._active() and not self.card.wait_for_recording(_POLL_S):
                pass
            passed_ns = time.time_ns() + _SETTLE_NS - self._epoch_ns
            number = -(-passed_ns // self._period_ns)
            while self._active():
                at_ns = self._epoch_ns + number * self._period_ns
                frame = self._samples[self.frame_at(at_ns)]
                if not self.card.send_frame(encode_iiqq(np.ascontiguousarray(frame)), at_ns):
                    break
                self.frames_sent += 1
                number += 1

    def _active(self) -> bool:
        return self._running.is_set() and not self._closing.is_set()
